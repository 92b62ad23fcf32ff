// Signals: what somebody asks of a running pipeline by a row of a table or by a record of a topic, in Debezium's words.
//
// Threads  Values and pure functions.
// Source   Debezium 3.6: SignalRecord, ExecuteSnapshot, StopSnapshot, AbstractSnapshotSignal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/notice.h"
#include "model/row_batch.h"
#include "model/table_schema.h"

namespace tailrace {

struct Signal {
  std::string id = {};
  std::string type = {};
  std::string data = {};  // JSON, or nothing.
};

struct ChannelSignals {
  std::vector<Signal> signals = {};
  std::optional<Memo> taken = {};
};

struct SignalSettings {
  std::optional<TableName> table =
      {};  // Rows that are inserted into it are signals: its three columns are id, type and data.
  std::string database = {};  // Signals name tables as database.schema.table.
  std::string server = {};    // Notices say who sends them.
  // Changes that readers never see (skipped.operations): they take no row's place.
  std::set<Operation> unseen = {};
  // Of an incremental snapshot: rows that are read in one window, and bytes.
  std::uint64_t chunk_rows = 10'000;
  std::size_t chunk_bytes = std::size_t{8} << 20;
};

// The data of execute-snapshot and stop-snapshot.
struct SnapshotOrder {
  bool incremental = true;               // Else blocking.
  std::vector<std::string> tables = {};  // Regular expressions of whole names.
  std::vector<std::pair<std::string, std::string>> conditions =
      {};  // Of such tables, in the source's language.
  std::string surrogate_key = {};
};

// Throws config with what is wrong.
SnapshotOrder parse_order(const std::string& data);

// Those of `names` that one of the patterns matches as a whole, each once, in the order of the patterns. Throws config for what is no
// regular expression.
std::vector<std::string> matching(const std::vector<std::string>& patterns,
                                  const std::vector<std::string>& names);
// As conditions are matched: without regard to case.
bool matches_condition(const std::string& pattern, const std::string& name);

}  // namespace tailrace
