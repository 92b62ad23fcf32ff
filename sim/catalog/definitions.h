// What the catalog knows of a table: columns, keys, indexes, constraints, as the engine binds against them.
//
// Shape    Physical layout (sim/README.md): object N is the SQLite table t<N>, its columns c<column_id>. Texts of
//          defaults, checks, computed columns and filters are T-SQL as given (the engine parses them).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/storage/collation.h"
#include "sim/storage/type.h"

namespace tailrace::sim {

struct IdentityDef {
  std::int64_t seed = 1;
  std::int64_t increment = 1;
};

struct DefaultDef {
  std::int32_t object_id = 0;
  std::string name;
  std::string text;  // Without the outer parentheses that sys.default_constraints shows.
};

enum class GeneratedAlways : std::uint8_t { no = 0, row_start = 1, row_end = 2 };

struct ColumnDef {
  std::int32_t column_id = 0;
  std::string name;
  TypeInfo type;
  bool sysname = false;   // Was declared sysname: nvarchar(128) under another name.
  std::string collation;  // Empty for types without one.
  CollationKind collation_kind = CollationKind::ignore_case;
  bool nullable = true;
  std::optional<IdentityDef> identity;
  std::optional<DefaultDef> default_value;
  std::string computed;  // The expression; empty for an ordinary column.
  bool persisted = false;
  bool rowguidcol = false;
  bool hidden = false;
  bool sparse = false;
  GeneratedAlways generated = GeneratedAlways::no;

  std::string stored_name() const { return "c" + std::to_string(column_id); }
  std::int32_t max_length() const;  // In bytes, -1: max; as sys.columns has it.
};

struct IndexColumn {
  std::int32_t column_id = 0;
  bool descending = false;
  bool included = false;
};

struct IndexDef {
  std::int32_t index_id = 0;
  std::string name;
  bool unique = false;
  bool primary_key = false;
  bool unique_constraint = false;
  bool clustered = false;
  bool disabled = false;
  std::string filter;
  std::string stored_filter;  // The filter as SQLite SQL over c<column_id>, made by the engine.
  std::int32_t constraint_object_id = 0;
  std::vector<IndexColumn> columns;
};

struct CheckDef {
  std::int32_t object_id = 0;
  std::string name;
  std::string text;
  std::int32_t column_id = 0;  // 0: a constraint of the table.
  bool disabled = false;
};

enum class ForeignKeyAction : std::uint8_t { no_action = 0, cascade = 1, set_null = 2, set_default = 3 };

struct ForeignKeyDef {
  std::int32_t object_id = 0;
  std::string name;
  std::int32_t parent_id = 0;  // The referencing table, in SQL Server's words.
  std::int32_t referenced_id = 0;
  std::vector<std::pair<std::int32_t, std::int32_t>> columns;  // Referencing, referenced column ids.
  ForeignKeyAction on_delete = ForeignKeyAction::no_action;
  ForeignKeyAction on_update = ForeignKeyAction::no_action;
  bool disabled = false;
  bool not_trusted = false;
};

struct TableDef {
  CollationKind identifiers = CollationKind::ignore_case;  // How its columns' names compare.
  std::int32_t object_id = 0;
  std::int32_t schema_id = 1;
  std::string schema;
  std::string name;
  bool ms_shipped = false;  // A table of the CDC schema: only db_owner changes it, readers may read.
  bool tracked_by_cdc = false;
  std::uint8_t temporal_type = 0;  // 0 none, 1 history table, 2 system-versioned
  std::int32_t history_table_id = 0;
  std::vector<ColumnDef> columns;  // By position.
  std::vector<IndexDef> indexes;
  std::vector<CheckDef> checks;
  std::vector<ForeignKeyDef> foreign_keys;   // Of this table to others.
  std::vector<ForeignKeyDef> referenced_by;  // Of others to this table.

  std::string stored_name() const { return "t" + std::to_string(object_id); }
  const ColumnDef* column(std::string_view name) const;
  const ColumnDef* column(std::int32_t column_id) const;
  const IndexDef* primary_key() const;
  const IndexDef* index(std::string_view name) const;
  // The stored columns that find a row again: {"rowid"}, or the key of a WITHOUT ROWID table.
  std::vector<std::string> locator() const;
  // Set by the catalog: the row store is ordered by this index (0: rowid order).
  std::int32_t row_store_index_id = 0;
  bool without_rowid = false;
};

using TablePtr = std::shared_ptr<const TableDef>;

struct ObjectDef {
  std::int32_t object_id = 0;
  std::int32_t schema_id = 0;
  std::int32_t parent_object_id = 0;
  std::string schema;
  std::string name;
  std::string type;  // As sys.objects.type without blanks: U, V, P, IF, TF, FN, PK, UQ, F, C, D, S
  bool ms_shipped = false;
};

}  // namespace tailrace::sim
