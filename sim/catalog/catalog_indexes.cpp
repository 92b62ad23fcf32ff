// DDL of indexes.
//
// Source   Messages of SQL Server for the errors that clients meet; sys.messages.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {

void Catalog::insert_index(const TableDef& table, IndexDef& index) {
  if (index.primary_key || index.unique_constraint) {
    if (index.constraint_object_id == 0) index.constraint_object_id = new_object_id();
    const std::string_view type = index.primary_key ? "PK" : "UQ";
    if (index.name.empty()) index.name = made_name(type, table.name, {}, index.constraint_object_id);
    add_object(table.schema_id, table.object_id, index.name, type, table.ms_shipped,
               index.constraint_object_id);
    index.unique = true;
  }
  Statement row = work_.connection().prepare("INSERT INTO cat_indexes VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{index.index_id}).bind(3, index.name);
  row.bind(4, std::int64_t{index.unique}).bind(5, std::int64_t{index.primary_key});
  row.bind(6, std::int64_t{index.unique_constraint}).bind(7, std::int64_t{index.clustered});
  row.bind(8, std::int64_t{index.disabled});
  if (!index.filter.empty()) row.bind(9, index.filter).bind(10, index.stored_filter);
  row.bind(11, std::int64_t{index.constraint_object_id}).run();
  std::int64_t position = 0;
  for (const IndexColumn& column : index.columns) {
    work_.connection()
        .prepare("INSERT INTO cat_index_columns VALUES(?,?,?,?,?,?)")
        .bind(1, std::int64_t{table.object_id})
        .bind(2, std::int64_t{index.index_id})
        .bind(3, ++position)
        .bind(4, std::int64_t{column.column_id})
        .bind(5, std::int64_t{column.descending})
        .bind(6, std::int64_t{column.included})
        .run();
  }
}

Outcome Catalog::add_index(const TableDef& table, IndexDef& index) {
  const std::string object = table.schema + "." + table.name;
  if (index.primary_key && table.primary_key() != nullptr) {
    return SqlError{1779, fmt::format("Table '{}' already has a primary key defined on it.", table.name), 16,
                    0};
  }
  if (!index.name.empty() && table.index(index.name) != nullptr) {
    return SqlError{
        1913,
        fmt::format("The operation failed because an index or statistics with name '{}' already exists "
                    "on table '{}'.",
                    index.name, object),
        16, 1};
  }
  const bool has_clustered = std::any_of(table.indexes.begin(), table.indexes.end(),
                                         [](const IndexDef& other) { return other.clustered; });
  if (index.clustered && has_clustered) {
    return SqlError{1902, fmt::format("Cannot create more than one clustered index on table '{}'.", object),
                    16, 3};
  }
  if (index.primary_key || index.unique_constraint) {
    if (!index.name.empty()) {
      if (Outcome error = check_new_name(table.schema_id, index.name)) return error;
    }
    for (const IndexColumn& key : index.columns) {
      if (index.primary_key && table.column(key.column_id)->nullable) {
        return SqlError{
            8111,
            fmt::format("Cannot define PRIMARY KEY constraint on nullable column in table '{}'.", table.name),
            16, 1};
      }
    }
  }
  if (index.clustered) {
    index.index_id = 1;
  } else {
    Statement next = work_.connection().prepare(
        "UPDATE cat_tables SET max_index_id = max_index_id + 1 WHERE object_id = ? RETURNING max_index_id");
    TAILRACE_ASSERT(next.bind(1, std::int64_t{table.object_id}).next());
    index.index_id = static_cast<std::int32_t>(next.number(0));
    next.run();
  }
  // Duplicates first: SQL Server's error instead of a half-made index.
  if (index.unique || index.primary_key || index.unique_constraint) {
    index.unique = true;
    std::string keys;
    for (const IndexColumn& key : index.columns) {
      if (key.included) continue;
      if (!keys.empty()) keys += ", ";
      keys += fmt::format("c{}", key.column_id);
    }
    const std::string filter = index.stored_filter.empty() ? "" : " WHERE (" + index.stored_filter + ")";
    Statement twice = work_.connection().prepare(fmt::format(
        "SELECT 1 FROM {}{} GROUP BY {} HAVING count(*) > 1 LIMIT 1", table.stored_name(), filter, keys));
    if (twice.next()) {
      return SqlError{
          1505,
          fmt::format("The CREATE UNIQUE INDEX statement terminated because a duplicate key was found "
                      "for the object name '{}' and the index name '{}'.",
                      object, index.name),
          16, 1};
    }
  }
  insert_index(table, index);
  const TableDef before = table;
  touch();
  TableDef stored = *this->table(before.object_id);
  if (index.clustered) choose_row_store(stored);
  if (stored.row_store_index_id != before.row_store_index_id) {
    rebuild(before, stored, 0, {});
    work_.connection()
        .prepare("UPDATE cat_tables SET without_rowid = ?, row_store_index_id = ? WHERE object_id = ?")
        .bind(1, std::int64_t{stored.without_rowid})
        .bind(2, std::int64_t{stored.row_store_index_id})
        .bind(3, std::int64_t{stored.object_id})
        .run();
  } else {
    create_stored_index(stored, index);
  }
  touch();
  return {};
}

Outcome Catalog::drop_index(const TableDef& table, std::string_view name) {
  const IndexDef* index = table.index(name);
  if (index == nullptr) {
    return SqlError{3701,
                    fmt::format("Cannot drop the index '{}.{}', because it does not exist or you do not have "
                                "permission.",
                                table.name, name),
                    11, 7};
  }
  const IndexDef dropped = *index;
  const TableDef before = table;
  Connection& connection = work_.connection();
  connection.prepare("DELETE FROM cat_index_columns WHERE object_id = ? AND index_id = ?")
      .bind(1, std::int64_t{before.object_id})
      .bind(2, std::int64_t{dropped.index_id})
      .run();
  connection.prepare("DELETE FROM cat_indexes WHERE object_id = ? AND index_id = ?")
      .bind(1, std::int64_t{before.object_id})
      .bind(2, std::int64_t{dropped.index_id})
      .run();
  if (dropped.constraint_object_id != 0) {
    connection.prepare("DELETE FROM cat_objects WHERE object_id = ?")
        .bind(1, std::int64_t{dropped.constraint_object_id})
        .run();
  }
  if (dropped.index_id == before.row_store_index_id) {
    connection.prepare("UPDATE cat_tables SET without_rowid = 0, row_store_index_id = 0 WHERE object_id = ?")
        .bind(1, std::int64_t{before.object_id})
        .run();
    touch();
    rebuild(before, *this->table(before.object_id), 0, {});
  } else {
    const std::string stored = stored_index_name(before.object_id, dropped.index_id);
    connection.execute(fmt::format("DROP INDEX IF EXISTS {0}; DROP INDEX IF EXISTS {0}_n", stored));
    touch();
  }
  return {};
}

}  // namespace tailrace::sim
