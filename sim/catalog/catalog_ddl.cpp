// DDL of tables: made, dropped, emptied, renamed, moved to another schema.
//
// Source   Messages of SQL Server for the errors that clients meet; sys.messages.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {

Outcome Catalog::create_table(TableDef& table) {
  const std::optional<std::int32_t> schema = schema_id(table.schema);
  if (!schema) {
    return SqlError{2760,
                    fmt::format("The specified schema name \"{}\" either does not exist or you do not have "
                                "permission to use it.",
                                table.schema),
                    16, 1};
  }
  table.schema_id = *schema;
  table.schema = schema_name(*schema);
  if (Outcome error = check_new_name(*schema, table.name)) return error;
  for (const IndexDef& index : table.indexes) {
    if (index.name.empty()) continue;
    if (index.primary_key || index.unique_constraint) {
      if (Outcome error = check_new_name(*schema, index.name)) return error;
    }
  }
  for (const CheckDef& check : table.checks) {
    if (!check.name.empty()) {
      if (Outcome error = check_new_name(*schema, check.name)) return error;
    }
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (!same_name(work_.file().names, table.columns[i].name, table.columns[k].name)) continue;
      return SqlError{
          2705,
          fmt::format("Column names in each table must be unique. Column name '{}' in table '{}' is "
                      "specified more than once.",
                      table.columns[i].name, table.name),
          16, 3};
    }
  }
  table.object_id = add_object(*schema, 0, table.name, "U", table.ms_shipped, table.object_id);
  std::int32_t column_id = 0;
  for (ColumnDef& column : table.columns) {
    if (column.column_id == 0) column.column_id = column_id + 1;
    column_id = std::max(column_id, column.column_id);
    insert_column(table, column);
  }
  // Index 1 is the clustered one, or there is none (heap: index 0 in sys.indexes).
  std::int32_t index_id = 1;
  for (IndexDef& index : table.indexes) {
    if (index.index_id == 0) index.index_id = index.clustered ? 1 : ++index_id;
    insert_index(table, index);
  }
  choose_row_store(table);
  work_.connection()
      .prepare("INSERT INTO cat_tables VALUES(?, ?, ?, 0, ?, ?, ?, ?)")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, std::int64_t{table.temporal_type})
      .bind(3, std::int64_t{table.history_table_id})
      .bind(4, std::int64_t{table.without_rowid})
      .bind(5, std::int64_t{table.row_store_index_id})
      .bind(6, std::int64_t{column_id})
      .bind(7, std::int64_t{index_id})
      .run();
  create_store(table, table.stored_name());
  for (const IndexDef& index : table.indexes)
    create_stored_index(table, index);
  touch();
  for (CheckDef& check : table.checks) {
    if (Outcome error = add_check(table, check)) return error;
  }
  for (ForeignKeyDef& key : table.foreign_keys) {
    key.parent_id = table.object_id;
    if (key.referenced_id == 0) key.referenced_id = table.object_id;  // To itself, before it had an id.
    if (Outcome error = add_foreign_key(key)) return error;
  }
  return {};
}

Outcome Catalog::drop_table(const TableDef& table) {
  for (const ForeignKeyDef& key : table.referenced_by) {
    if (key.parent_id != table.object_id) {
      return SqlError{3726,
                      fmt::format("Could not drop object '{}.{}' because it is referenced by a FOREIGN KEY "
                                  "constraint.",
                                  table.schema, table.name),
                      16, 1};
    }
  }
  work_.connection().execute("DROP TABLE " + table.stored_name());
  drop_object_rows(table.object_id);
  touch();
  return {};
}

Outcome Catalog::truncate_table(const TableDef& table) {
  if (table.tracked_by_cdc) {
    return SqlError{
        4711,
        fmt::format("Cannot truncate table '{}.{}' because it is published for replication or enabled "
                    "for Change Data Capture.",
                    table.schema, table.name),
        16, 1};
  }
  for (const ForeignKeyDef& key : table.referenced_by) {
    if (key.parent_id != table.object_id) {
      return SqlError{
          4712,
          fmt::format("Cannot truncate table '{}.{}' because it is being referenced by a FOREIGN KEY "
                      "constraint.",
                      table.schema, table.name),
          16, 1};
    }
  }
  work_.connection().execute("DELETE FROM " + table.stored_name());
  work_.connection()
      .prepare("UPDATE cat_columns SET identity_last = NULL WHERE object_id = ?")
      .bind(1, std::int64_t{table.object_id})
      .run();
  return {};
}

Outcome Catalog::rename_table(const TableDef& table, std::string_view new_name) {
  if (Outcome error = check_new_name(table.schema_id, new_name)) {
    return SqlError{
        15335,
        fmt::format("Error: The new name '{}' is already in use as a OBJECT name and would cause a "
                    "duplicate that is not permitted.",
                    new_name),
        11, 1};
  }
  work_.connection()
      .prepare("UPDATE cat_objects SET name = ? WHERE object_id = ?")
      .bind(1, new_name)
      .bind(2, std::int64_t{table.object_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::rename_column(const TableDef& table, std::string_view old_name, std::string_view new_name) {
  const ColumnDef* column = table.column(old_name);
  if (column == nullptr) {
    return SqlError{15248,
                    "Either the parameter @objname is ambiguous or the claimed @objtype (COLUMN) is wrong.",
                    11, 1};
  }
  if (table.column(new_name) != nullptr) {
    return SqlError{
        15335,
        fmt::format("Error: The new name '{}' is already in use as a COLUMN name and would cause a "
                    "duplicate that is not permitted.",
                    new_name),
        11, 1};
  }
  work_.connection()
      .prepare("UPDATE cat_columns SET name = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, new_name)
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column->column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::transfer_table(const TableDef& table, std::string_view new_schema) {
  const std::optional<std::int32_t> schema = schema_id(new_schema);
  if (!schema) {
    return SqlError{15151,
                    fmt::format("Cannot alter the schema '{}', because it does not exist or you do not have "
                                "permission.",
                                new_schema),
                    16, 1};
  }
  if (Outcome error = check_new_name(*schema, table.name)) return error;
  work_.connection()
      .prepare("UPDATE cat_objects SET schema_id = ?1 WHERE object_id = ?2 OR parent_object_id = ?2")
      .bind(1, std::int64_t{*schema})
      .bind(2, std::int64_t{table.object_id})
      .run();
  touch();
  return {};
}

}  // namespace tailrace::sim
