// RowBatch: copying rows between batches.
#include "model/row_batch.h"

namespace tailrace {

std::size_t RowBatch::add_copy(const RowBatch& other, std::size_t row) {
  TAILRACE_ASSERT(other.columns_ == columns_);
  const std::size_t added = add_row(other.headers_[row]);
  for (std::size_t column = 0; column < columns_; ++column) {
    const CellState state = other.state(row, column);
    if (state != CellState::value) {
      states_[added * columns_ + column] = state;
      continue;
    }
    const CellKind kind = schema_->columns[column].type.cell_kind();
    if (is_in_arena(kind)) {
      put_text(added, column, other.text(row, column));
    } else {
      put(added, column) = other.cell(row, column);
    }
  }
  return added;
}

}  // namespace tailrace
