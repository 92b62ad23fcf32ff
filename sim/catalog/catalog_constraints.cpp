// DDL of constraints: checks, foreign keys, defaults.
//
// Source   Messages of SQL Server for the errors that clients meet; sys.messages.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {

Outcome Catalog::add_check(const TableDef& table, CheckDef& check) {
  check.object_id = new_object_id();
  if (check.name.empty()) check.name = made_name("CK", table.name, {}, check.object_id);
  if (Outcome error = check_new_name(table.schema_id, check.name)) return error;
  add_object(table.schema_id, table.object_id, check.name, "C", false, check.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_checks VALUES(?, ?, ?, ?, ?, 0)")
      .bind(1, std::int64_t{check.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{check.column_id})
      .bind(4, check.text)
      .bind(5, std::int64_t{check.disabled})
      .run();
  touch();
  return {};
}

Outcome Catalog::add_foreign_key(ForeignKeyDef& key) {
  const TablePtr parent = table(key.parent_id);
  TAILRACE_ASSERT(parent != nullptr && table(key.referenced_id) != nullptr);
  key.object_id = new_object_id();
  if (key.name.empty()) key.name = made_name("FK", parent->name, {}, key.object_id);
  if (Outcome error = check_new_name(parent->schema_id, key.name)) return error;
  add_object(parent->schema_id, key.parent_id, key.name, "F", false, key.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_foreign_keys VALUES(?, ?, ?, ?, ?, ?, ?)")
      .bind(1, std::int64_t{key.object_id})
      .bind(2, std::int64_t{key.parent_id})
      .bind(3, std::int64_t{key.referenced_id})
      .bind(4, static_cast<std::int64_t>(key.on_delete))
      .bind(5, static_cast<std::int64_t>(key.on_update))
      .bind(6, std::int64_t{key.disabled})
      .bind(7, std::int64_t{key.not_trusted})
      .run();
  std::int64_t position = 0;
  for (const auto& [own, other] : key.columns) {
    work_.connection()
        .prepare("INSERT INTO cat_foreign_key_columns VALUES(?, ?, ?, ?)")
        .bind(1, std::int64_t{key.object_id})
        .bind(2, ++position)
        .bind(3, std::int64_t{own})
        .bind(4, std::int64_t{other})
        .run();
  }
  touch();
  return {};
}

Outcome Catalog::add_default(const TableDef& table, std::int32_t column_id, DefaultDef& value) {
  const ColumnDef* column = table.column(column_id);
  TAILRACE_ASSERT(column != nullptr);
  if (column->default_value) {
    return SqlError{1781, "Column already has a DEFAULT bound to it.", 16, 1};
  }
  value.object_id = new_object_id();
  if (value.name.empty()) value.name = made_name("DF", table.name, column->name, value.object_id);
  if (Outcome error = check_new_name(table.schema_id, value.name)) return error;
  add_object(table.schema_id, table.object_id, value.name, "D", false, value.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_defaults VALUES(?, ?, ?, ?)")
      .bind(1, std::int64_t{value.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column_id})
      .bind(4, value.text)
      .run();
  work_.connection()
      .prepare("UPDATE cat_columns SET default_object_id = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, std::int64_t{value.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_constraint(const TableDef& table, std::string_view name) {
  Connection& connection = work_.connection();
  Statement row =
      connection.prepare("SELECT object_id, type FROM cat_objects WHERE parent_object_id = ? AND name = ?");
  if (!row.bind(1, std::int64_t{table.object_id}).bind(2, name).next()) {
    return SqlError{3728, fmt::format("'{}' is not a constraint.", name), 16, 1};
  }
  const std::int64_t id = row.number(0);
  const std::string type(row.text(1));
  row.reset();
  if (type == "PK" || type == "UQ") {
    const IndexDef* index = table.index(name);
    for (const ForeignKeyDef& key : table.referenced_by) {
      const bool same = std::all_of(key.columns.begin(), key.columns.end(), [&](const auto& pair) {
        return std::any_of(index->columns.begin(), index->columns.end(),
                           [&](const IndexColumn& column) { return column.column_id == pair.second; });
      });
      if (same) {
        return SqlError{
            3725,
            fmt::format("The constraint '{}' is being referenced by table '{}', foreign key constraint "
                        "'{}'.",
                        name, table.name, key.name),
            16, 0};
      }
    }
    return drop_index(table, name);
  }
  const auto remove = [&](std::string_view sql) { connection.prepare(sql).bind(1, id).run(); };
  if (type == "C") remove("DELETE FROM cat_checks WHERE object_id = ?");
  if (type == "D") {
    remove("DELETE FROM cat_defaults WHERE object_id = ?");
    remove("UPDATE cat_columns SET default_object_id = NULL WHERE default_object_id = ?");
  }
  if (type == "F") {
    remove("DELETE FROM cat_foreign_keys WHERE object_id = ?");
    remove("DELETE FROM cat_foreign_key_columns WHERE object_id = ?");
  }
  remove("DELETE FROM cat_objects WHERE object_id = ?");
  touch();
  return {};
}

Outcome Catalog::set_constraint_disabled(const TableDef& table, std::string_view name, bool disabled,
                                         bool with_check) {
  Connection& connection = work_.connection();
  Statement row = connection.prepare(
      "SELECT object_id FROM cat_objects WHERE parent_object_id = ? AND name = ? AND type IN ('C', 'F')");
  if (!row.bind(1, std::int64_t{table.object_id}).bind(2, name).next()) {
    return SqlError{4917, fmt::format("Constraint '{}' does not exist.", name), 16, 0};
  }
  const std::int64_t id = row.number(0);
  row.reset();
  const bool trusted = !disabled && with_check;
  for (const std::string_view relation : {"cat_checks", "cat_foreign_keys"}) {
    connection
        .prepare(fmt::format("UPDATE {} SET disabled = ?, not_trusted = ? WHERE object_id = ?", relation))
        .bind(1, std::int64_t{disabled})
        .bind(2, std::int64_t{!trusted})
        .bind(3, id)
        .run();
  }
  touch();
  return {};
}

}  // namespace tailrace::sim
