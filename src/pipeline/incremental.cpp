// What is to be read, chunk by chunk, and what is told of it.
#include "pipeline/incremental.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "pipeline/clock.h"
#include "pipeline/runner_id.h"

namespace tailrace {
namespace {

// Chunks are ranges of the key; NULL is in none of them.
bool has_ranges(const TableSchema& table) {
  return !table.key.empty() && std::none_of(table.key.begin(), table.key.end(), [&](std::size_t column) {
    return table.columns[column].nullable;
  });
}

}  // namespace

IncrementalSnapshots::IncrementalSnapshots(IncrementalTask task)
    : task_(std::move(task)), state_(incremental_state_of(task_.stored)), window_(task_.signals.unseen) {
  for (const SchemaPtr& table : task_.tables)
    tables_.emplace(table->name, table);
  if (!state_.running()) return;
  log::info("incremental.resumed", {{"id", state_.id},
                                    {"table", state_.tables.front().table.str()},
                                    {"tables", state_.tables.size()},
                                    {"rows", state_.tables.front().rows},
                                    {"paused", state_.paused}});
}

std::string IncrementalSnapshots::id_of(const TableName& table) const {
  return fmt::format("{}.{}", task_.signals.database, table.str());
}

std::string IncrementalSnapshots::ids() const {
  std::string out;
  for (const IncrementalTable& table : state_.tables)
    out += (out.empty() ? "" : ",") + id_of(table.table);
  return out;
}

void IncrementalSnapshots::tell(const char* type, std::vector<std::pair<std::string, std::string>> data) {
  data.emplace_back("connector_name", task_.signals.server);
  notices_.push_back({state_.id, "Incremental Snapshot", type, std::move(data), now_unix_ms()});
}

void IncrementalSnapshots::tell_scanned(const char* status) {
  const IncrementalTable& table = state_.tables.front();
  tell("TABLE_SCAN_COMPLETED", {{"data_collections", ids()},
                                {"scanned_collection", id_of(table.table)},
                                {"total_rows_scanned", std::to_string(table.rows)},
                                {"status", status}});
  log::info("incremental.table", {{"id", state_.id},
                                  {"table", table.table.str()},
                                  {"rows", table.rows},
                                  {"chunks", table.chunks},
                                  {"status", status}});
}

void IncrementalSnapshots::execute(const std::string& id, const SnapshotOrder& order) {
  if (!order.incremental)
    throw Error(ErrorKind::config, "a blocking snapshot is not done here; expected type INCREMENTAL");
  if (!order.surrogate_key.empty())
    throw Error(ErrorKind::config, "surrogate-key is not known here: chunks are ranges of the table's key");
  if (order.tables.empty()) throw Error(ErrorKind::config, "data-collections names no table");
  std::map<std::string, TableName> known;
  std::vector<std::string> names;
  for (const auto& [name, schema] : tables_) {
    names.push_back(id_of(name));
    known.emplace(names.back(), name);
  }
  const std::vector<std::string> found = matching(order.tables, names);
  if (found.empty())
    throw Error(ErrorKind::config,
                "data-collections matches no table of the stream; names are database.schema.table");
  std::deque<IncrementalTable> added;
  for (const std::string& name : found) {
    IncrementalTable table;
    table.table = known.at(name);
    for (const auto& [pattern, filter] : order.conditions) {
      if (table.filter.empty() && matches_condition(pattern, name)) table.filter = filter;
    }
    added.push_back(std::move(table));
  }
  const bool was_running = state_.running();
  state_.id = id.empty() ? random_uuid() : id;
  state_.tables.insert(state_.tables.end(), added.begin(), added.end());
  changed_ = true;
  log::info("incremental.asked", {{"id", id}, {"tables", added.size()}, {"waiting", state_.tables.size()}});
  if (!was_running) {
    state_.paused = false;
    tell("STARTED", {{"data_collections", ids()}});
  }
}

void IncrementalSnapshots::stop(const SnapshotOrder& order) {
  if (!order.incremental) throw Error(ErrorKind::config, "a blocking snapshot is not done here");
  if (!state_.running()) throw Error(ErrorKind::config, "no incremental snapshot is under way");
  std::vector<std::string> names;
  for (const IncrementalTable& table : state_.tables)
    names.push_back(id_of(table.table));
  const std::vector<std::string> stopped = order.tables.empty() ? names : matching(order.tables, names);
  if (stopped.empty())
    throw Error(ErrorKind::config, "data-collections matches no table of the incremental snapshot");
  const auto is_stopped = [&](const IncrementalTable& table) {
    return std::find(stopped.begin(), stopped.end(), id_of(table.table)) != stopped.end();
  };
  if (is_stopped(state_.tables.front())) drop_chunk();
  std::erase_if(state_.tables, is_stopped);
  changed_ = true;
  std::string list;
  for (const std::string& name : stopped)
    list += (list.empty() ? "" : ",") + name;
  log::info("incremental.stopped", {{"id", state_.id}, {"tables", list}, {"left", state_.tables.size()}});
  if (order.tables.empty())
    tell("ABORTED", {});
  else
    tell("ABORTED", {{"data_collections", list}});
}

void IncrementalSnapshots::pause() {
  if (!state_.running() || state_.paused) return;
  drop_chunk();
  state_.paused = changed_ = true;
  log::info("incremental.paused", {{"id", state_.id}});
  tell("PAUSED", {{"data_collections", ids()}});
}

void IncrementalSnapshots::resume() {
  if (!state_.running() || !state_.paused) return;
  state_.paused = false;
  changed_ = true;
  log::info("incremental.goes_on", {{"id", state_.id}});
  tell("RESUMED", {{"data_collections", ids()}});
}

void IncrementalSnapshots::see(const ChangeBatch& batch) {
  for (const RowBatch& rows : batch.tables)
    window_.see(rows);
}

// What comes of it has nobody waiting for it any more.
void IncrementalSnapshots::drop_chunk() {
  window_.close();
  answer_.reset();
  ordered_ = false;
  ++number_;
  const std::lock_guard lock(mutex_);
  watch_.reset();
}

void IncrementalSnapshots::next_table(const char* status) {
  tell_scanned(status);
  drop_chunk();
  state_.tables.pop_front();
  changed_ = true;
  if (state_.running()) return;
  tell("COMPLETED", {});
  log::info("incremental.completed", {{"id", state_.id}});
}

void IncrementalSnapshots::order_chunk() {
  while (is_busy() && !ordered_) {
    const IncrementalTable& table = state_.tables.front();
    const auto found = tables_.find(table.table);
    if (found == tables_.end()) {
      log::warn("incremental.passed_over",
                {{"table", table.table.str()}, {"reason", "the table is not in the stream"}});
      next_table("SKIPPED");
    } else if (!has_ranges(*found->second)) {
      next_table("NO_PRIMARY_KEY");
    } else {
      if (reader_ == nullptr)
        reader_ = std::make_unique<IncrementalReader>(
            task_.settings, task_.make_source, task_.progress, task_.source_identity,
            IncrementalReader::Limits{task_.signals.chunk_rows, task_.signals.chunk_bytes}, task_.wake);
      // Before the read: what is given to the sink from here on is seen.
      window_.open(table.table);
      ordered_ = true;
      reader_->ask({++number_, found->second, table.after, table.chunks, table.filter});
    }
  }
}

void IncrementalSnapshots::look() {
  if (reader_ != nullptr) {
    std::optional<ChunkAnswer> answer = reader_->take();
    if (answer && ordered_ && answer->number == number_) {
      if (!answer->error.empty()) {
        log::error("incremental.failed",
                   {{"table", state_.tables.front().table.str()}, {"error", answer->error}});
        next_table("SQL_EXCEPTION");
      } else if (window_.is_spoiled()) {
        log::info("incremental.again", {{"table", state_.tables.front().table.str()},
                                        {"reason", "too many keys changed while the chunk was read"}});
        drop_chunk();
      } else {
        window_.fill(std::exchange(answer->rows, {}));
        const std::lock_guard lock(mutex_);
        watch_ = WatchedMark{answer->mark, number_};
        answer_ = std::move(answer);
      }
    }
  }
  order_chunk();
}

std::optional<WatchedMark> IncrementalSnapshots::take_watch() {
  const std::lock_guard lock(mutex_);
  return std::exchange(watch_, std::nullopt);
}

void IncrementalSnapshots::finish_chunk(ChangeBatch& batch) {
  const std::uint64_t dropped = window_.dropped();
  batch.reads = window_.take();
  IncrementalTable& table = state_.tables.front();
  table.after = answer_->upto;
  table.rows += answer_->read;
  ++table.chunks;
  changed_ = true;
  log::debug("incremental.chunk", {{"table", table.table.str()},
                                   {"chunk", table.chunks},
                                   {"rows", answer_->read},
                                   {"changed_meanwhile", dropped}});
  ordered_ = false;
  if (table.after.empty()) {
    next_table(table.rows == 0 ? "EMPTY" : "SUCCEEDED");
  } else {
    answer_.reset();
    std::string last;
    for (const std::string& part : table.after)
      last += (last.empty() ? "" : ",") + part;
    tell("IN_PROGRESS", {{"data_collections", ids()},
                         {"current_collection_in_progress", id_of(table.table)},
                         {"last_processed_key", last}});
  }
  crash_point("incremental.before_commit");
}

void IncrementalSnapshots::add_to(ChangeBatch& batch) {
  TAILRACE_ASSERT(batch.end.has_value());
  if (ordered_ && answer_ && batch.watch_reached == number_) finish_chunk(batch);
  for (const SchemaPtr& table : batch.joining)
    tables_.insert_or_assign(table->name, table);
  for (const TableName& table : batch.left) {
    tables_.erase(table);
    if (state_.running() && state_.tables.front().table == table) drop_chunk();
  }
  look();
  if (changed_) batch.memos.push_back({memo_name, text_of(state_)});
  changed_ = false;
  batch.notices = std::exchange(notices_, {});
}

}  // namespace tailrace
