// What a session is made of: databases in use, variables, plans of statements, options.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/cdc/cdc.h"
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/session/engine_state.h"

namespace tailrace::sim::tsql {

// One database as one session uses it.
struct DatabaseUse {
  DatabaseUse(EngineState& state, DatabasePtr which, FunctionHost& host);
  ~DatabaseUse();
  DatabasePtr database;
  FunctionContext functions;
  std::unique_ptr<Work> work;
  Catalog catalog;
  Security security;
  Cdc cdc;
  Principal principal;
  bool begun = false;  // Work::begin() was called in the open transaction.
};

struct Variable {
  TypeInfo type;
  Value value;
};

// Variables of a batch or of a call of sp_executesql.
struct Frame {
  std::map<std::string, Variable, std::less<>> variables;  // Upper case, with @
  std::map<std::string, TablePtr, std::less<>> tables;     // Table variables
};

// A bound SELECT-like statement, ready to run again while nothing that it depends on changes.
struct Plan {
  std::string sql;
  std::vector<OutputColumn> columns;
  std::vector<std::string> parameters;
  std::vector<FunctionCheck> checks;
  std::vector<std::string> counted;
  std::int64_t catalog_version = 0;
  std::string database;
  std::vector<TypeInfo> parameter_types;
};

// A parsed batch kept by its text.
struct CachedBatch {
  std::string text;
  StatementList statements;
  std::unordered_map<const Statement*, std::shared_ptr<const Plan>> plans;
};

enum class Flow : std::uint8_t { next, break_, continue_, return_ };

struct Options {
  bool no_count = false;
  bool xact_abort = false;
  bool implicit_transactions = false;
  bool quoted_identifier = true;
  std::int64_t row_limit = 0;  // SET ROWCOUNT
  std::int32_t text_size = 2147483647;
  std::optional<std::chrono::milliseconds> lock_timeout;
  Isolation isolation = Isolation::read_committed;
};

// How often a statement of many rows asks whether it is cancelled.
inline constexpr std::uint64_t rows_between_stop_checks = 256;

// The client is gone, or cancelled: the batch ends without more words.
struct Cancelled {};

}  // namespace tailrace::sim::tsql
