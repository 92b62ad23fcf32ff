// Progress: counters per table.
#include "pipeline/progress.h"

namespace tailrace {

void Progress::set_table(const TableName& table, TableState state, std::uint64_t estimated_rows) {
  const std::lock_guard lock(mutex_);
  TableCount& count = counts_[table];
  count.table = table;
  count.state = state;
  if (estimated_rows != 0) count.estimated_rows = estimated_rows;
}

void Progress::begin_load(const TableName& table) {
  const std::lock_guard lock(mutex_);
  TableCount& count = counts_[table];
  ++count.loads;
  count.snapshot_rows = 0;
  count.snapshot_bytes = 0;
  count.chunks = 0;
}

void Progress::add_snapshot(const TableName& table, std::uint64_t rows, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_[table].snapshot_rows += rows;
  counts_[table].snapshot_bytes += bytes;
  ++counts_[table].chunks;
}

void Progress::add_changes(const TableName& table, std::uint64_t inserts, std::uint64_t updates,
                           std::uint64_t deletes) {
  const std::lock_guard lock(mutex_);
  TableCount& count = counts_[table];
  count.inserts += inserts;
  count.updates += updates;
  count.deletes += deletes;
}

void Progress::add_dead_letters(const std::map<TableName, std::uint64_t>& letters) {
  const std::lock_guard lock(mutex_);
  for (const auto& [table, count] : letters)
    counts_[table].dead_letters += count;
}

std::uint64_t Progress::chunks(const TableName& table) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(table);
  return found == counts_.end() ? 0 : found->second.chunks;
}

std::vector<TableCount> Progress::tables() const {
  const std::lock_guard lock(mutex_);
  std::vector<TableCount> out;
  for (const auto& [name, count] : counts_) {
    out.push_back(count);
    out.back().table = name;
  }
  return out;
}

}  // namespace tailrace
