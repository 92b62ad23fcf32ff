// DDL of columns: adding, dropping, altering; their defaults are made with them.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/type_facts.h"

namespace tailrace::sim {

void Catalog::insert_column(const TableDef& table, ColumnDef& column) {
  if (is_text(column.type) && column.collation.empty()) column.collation = work_.file().collation;
  if (!column.collation.empty()) find_collation(column.collation, column.collation_kind);
  std::int64_t default_id = 0;
  if (column.default_value) {
    DefaultDef& value = *column.default_value;
    value.object_id = new_object_id();
    if (value.name.empty()) value.name = made_name("DF", table.name, column.name, value.object_id);
    default_id = add_object(table.schema_id, table.object_id, value.name, "D", false, value.object_id);
    work_.connection()
        .prepare("INSERT INTO cat_defaults VALUES(?, ?, ?, ?)")
        .bind(1, default_id)
        .bind(2, std::int64_t{table.object_id})
        .bind(3, std::int64_t{column.column_id})
        .bind(4, value.text)
        .run();
  }
  Statement row = work_.connection().prepare(
      "INSERT INTO cat_columns VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{column.column_id}).bind(3, column.name);
  row.bind(4, static_cast<std::int64_t>(column.type.type)).bind(5, std::int64_t{column.type.length});
  row.bind(6, std::int64_t{column.type.precision}).bind(7, std::int64_t{column.type.scale});
  row.bind(8, std::int64_t{column.type.numeric}).bind(9, std::int64_t{column.sysname});
  if (!column.collation.empty()) row.bind(10, column.collation);
  row.bind(11, std::int64_t{column.nullable});
  if (column.identity) row.bind(12, column.identity->seed).bind(13, column.identity->increment);
  if (default_id != 0) row.bind(14, default_id);
  if (!column.computed.empty()) row.bind(15, column.computed);
  row.bind(16, std::int64_t{column.persisted}).bind(17, std::int64_t{column.rowguidcol});
  row.bind(18, std::int64_t{column.hidden}).bind(19, static_cast<std::int64_t>(column.generated));
  row.bind(20, type_name(column.type)).bind(21, std::int64_t{system_type_id(column.type)});
  row.bind(22, std::int64_t{column.sysname ? 256 : user_type_id(column.type)});
  row.bind(23, std::int64_t{shown_length(column.type)}).bind(24, std::int64_t{shown_precision(column.type)});
  row.bind(25, std::int64_t{shown_scale(column.type)});
  row.bind(26, static_cast<std::int64_t>(column.type.guise)).bind(27, std::int64_t{column.sparse}).run();
}

Outcome Catalog::add_column(const TableDef& table, ColumnDef& column) {
  if (table.column(column.name) != nullptr) {
    return SqlError{
        2705,
        fmt::format("Column names in each table must be unique. Column name '{}' in table '{}.{}' is "
                    "specified more than once.",
                    column.name, table.schema, table.name),
        16, 4};
  }
  Statement next = work_.connection().prepare(
      "UPDATE cat_tables SET max_column_id = max_column_id + 1 WHERE object_id = ? RETURNING max_column_id");
  TAILRACE_ASSERT(next.bind(1, std::int64_t{table.object_id}).next());
  column.column_id = static_cast<std::int32_t>(next.number(0));
  next.run();
  insert_column(table, column);
  std::string declared = column.stored_name();
  if (!column.collation.empty()) declared += " COLLATE \"" + column.collation + "\"";
  work_.connection().execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", table.stored_name(), declared));
  touch();
  return {};
}

Outcome Catalog::drop_column(const TableDef& table, std::string_view name) {
  const ColumnDef* column = table.column(name);
  if (column == nullptr) {
    return SqlError{
        4924,
        fmt::format("ALTER TABLE DROP COLUMN failed because column '{}' does not exist in table '{}'.", name,
                    table.name),
        16, 1};
  }
  const auto in_use = [&](std::string_view kind, std::string_view object) {
    return SqlError{5074, fmt::format("The {} '{}' is dependent on column '{}'.", kind, object, column->name),
                    16, 1};
  };
  for (const IndexDef& index : table.indexes) {
    for (const IndexColumn& key : index.columns) {
      if (key.column_id == column->column_id)
        return in_use(index.constraint_object_id != 0 ? "object" : "index", index.name);
    }
  }
  for (const CheckDef& check : table.checks) {
    if (check.column_id == column->column_id) return in_use("object", check.name);
  }
  if (column->default_value) return in_use("object", column->default_value->name);
  for (const auto* keys : {&table.foreign_keys, &table.referenced_by}) {
    for (const ForeignKeyDef& key : *keys) {
      for (const auto& [own, other] : key.columns) {
        if ((keys == &table.foreign_keys ? own : other) == column->column_id)
          return in_use("object", key.name);
      }
    }
  }
  // The stored column stays, without its values: ids are never used again.
  work_.connection()
      .prepare("DELETE FROM cat_columns WHERE object_id = ? AND column_id = ?")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, std::int64_t{column->column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::alter_column(const TableDef& table, const ColumnDef& column, std::string_view conversion) {
  const ColumnDef* old = table.column(column.column_id);
  TAILRACE_ASSERT(old != nullptr);
  ColumnDef changed = column;
  if (!is_text(changed.type)) changed.collation.clear();
  if (is_text(changed.type) && changed.collation.empty()) {
    changed.collation = old->collation.empty() ? work_.file().collation : old->collation;
  }
  Statement row = work_.connection().prepare(
      "UPDATE cat_columns SET type=?3, length=?4, precision=?5, scale=?6, is_numeric=?7, is_sysname=?8, "
      "collation=?9,"
      " nullable=?10, type_name=?11, system_type_id=?12, user_type_id=?13, shown_length=?14, "
      "shown_precision=?15,"
      " shown_scale=?16, guise=?17 WHERE object_id = ?1 AND column_id = ?2");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{changed.column_id});
  row.bind(3, static_cast<std::int64_t>(changed.type.type)).bind(4, std::int64_t{changed.type.length});
  row.bind(5, std::int64_t{changed.type.precision}).bind(6, std::int64_t{changed.type.scale});
  row.bind(7, std::int64_t{changed.type.numeric}).bind(8, std::int64_t{changed.sysname});
  if (!changed.collation.empty()) row.bind(9, changed.collation);
  row.bind(10, std::int64_t{changed.nullable}).bind(11, type_name(changed.type));
  row.bind(12, std::int64_t{system_type_id(changed.type)});
  row.bind(13, std::int64_t{changed.sysname ? 256 : user_type_id(changed.type)});
  row.bind(14, std::int64_t{shown_length(changed.type)})
      .bind(15, std::int64_t{shown_precision(changed.type)});
  row.bind(16, std::int64_t{shown_scale(changed.type)});
  row.bind(17, static_cast<std::int64_t>(changed.type.guise)).run();
  const TableDef before = table;
  touch();
  const bool renulled = changed.nullable != old->nullable;
  if (!conversion.empty() || changed.collation != before.column(column.column_id)->collation || renulled) {
    const TablePtr now = this->table(before.object_id);
    TableDef stored = *now;
    stored.row_store_index_id = before.row_store_index_id;
    choose_row_store(stored);
    rebuild(before, stored, changed.column_id, conversion);
    work_.connection()
        .prepare("UPDATE cat_tables SET without_rowid = ?, row_store_index_id = ? WHERE object_id = ?")
        .bind(1, std::int64_t{stored.without_rowid})
        .bind(2, std::int64_t{stored.row_store_index_id})
        .bind(3, std::int64_t{stored.object_id})
        .run();
    touch();
  }
  return {};
}

}  // namespace tailrace::sim
