// The rows of some stretches, table by table: of each table those of one shape at a time, each partition's in its order.
//
// Threads  A value; refers to the stretches.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "pipeline/partitions.h"

namespace tailrace::postgres {

class Rounds {
 public:
  explicit Rounds(const std::vector<Stretch>& stretches) {
    for (const Stretch& stretch : stretches) {
      for (const RowBatch& rows : stretch.rows) {
        if (!rows.empty()) waiting_[rows.schema().name][stretch.where].push_back(&rows);
      }
    }
  }

  // The next rows of one shape of each table, in each partition's order. False: there are none.
  bool next(std::vector<std::vector<const RowBatch*>>& tables) {
    tables.clear();
    for (auto& [name, partitions] : waiting_) {
      if (partitions.empty()) continue;
      const SchemaPtr shape = partitions.begin()->second.front()->schema_ptr();
      std::vector<const RowBatch*>& taken = tables.emplace_back();
      for (auto& [where, batches] : partitions) {
        const auto other = std::find_if(batches.begin(), batches.end(),
                                        [&](const RowBatch* rows) { return rows->schema_ptr() != shape; });
        taken.insert(taken.end(), batches.begin(), other);
        batches.erase(batches.begin(), other);
      }
      std::erase_if(partitions, [](const auto& each) { return each.second.empty(); });
    }
    return !tables.empty();
  }

 private:
  std::map<TableName, std::map<PartitionName, std::vector<const RowBatch*>>> waiting_;
};

}  // namespace tailrace::postgres
