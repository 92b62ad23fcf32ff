// Chunks into topics.
#include "kafka/chunk_writer.h"

#include <algorithm>
#include <chrono>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "kafka/faults.h"
#include "model/key_text.h"
#include "pipeline/clock.h"

namespace tailrace::kafka {
namespace {

using debezium::SnapshotMarker;

}  // namespace

KafkaChunkWriter::KafkaChunkWriter(std::shared_ptr<SinkShared> shared)
    : shared_(std::move(shared)), helper_(shared_) {}

bool KafkaChunkWriter::open(const std::stop_token& stop) {
  if (channel_ != nullptr) return true;
  std::unique_ptr<Producer> producer = make_producer(
      shared_->settings(), helper_id(shared_->settings(), helper_.number()), shared_->transaction_timeout());
  if (!producer->init(stop)) return false;
  channel_ = std::make_unique<Channel>(shared_, std::move(producer));
  return true;
}

ChunkBegin KafkaChunkWriter::begin(const SchemaPtr& table, const Chunk& chunk, std::stop_token stop) {
  if (!open(stop)) return ChunkBegin::stopped;
  const TableName& name = table->name;
  chunk_ = chunk;
  rows_ = 0;
  last_row_.reset();
  const bool is_done = shared_->with([&](const SharedState& state) {
    const StoredTable& stored = state.stored.tables.at(name);
    low_ = stored.progress.low;
    // A table that is loaded beside the stream is a load of its own.
    const std::set<TableName>& loading = state.loading;
    is_first_table_ = stored.progress.outside || loading.empty() || *loading.begin() == name;
    is_last_table_ = stored.progress.outside || loading.empty() || *loading.rbegin() == name;
    const std::vector<ChunkProgress>& chunks = stored.progress.chunks;
    const auto found = std::find_if(chunks.begin(), chunks.end(), [&](const ChunkProgress& each) {
      return each.chunk.number == chunk.number;
    });
    TAILRACE_ASSERT(found != chunks.end());  // It was recorded before it is read.
    rows_before_ = found->rows;
    return found->done;
  });
  read_at_ns_ = now_unix_ns();
  return is_done ? ChunkBegin::done_before : ChunkBegin::begun;
}

SnapshotMarker KafkaChunkWriter::marker(bool is_last_row) const {
  const bool is_first_row = chunk_.number == 0 && rows_before_ + rows_ == 0;
  if (is_last_row && is_last_table_) return SnapshotMarker::last;
  if (is_first_row && is_first_table_) return SnapshotMarker::first;
  if (is_last_row) return SnapshotMarker::last_in_data_collection;
  if (is_first_row) return SnapshotMarker::first_in_data_collection;
  return SnapshotMarker::middle;
}

bool KafkaChunkWriter::send(const RowBatch& rows, std::size_t row, bool is_last_row,
                            const std::stop_token& stop) {
  debezium::EventContext context;
  context.snapshot = marker(is_last_row);
  context.commit_lsn = low_;
  context.source_time = read_at_ns_;
  context.now = now_unix_ns();
  if (!channel_->send_read(rows, row, context, stop)) return false;
  ++rows_;
  if (is_last_row || !channel_->is_due()) return true;
  return cut(rows, row, stop);
}

// The rest of the chunk begins behind this row: the key is what a later run goes on with, whatever the table is then.
bool KafkaChunkWriter::cut(const RowBatch& rows, std::size_t row, const std::stop_token& stop) {
  chunk_.after = key_of(rows, row);
  if (!commit({chunk_, /*done=*/false, rows_before_ + rows_}, stop)) return false;
  log::warn("kafka.transaction.cut", {{"table", chunk_.table.str()},
                                      {"chunk", chunk_.number},
                                      {"rows", rows_before_ + rows_},
                                      {"reason", "the chunk takes longer than a Kafka transaction may"}});
  return true;
}

bool KafkaChunkWriter::commit(const ChunkProgress& progress, const std::stop_token& stop) {
  StateChanges changes(*shared_);
  changes.set(chunk_.table, progress);
  crash_point("chunk.before_progress");
  if (!changes.put(*channel_, stop)) return false;
  crash_point("chunk.before_commit");
  if (!channel_->commit(stop)) return false;
  crash_point("chunk.after_commit");
  changes.settle();
  return true;
}

bool KafkaChunkWriter::write(const RowBatch& rows, std::stop_token stop) {
  if (shared_->settings().dead_letter_topic.empty()) refuse_faults(rows);
  if (rows.empty()) return true;
  std::size_t end = rows.rows();
  if (chunk_.upto.empty()) {
    // The table's last row is known as such only when nothing comes behind it.
    if (last_row_ && !send(*last_row_, 0, /*is_last_row=*/false, stop)) return false;
    --end;
    last_row_.emplace(rows.schema_ptr());
    last_row_->add_copy(rows, end);
    for (RowFault fault : rows.faults()) {
      if (fault.row != end) continue;
      fault.row = 0;
      last_row_->add_fault(std::move(fault));
    }
  }
  for (std::size_t row = 0; row < end; ++row) {
    if (!send(rows, row, /*is_last_row=*/false, stop)) return false;
  }
  crash_point("chunk.in_copy");
  return true;
}

std::optional<std::uint64_t> KafkaChunkWriter::finish(std::stop_token stop) {
  if (last_row_ && !send(*last_row_, 0, /*is_last_row=*/true, stop)) return std::nullopt;
  last_row_.reset();
  if (!commit({chunk_, /*done=*/true, rows_before_ + rows_}, stop)) return std::nullopt;
  return rows_;
}

bool KafkaChunkWriter::finish_table(const SchemaPtr& table, std::stop_token stop) {
  static_cast<void>(table);
  static_cast<void>(stop);
  return true;  // A topic has no key to be built.
}

}  // namespace tailrace::kafka
