// Writes snapshot chunks: each row an event `r`, rows and progress in one transaction of a numbered id of its own.
//
// Shape    The rows of a table are marked as Debezium marks them: the first of its first chunk, the last of its last one (held back until
//          the chunk ends), `first` and `last` those of the first and the last table by name. Chunks are sent beside each other, so that
//          the marks tell which rows they are, not when they come.
//          A chunk that takes longer than a transaction may is cut at a row: what is left begins behind its key (K2).
// Threads  One thread.
// Source   docs/rules.md K2, K3e; Debezium 3.6 RelationalSnapshotChangeEventSource (markers).
#pragma once

#include <memory>
#include <optional>

#include "kafka/channel.h"
#include "kafka/sink_shared.h"
#include "kafka/state_changes.h"
#include "pipeline/sink.h"

namespace tailrace::kafka {

class KafkaChunkWriter : public ChunkWriter {
 public:
  explicit KafkaChunkWriter(std::shared_ptr<SinkShared> shared);

  [[nodiscard]] ChunkBegin begin(const SchemaPtr& table, const Chunk& chunk, std::stop_token stop) override;
  [[nodiscard]] bool write(const RowBatch& rows, std::stop_token stop) override;
  [[nodiscard]] std::optional<std::uint64_t> finish(std::stop_token stop) override;
  [[nodiscard]] bool finish_table(const SchemaPtr& table, std::stop_token stop) override;

 private:
  bool open(const std::stop_token& stop);
  debezium::SnapshotMarker marker(bool is_last_row) const;
  bool send(const RowBatch& rows, std::size_t row, bool is_last_row, const std::stop_token& stop);
  bool cut(const RowBatch& rows, std::size_t row, const std::stop_token& stop);
  bool commit(const ChunkProgress& progress, const std::stop_token& stop);

  std::shared_ptr<SinkShared> shared_;
  HelperNumber helper_;
  std::unique_ptr<Channel> channel_;
  Chunk chunk_;
  std::uint64_t rows_before_ = 0;  // Of the chunk, sent by an earlier attempt.
  std::uint64_t rows_ = 0;         // Sent by this one.
  bool is_first_table_ = false;
  bool is_last_table_ = false;
  Lsn low_;
  std::int64_t read_at_ns_ = 0;
  std::optional<RowBatch> last_row_;  // Of a table's last chunk: its newest row, held back.
};

}  // namespace tailrace::kafka
