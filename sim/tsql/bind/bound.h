// What binding makes of expressions, tables and queries: SQL with SQL Server's types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/catalog/catalog.h"
#include "sim/cdc/cdc.h"

namespace tailrace::sim::tsql {

enum class Coercibility : std::uint8_t { none, literal, implicit, explicit_ };

struct Typed {
  std::string sql;
  TypeInfo type;
  bool nullable = true;
  bool is_null = false;  // The NULL that has no type yet.
  bool bare = false;     // A stored column: SQLite knows its collation.
  bool identity = false;
  bool computed = false;
  Coercibility coercibility = Coercibility::literal;
  std::string collation;
  std::optional<Value> constant;
};

struct SourceColumn {
  std::string name;
  Typed value;
  bool hidden = false;
};

// A table of a FROM clause as expressions see it.
struct SourceTable {
  std::string alias;   // The name it is called by.
  std::string schema;  // Of a base table without alias: schema.table.column is allowed.
  std::string database;
  std::string sqlite_alias;
  TablePtr table;  // A base table.
  std::vector<SourceColumn> columns;
};

struct Violation {
  std::string column;
  std::int32_t line = 0;
};

// One query block while it is bound.
struct Block {
  std::vector<SourceTable> tables;
  Block* outer = nullptr;
  bool grouped = false;
  int aggregate_depth = 0;
  bool allow_aggregates = false;
  std::vector<std::string> groups;
  std::vector<Violation> violations;
};

struct OutputColumn {
  std::string name;
  Typed value;
};

struct BoundQuery {
  std::string sql;
  std::vector<OutputColumn> columns;
  bool single_row = false;  // At most one row by its form.
};

struct BoundFrom {
  std::string sql;  // Without FROM; empty: no tables.
};

// A check of change-function arguments that must be made before the statement runs.
struct FunctionCheck {
  ChangeFunction function;
  std::string arguments_sql;  // SELECT from, to, option
};

}  // namespace tailrace::sim::tsql
