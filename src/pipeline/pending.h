// Rows by operation since the last durable step: counted only once they are durable (R16).
//
// Threads  Of one thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/change_batch.h"
#include "pipeline/progress.h"

namespace tailrace {

class Pending {
 public:
  void add(const std::vector<RowBatch>& tables, std::uint64_t transactions) {
    for (const RowBatch& rows : tables) {
      Counts& counts = tables_[rows.schema().name];
      for (std::size_t row = 0; row < rows.rows(); ++row)
        counts.add(rows.header(row).operation);
    }
    transactions_ += transactions;
  }
  void add(const ChangeBatch& batch) { add(batch.tables, batch.transactions); }
  void settle(Progress& progress) {
    for (const auto& [table, counts] : tables_) {
      progress.add_changes(table, counts.inserts, counts.updates, counts.deletes);
    }
    progress.transactions += transactions_;
    forget();
  }
  void forget() {
    tables_.clear();
    transactions_ = 0;
  }

 private:
  struct Counts {
    std::uint64_t inserts = 0;
    std::uint64_t updates = 0;
    std::uint64_t deletes = 0;
    void add(Operation operation) {
      switch (operation) {
        case Operation::read:
        case Operation::insert: ++inserts; break;
        case Operation::update: ++updates; break;
        case Operation::delete_: ++deletes; break;
        case Operation::update_before: break;
      }
    }
  };
  std::map<TableName, Counts> tables_;
  std::uint64_t transactions_ = 0;
};

}  // namespace tailrace
