// RowBatch: copying rows between batches.
#include "model/row_batch.h"

#include <algorithm>
#include <utility>

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

// What their text took in the arena stays there.
RowBatch RowBatch::split(std::size_t row) {
  TAILRACE_ASSERT(row <= rows());
  RowBatch out(schema_);
  for (std::size_t i = row; i < rows(); ++i)
    out.add_copy(*this, i);
  headers_.resize(row);
  cells_.resize(row * columns_);
  states_.resize(row * columns_);
  const auto first = std::stable_partition(faults_.begin(), faults_.end(),
                                           [row](const RowFault& fault) { return fault.row < row; });
  for (auto fault = first; fault != faults_.end(); ++fault) {
    fault->row -= row;
    out.faults_.push_back(std::move(*fault));
  }
  faults_.erase(first, faults_.end());
  return out;
}

}  // namespace tailrace
