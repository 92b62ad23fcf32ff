// What goes beside the changes: signals, rows of incremental snapshots, notices.
#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "kafka/faults.h"
#include "kafka/sink.h"
#include "pipeline/clock.h"
#include "pipeline/runner_id.h"

namespace tailrace::kafka {
namespace {

// schema.table, or database.schema.table as Debezium has it.
std::optional<TableName> signal_table_of(const SinkSettings& settings) {
  std::string text = settings.signals_table;
  if (text.empty()) return std::nullopt;
  const std::string database = settings.events.database + ".";
  if (text.starts_with(database) && text.find('.', database.size()) != std::string::npos)
    text.erase(0, database.size());
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text.size())
    throw Error(ErrorKind::config, "the signal table is not of the form schema.table")
        .with("target.signals.table", settings.signals_table);
  return TableName{text.substr(0, dot), text.substr(dot + 1)};
}

std::string data_text(const Notice& notice) {
  std::string out;
  for (const auto& [name, text] : notice.data)
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, text);
  return out;
}

}  // namespace

std::optional<SignalSettings> KafkaSink::signal_settings() const {
  const SinkSettings& settings = shared_->settings();
  const bool has_stored = shared_->with([](const SharedState& state) { return !state.stored.memos.empty(); });
  // What was asked for before goes on, also where nobody can ask any more.
  if (settings.signals_table.empty() && settings.signals_topic.empty() && !has_stored) return std::nullopt;
  SignalSettings out;
  out.table = signal_table_of(settings);
  out.database = settings.events.database;
  out.server = settings.events.prefix();
  for (const Operation operation : {Operation::insert, Operation::update, Operation::delete_}) {
    if (settings.events.skipped.has(operation)) out.unseen.insert(operation);
  }
  out.chunk_rows = settings.incremental_rows;
  out.chunk_bytes = settings.incremental_bytes;
  return out;
}

ChannelSignals KafkaSink::take_signals() {
  if (only_ || shared_->settings().signals_topic.empty()) return {};
  if (signals_ == nullptr) {
    const std::string memo = shared_->with([](const SharedState& state) {
      const auto found = state.stored.memos.find(SignalTopic::memo_name);
      return found == state.stored.memos.end() ? std::string() : found->second;
    });
    signals_ = std::make_unique<SignalTopic>(shared_->settings(), *admin_, memo);
  }
  return signals_->take();
}

bool KafkaSink::tell(Notice notice, const std::stop_token& stop) {
  const SinkSettings& settings = shared_->settings();
  if (!settings.tells()) return true;
  if (!settings.notices_topic.empty() && !channel_->send_notice(notice, stop)) return false;
  if (settings.log_notices) told_.push_back(std::move(notice));
  return true;
}

void KafkaSink::log_told() {
  for (const Notice& notice : std::exchange(told_, {}))
    log::info("notification", {{"id", notice.id},
                               {"aggregate_type", notice.aggregate},
                               {"type", notice.type},
                               {"additional_data", data_text(notice)}});
}

bool KafkaSink::tell_initial(const char* type, std::vector<std::pair<std::string, std::string>> data,
                             const std::stop_token& stop) {
  data.emplace_back("connector_name", shared_->settings().events.prefix());
  return tell({random_uuid(), "Initial Snapshot", type, std::move(data), now_unix_ms()}, stop);
}

bool KafkaSink::tell_loaded(const std::vector<StoredTable>& tables, const std::stop_token& stop) {
  const std::string& database = shared_->settings().events.database;
  std::string list;
  for (const StoredTable& table : tables)
    list += fmt::format("{}{}.{}", list.empty() ? "" : ",", database, table.progress.table.str());
  for (const StoredTable& table : tables) {
    const std::vector<ChunkProgress>& chunks = table.progress.chunks;
    const std::uint64_t rows =
        std::accumulate(chunks.begin(), chunks.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const ChunkProgress& chunk) { return sum + chunk.rows; });
    // Nothing was to be read of it, or nothing was there.
    if (rows == 0) continue;
    if (!tell_initial("TABLE_SCAN_COMPLETED",
                      {{"scanned_collection", fmt::format("{}.{}", database, table.progress.table.str())},
                       {"data_collections", list},
                       {"total_rows_scanned", std::to_string(rows)},
                       {"status", "SUCCEEDED"}},
                      stop))
      return false;
  }
  return tell_initial("COMPLETED", {}, stop);
}

bool KafkaSink::send_beside(const ChangeBatch& batch, StateChanges& changes, const std::stop_token& stop) {
  if (!only_ && !std::exchange(told_start_, true) && !tell_initial("SKIPPED", {}, stop)) return false;
  debezium::EventContext context;
  context.snapshot = debezium::SnapshotMarker::incremental;
  context.commit_lsn = batch.end->lsn;
  for (const RowBatch& rows : batch.reads) {
    if (shared_->settings().dead_letter_topic.empty()) refuse_faults(rows);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      context.source_time = context.now = now_unix_ns();
      if (!channel_->send_read(rows, row, context, stop)) return false;
    }
  }
  for (const Memo& memo : batch.memos)
    changes.set(memo);
  for (const Notice& notice : batch.notices) {
    if (!tell(notice, stop)) return false;
  }
  return true;
}

}  // namespace tailrace::kafka
