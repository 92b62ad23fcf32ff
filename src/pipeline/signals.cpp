// Rows and records into what they ask for.
#include "pipeline/signals.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace tailrace {
namespace {

constexpr std::size_t signal_columns = 3;

bool is_text(const Column& column) {
  return column.type.cell_kind() == CellKind::text;
}

void check_table(const TableName& table, const std::vector<SchemaPtr>& tables) {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const SchemaPtr& schema) { return schema->name == table; });
  // Outside the stream: its signals come once it is in.
  if (found == tables.end()) return;
  const std::vector<Column>& columns = (*found)->columns;
  if (columns.size() == signal_columns && std::all_of(columns.begin(), columns.end(), is_text)) return;
  throw Error(ErrorKind::config, "the signal table is not of three columns of text")
      .with("table", table.str())
      .with("remedy",
            "CREATE TABLE ... (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) "
            "NULL)");
}

std::string text_at(const RowBatch& rows, std::size_t row, std::size_t column) {
  return rows.state(row, column) == CellState::value ? std::string(rows.text(row, column)) : "";
}

}  // namespace

Signals::Signals(IncrementalTask task) : table_(task.signals.table), snapshots_(std::move(task)) {}

void Signals::see(const ChangeBatch& batch) {
  snapshots_.see(batch);
  if (!table_) return;
  for (const SchemaPtr& joining : batch.joining)
    check_table(*table_, {joining});
  for (const RowBatch& rows : batch.tables) {
    if (rows.schema().name != *table_) continue;
    check_table(*table_, {rows.schema_ptr()});
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      if (rows.header(row).operation != Operation::insert) continue;
      seen_.push_back({text_at(rows, row, 0), text_at(rows, row, 1), text_at(rows, row, 2)});
    }
  }
}

void Signals::do_as_asked(const Signal& signal) {
  if (signal.type == "execute-snapshot") {
    snapshots_.execute(signal.id, parse_order(signal.data));
  } else if (signal.type == "stop-snapshot") {
    snapshots_.stop(parse_order(signal.data));
  } else if (signal.type == "pause-snapshot") {
    snapshots_.pause();
  } else if (signal.type == "resume-snapshot") {
    snapshots_.resume();
  } else if (signal.type == "log") {
    const auto parsed = nlohmann::json::parse(signal.data, nullptr, /*allow_exceptions=*/false);
    const bool has_text =
        parsed.is_object() && parsed.contains("message") && parsed.at("message").is_string();
    if (!has_text) throw Error(ErrorKind::config, "its data has no message");
    log::info("signal.log", {{"id", signal.id}, {"message", parsed.at("message").get<std::string>()}});
  } else if (signal.type == "snapshot-window-open" || signal.type == "snapshot-window-close") {
    // Marks of a Debezium that uses the same table.
  } else {
    throw Error(ErrorKind::config, "no such type is known");
  }
}

void Signals::act(const Signal& signal) {
  try {
    do_as_asked(signal);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::config) throw;
    log::warn("signal.refused", {{"id", signal.id}, {"type", signal.type}, {"reason", error.message()}});
  }
}

void Signals::take(ChannelSignals channel) {
  for (const Signal& signal : channel.signals)
    act(signal);
  if (channel.taken) taken_.push_back(std::move(*channel.taken));
}

bool Signals::wants_end() {
  snapshots_.look();
  return snapshots_.is_due() || !taken_.empty();
}

void Signals::add_to(ChangeBatch& batch) {
  for (const Signal& signal : std::exchange(seen_, {}))
    act(signal);
  batch.memos = std::exchange(taken_, {});
  snapshots_.add_to(batch);
}

}  // namespace tailrace
