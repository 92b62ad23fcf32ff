// Chunks of a table by ranges of its key, each in one consistent read.
//
// Shape    pipeline/source.h, SnapshotReader. The server compares keys: bounds go back to it as they came.
// Threads  One thread each, with a connection of its own.
#pragma once

#include <memory>
#include <string>

#include "pipeline/source.h"
#include "sqlserver/code_page.h"
#include "sqlserver/connection.h"

namespace tailrace::sqlserver {

class TableSnapshotReader : public SnapshotReader {
 public:
  // `snapshot_isolation`: the database allows it. Else READ COMMITTED: the replay mends what a scan under it misses.
  TableSnapshotReader(const Settings& settings, std::string database_collation, bool snapshot_isolation);

  std::optional<Chunk> plan_chunk(const TableSchema& table, const Chunk* last, std::uint64_t chunk_rows,
                                  std::stop_token stop) override;
  [[nodiscard]] bool read_chunk(const SchemaPtr& table, const Chunk& chunk,
                                const std::function<bool(const RowBatch&)>& take,
                                std::stop_token stop) override;
  std::optional<RowBatch> read_keys(const SchemaPtr& table, std::span<const std::vector<std::string>> keys,
                                    std::stop_token stop) override;

 private:
  TextForm text_form() const;
  RowPlan plan_for(const TableSchema& table) const;
  Chunk plan(const TableSchema& table, const Chunk* last, std::uint64_t chunk_rows);
  RowBatch read(const SchemaPtr& table, std::span<const std::vector<std::string>> keys);

  Connection connection_;
  std::string database_collation_;
};

}  // namespace tailrace::sqlserver
