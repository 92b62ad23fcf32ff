// Counters that the stages keep and that progress lines, `status` and metrics read.
//
// Threads  Every member may be read and written from any thread. Counters count only what is durable (R16).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/table_schema.h"
#include "pipeline/state.h"

namespace tailrace {

struct TableCount {
  TableName table;
  TableState state = TableState::loading;
  std::uint64_t estimated_rows = 0;
  std::uint64_t loads = 0;  // Begun by this process.
  // Of the latest of them.
  std::uint64_t snapshot_rows = 0;
  std::uint64_t snapshot_bytes = 0;
  std::uint64_t chunks = 0;  // Durable ones.
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t deletes = 0;
  std::uint64_t dead_letters = 0;  // Of loads and of changes.
};

class Progress {
 public:
  void set_table(const TableName& table, TableState state, std::uint64_t estimated_rows);
  // A load begins, from its first row on: what an earlier one has counted is no part of it.
  void begin_load(const TableName& table);
  // Of a chunk.
  void add_snapshot(const TableName& table, std::uint64_t rows, std::uint64_t bytes);
  void add_changes(const TableName& table, std::uint64_t inserts, std::uint64_t updates,
                   std::uint64_t deletes);
  void add_dead_letters(const std::map<TableName, std::uint64_t>& letters);
  std::vector<TableCount> tables() const;
  std::uint64_t chunks(const TableName& table) const;

  // Chunks and commit points made durable: what tells progress from an endless retry.
  std::atomic<std::uint64_t> durable_steps{0};
  std::atomic<std::uint64_t> transactions{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> retries{0};
  std::atomic<std::uint64_t> queue_bytes{0};
  // Of the newest durable position: commit time (100 ns since 0001-01-01, UTC; 0: none) and when it became durable.
  std::atomic<std::int64_t> last_commit_time_utc{0};
  std::atomic<std::int64_t> last_durable_at_utc{0};
  std::atomic<bool> streaming{false};

 private:
  mutable std::mutex mutex_;
  std::map<TableName, TableCount> counts_;
};

}  // namespace tailrace
