// Chunk writer.
#include "postgres/chunk_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "model/key_text.h"
#include "postgres/apply_sql.h"
#include "postgres/coalesce.h"
#include "postgres/constraints.h"
#include "postgres/isolate.h"

namespace tailrace::postgres {
namespace {

constexpr std::size_t flush_bytes = 128u << 10;

Params of_chunk(const Owner& owner, const Chunk& chunk) {
  Params params;
  params.text(owner.pipeline).text(chunk.table.schema).text(chunk.table.name).integer(chunk.number);
  return params;
}

// A statement that was cancelled is a conflict (57014).
bool is_stop(const Error& error, const std::stop_token& stop) {
  return error.kind() == ErrorKind::conflict && stop.stop_requested();
}

}  // namespace

PostgresChunkWriter::PostgresChunkWriter(const Settings& settings, Owner owner, const PlanRegistry& plans,
                                         std::shared_ptr<LetterCounter> letters)
    : settings_(settings),
      counter_(std::move(letters)),
      owner_(std::move(owner)),
      plans_(plans),
      connection_(settings, "chunk writer", std::stop_token{}) {}

// Waits for an old backend of ours that still holds the row, and then sees what it has committed.
bool PostgresChunkWriter::lock_chunk(const Chunk& chunk) {
  const Result row = connection_.query(
      "SELECT done FROM tailrace.snapshot_chunk"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND number = $4 FOR UPDATE",
      of_chunk(owner_, chunk));
  if (row.rows() == 1) return !row.boolean(0, 0);
  throw Error(ErrorKind::internal, "a chunk that was never planned is written")
      .with("table", chunk.table.str())
      .with("chunk", std::to_string(chunk.number));
}

bool PostgresChunkWriter::begin_transaction(const SchemaPtr& table, const Chunk& chunk) {
  // Left by a chunk that was given up halfway.
  copy_.reset();
  transaction_.reset();
  plan_ = plans_.find(table->name);
  TAILRACE_ASSERT(plan_ != nullptr && plan_->schema->columns.size() == table->columns.size());
  transaction_.emplace(connection_);
  if (!lock_chunk(chunk)) {
    transaction_.reset();
    return false;
  }
  lock_and_verify(connection_, *plan_);
  if (chunk.table != chunk_.table || chunk.number != chunk_.number) careful_ = false;
  chunk_ = chunk;
  rows_ = 0;
  letters_ = 0;
  if (!careful_) begin_copy();
  return true;
}

void PostgresChunkWriter::begin_copy() {
  copy_.emplace(connection_, copy_sql(*plan_));
  buffer_.clear();
  put_copy_header(buffer_);
}

bool PostgresChunkWriter::wants_again() {
  return settings_.dead_letters && !std::exchange(careful_, true);
}

ChunkBegin PostgresChunkWriter::begin(const SchemaPtr& table, const Chunk& chunk, std::stop_token stop) {
  if (stop.stop_requested()) return ChunkBegin::stopped;
  const CancelOnStop cancel(connection_, stop);
  try {
    return begin_transaction(table, chunk) ? ChunkBegin::begun : ChunkBegin::done_before;
  } catch (const Error& error) {
    if (is_stop(error, stop)) return ChunkBegin::stopped;
    throw;
  }
}

void PostgresChunkWriter::flush() {
  copy_->send(buffer_.view());
  buffer_.clear();
}

bool PostgresChunkWriter::write(const RowBatch& rows, std::stop_token stop) {
  TAILRACE_ASSERT(copy_.has_value() || careful_);
  if (stop.stop_requested()) return false;
  const CancelOnStop cancel(connection_, stop);
  if (careful_) {
    try {
      write_carefully(rows);
    } catch (const Error& error) {
      if (is_stop(error, stop)) return false;
      throw;
    }
    return !stop.stop_requested();
  }
  refuse_faults(*plan_, rows);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    put_copy_row(buffer_, plan_->encoders, rows, row);
    if (buffer_.size() >= flush_bytes) flush();
  }
  rows_ += rows.rows();
  crash_point("chunk.in_copy");
  return !stop.stop_requested();  // A COPY that was cancelled says so at its end only.
}

// The rows with a fault are known; the others are halved until what is refused stands alone.
void PostgresChunkWriter::write_carefully(const RowBatch& rows) {
  const std::vector<RowFault> found = faults_of(*plan_, rows);
  std::map<std::uint32_t, const RowFault*> faults;
  for (const RowFault& fault : found)
    faults.try_emplace(static_cast<std::uint32_t>(fault.row), &fault);
  std::vector<std::uint32_t> sound;
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    const auto fault = faults.find(row);
    if (fault == faults.end()) {
      sound.push_back(row);
      continue;
    }
    const bool has_key = std::none_of(rows.faults().begin(), rows.faults().end(), [&](const RowFault& each) {
      return each.row == row && rows.schema().is_key(each.column);
    });
    refuse(rows, row, cause_of(*fault->second, rows.schema()), has_key);
  }
  copy_some(rows, sound);
}

void PostgresChunkWriter::copy_some(const RowBatch& rows, const std::vector<std::uint32_t>& some) {
  if (some.empty()) return;
  const std::optional<Error> refused = in_savepoint(connection_, [&] {
    begin_copy();
    for (const std::uint32_t row : some) {
      put_copy_row(buffer_, plan_->encoders, rows, row);
      if (buffer_.size() >= flush_bytes) flush();
    }
    finish_copy(some.size());
  });
  crash_point("dead_letter.in_chunk");
  if (!refused) {
    rows_ += some.size();
    return;
  }
  if (some.size() == 1) return refuse(rows, some.front(), cause_of(*refused), /*has_key=*/true);
  const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
  copy_some(rows, {some.begin(), middle});
  copy_some(rows, {middle, some.end()});
}

void PostgresChunkWriter::refuse(const RowBatch& rows, std::uint32_t row, LetterCause cause, bool has_key) {
  const RowRef ref{&rows, row};
  store_dead_letter(connection_, owner_, letter_of(ref, std::move(cause)));
  if (has_key) list_diverged(connection_, owner_, *plan_, {{identity_of(*plan_, ref)}, {key_of(rows, row)}});
  ++letters_;
}

void PostgresChunkWriter::finish_copy(std::uint64_t rows) {
  put_copy_trailer(buffer_);
  flush();
  const std::uint64_t taken = copy_->finish();
  copy_.reset();
  if (taken != rows)
    throw Error(ErrorKind::internal, fmt::format("{} rows were copied, the server took {}", rows, taken))
        .with("table", chunk_.table.str());
}

void PostgresChunkWriter::finish_transaction() {
  if (!careful_) finish_copy(rows_);
  crash_point("chunk.before_progress");
  connection_.query(
      "UPDATE tailrace.snapshot_chunk SET done = true, rows = $5"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND number = $4",
      of_chunk(owner_, chunk_).integer(static_cast<std::int64_t>(rows_)));
  connection_.query("SELECT tailrace.assert_fence($1, $2)",
                    Params().text(owner_.pipeline).integer(owner_.fence));
  crash_point("chunk.before_commit");
  transaction_->commit();
  transaction_.reset();
  counter_->add(chunk_.table, letters_);
  crash_point("chunk.after_commit");
}

std::optional<std::uint64_t> PostgresChunkWriter::finish(std::stop_token stop) {
  TAILRACE_ASSERT(copy_.has_value() || careful_);
  if (stop.stop_requested()) return std::nullopt;
  const CancelOnStop cancel(connection_, stop);
  try {
    finish_transaction();
    return rows_;
  } catch (const Error& error) {
    if (is_stop(error, stop)) return std::nullopt;
    throw;
  }
}

bool PostgresChunkWriter::finish_table(const SchemaPtr& table, std::stop_token stop) {
  const PlanPtr plan = plans_.find(table->name);
  TAILRACE_ASSERT(plan != nullptr);
  crash_point("load.before_key");
  const bool finished = with_lock_timeout(connection_, settings_, stop, [&] {
    // The fence's row stays held until the commit: nobody takes over while the key is being built.
    connection_.query("SELECT tailrace.assert_fence($1, $2)",
                      Params().text(owner_.pipeline).integer(owner_.fence));
    ensure_primary_key(connection_, *table, plan->relation);
    connection_.exec("ANALYZE " + plan->relation.quoted());
  });
  if (finished) crash_point("load.after_key");
  return finished;
}

}  // namespace tailrace::postgres
