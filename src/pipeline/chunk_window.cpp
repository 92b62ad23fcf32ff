// Keys that change while a chunk waits for its place.
#include "pipeline/chunk_window.h"

#include <utility>

#include "model/key_text.h"

namespace tailrace {
namespace {

// Parts of a key are of any letters: their lengths tell them apart.
std::string joined_key(const RowBatch& batch, std::size_t row) {
  std::string out;
  for (const std::string& part : key_of(batch, row)) {
    out += std::to_string(part.size());
    out += ':';
    out += part;
  }
  return out;
}

}  // namespace

void ChunkWindow::open(const TableName& table) {
  close();
  table_ = table;
  open_ = true;
}

void ChunkWindow::close() {
  open_ = filled_ = spoiled_ = false;
  dropped_ = 0;
  changed_.clear();
  rows_.clear();
  gone_.clear();
  places_.clear();
}

void ChunkWindow::touch(const std::string& key) {
  if (!filled_) {
    if (changed_.size() < most_keys_)
      changed_.insert(key);
    else if (!changed_.contains(key))
      spoiled_ = true;
    return;
  }
  const auto found = places_.find(key);
  if (found == places_.end()) return;
  gone_[found->second.batch][found->second.row] = true;
  places_.erase(found);
  ++dropped_;
}

void ChunkWindow::see(const RowBatch& changes) {
  if (!open_ || changes.schema().name != table_) return;
  // The row before an update counts as well: its key may be another one.
  for (std::size_t row = 0; row < changes.rows(); ++row) {
    const Operation operation = changes.header(row).operation;
    if (!unseen_.contains(operation == Operation::update_before ? Operation::update : operation))
      touch(joined_key(changes, row));
  }
}

void ChunkWindow::fill(std::vector<RowBatch> rows) {
  rows_ = std::move(rows);
  filled_ = true;
  for (std::size_t batch = 0; batch < rows_.size(); ++batch) {
    gone_.emplace_back(rows_[batch].rows(), false);
    for (std::size_t row = 0; row < rows_[batch].rows(); ++row)
      places_.emplace(joined_key(rows_[batch], row), Place{batch, row});
  }
  for (const std::string& key : std::exchange(changed_, {}))
    touch(key);
}

std::vector<RowBatch> ChunkWindow::take() {
  std::vector<RowBatch> out;
  for (std::size_t batch = 0; batch < rows_.size(); ++batch) {
    RowBatch left(rows_[batch].schema_ptr());
    for (std::size_t row = 0; row < rows_[batch].rows(); ++row) {
      if (!gone_[batch][row]) left.add_copy(rows_[batch], row);
    }
    if (!left.empty()) out.push_back(std::move(left));
  }
  close();
  return out;
}

}  // namespace tailrace
