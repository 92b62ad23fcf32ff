// How a table's definition becomes a SQLite table and its indexes.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/type_facts.h"

namespace tailrace::sim {
namespace {

std::string declared(const ColumnDef& column) {
  std::string text = column.stored_name();
  if (!column.collation.empty()) text += " COLLATE \"" + column.collation + "\"";
  return text;
}

std::string key_list(const IndexDef& index) {
  std::string text;
  for (const IndexColumn& column : index.columns) {
    if (column.included) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("c{}{}", column.column_id, column.descending ? " DESC" : "");
  }
  return text;
}

// The column that is SQLite's rowid, when the row store can be ordered by one integer.
const IndexColumn* rowid_column(const TableDef& table, const IndexDef& index) {
  const auto keys = std::count_if(index.columns.begin(), index.columns.end(),
                                  [](const IndexColumn& column) { return !column.included; });
  const IndexColumn& first = index.columns.front();
  const ColumnDef* column = table.column(first.column_id);
  if (keys != 1 || first.descending || column->nullable || !is_integer(column->type)) return nullptr;
  return &first;
}

const IndexDef* row_store_index(const TableDef& table) {
  for (const IndexDef& index : table.indexes) {
    if (index.index_id == table.row_store_index_id) return &index;
  }
  return nullptr;
}

}  // namespace

void choose_row_store(TableDef& table) {
  table.row_store_index_id = 0;
  table.without_rowid = false;
  for (const IndexDef& index : table.indexes) {
    if (!index.clustered || !index.unique || !index.filter.empty()) continue;
    const bool nullable = std::any_of(
        index.columns.begin(), index.columns.end(),
        [&](const IndexColumn& key) {  // __$command_id of a change table is declared nullable and never NULL.
          return !key.included && !table.ms_shipped && table.column(key.column_id)->nullable;
        });
    if (nullable) continue;
    table.row_store_index_id = index.index_id;
    table.without_rowid = rowid_column(table, index) == nullptr;
  }
}

void Catalog::create_store(const TableDef& table, std::string_view stored_name) {
  const IndexDef* order = row_store_index(table);
  const IndexColumn* rowid = order == nullptr ? nullptr : rowid_column(table, *order);
  std::string sql = fmt::format("CREATE TABLE {}(", stored_name);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnDef& column = table.columns[i];
    if (i != 0) sql += ", ";
    if (rowid != nullptr && rowid->column_id == column.column_id) {
      sql += column.stored_name() + " INTEGER PRIMARY KEY";
    } else {
      sql += declared(column);
    }
  }
  if (table.without_rowid) {
    sql += fmt::format(", PRIMARY KEY({})) WITHOUT ROWID", key_list(*order));
  } else {
    sql += ")";
  }
  work_.connection().execute(sql);
}

void Catalog::create_stored_index(const TableDef& table, const IndexDef& index) {
  if (index.index_id == table.row_store_index_id || index.disabled) return;
  const std::string name = stored_index_name(table.object_id, index.index_id);
  const std::string filter = index.stored_filter.empty() ? "" : " WHERE (" + index.stored_filter + ")";
  Connection& connection = work_.connection();
  connection.execute(fmt::format("CREATE {}INDEX {} ON t{}({}){}", index.unique ? "UNIQUE " : "", name,
                                 table.object_id, key_list(index), filter));
  if (!index.unique) return;
  // SQLite's NULLs are all different, SQL Server's are equal: a second index over the rows with NULLs in the key.
  std::string expressions;
  std::string some_null;
  for (const IndexColumn& key : index.columns) {
    if (key.included) continue;
    const ColumnDef* column = table.column(key.column_id);
    if (!expressions.empty()) expressions += ", ";
    if (!column->nullable) {
      expressions += column->stored_name();
      continue;
    }
    expressions += fmt::format("({0} IS NULL), ifnull({0}, 0)", column->stored_name());
    if (!column->collation.empty()) expressions += " COLLATE \"" + column->collation + "\"";
    if (!some_null.empty()) some_null += " OR ";
    some_null += column->stored_name() + " IS NULL";
  }
  if (some_null.empty()) return;
  const std::string both =
      index.stored_filter.empty() ? some_null : fmt::format("({}) AND ({})", index.stored_filter, some_null);
  connection.execute(
      fmt::format("CREATE UNIQUE INDEX {}_n ON t{}({}) WHERE {}", name, table.object_id, expressions, both));
}

void Catalog::rebuild(const TableDef& old, const TableDef& table, std::int32_t converted_column,
                      std::string_view conversion) {
  Connection& connection = work_.connection();
  const std::string moved = table.stored_name() + "_new";
  create_store(table, moved);
  std::string targets;
  std::string sources;
  for (const ColumnDef& column : table.columns) {
    if (old.column(column.column_id) == nullptr) continue;
    if (!targets.empty()) {
      targets += ", ";
      sources += ", ";
    }
    targets += column.stored_name();
    sources += column.column_id == converted_column && !conversion.empty() ? std::string(conversion)
                                                                           : column.stored_name();
  }
  connection.execute(
      fmt::format("INSERT INTO {}({}) SELECT {} FROM {}", moved, targets, sources, table.stored_name()));
  // The triggers of the log go with the old table; CDC makes them again (Cdc::after_alter).
  connection.execute(fmt::format("DROP TABLE {0}; ALTER TABLE {0}_new RENAME TO {0}", table.stored_name()));
  for (const IndexDef& index : table.indexes)
    create_stored_index(table, index);
}

}  // namespace tailrace::sim
