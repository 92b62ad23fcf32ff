// Definitions of tables, read from the catalog.
#include <fmt/format.h>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {
namespace {

ColumnDef read_column(const Statement& row) {
  ColumnDef column;
  column.column_id = static_cast<std::int32_t>(row.number(0));
  column.name = row.text(1);
  column.type.type = static_cast<Type>(row.number(2));
  column.type.length = static_cast<std::int32_t>(row.number(3));
  column.type.precision = static_cast<std::uint8_t>(row.number(4));
  column.type.scale = static_cast<std::uint8_t>(row.number(5));
  column.type.numeric = row.number(6) != 0;
  column.sysname = row.number(7) != 0;
  column.collation = row.text(8);
  if (!column.collation.empty()) find_collation(column.collation, column.collation_kind);
  column.nullable = row.number(9) != 0;
  if (!row.is_null(10)) column.identity = IdentityDef{row.number(10), row.number(11)};
  if (!row.is_null(12)) {
    column.default_value = DefaultDef{static_cast<std::int32_t>(row.number(12)), std::string(row.text(13)),
                                      std::string(row.text(14))};
  }
  column.computed = row.text(15);
  column.persisted = row.number(16) != 0;
  column.rowguidcol = row.number(17) != 0;
  column.hidden = row.number(18) != 0;
  column.generated = static_cast<GeneratedAlways>(row.number(19));
  column.type.guise = static_cast<Guise>(row.number(20));
  column.sparse = row.number(21) != 0;
  if (column.type.type == Type::char_ || column.type.type == Type::varchar)
    column.type.code_page = code_page_of(column.collation);
  return column;
}

void load_indexes(Connection& connection, TableDef& table) {
  Statement rows = connection.prepare(
      "SELECT index_id, name, is_unique, is_primary_key, is_unique_constraint, clustered, disabled, filter,"
      " stored_filter, constraint_object_id FROM cat_indexes WHERE object_id = ? ORDER BY index_id");
  rows.bind(1, std::int64_t{table.object_id});
  while (rows.next()) {
    IndexDef index;
    index.index_id = static_cast<std::int32_t>(rows.number(0));
    index.name = rows.text(1);
    index.unique = rows.number(2) != 0;
    index.primary_key = rows.number(3) != 0;
    index.unique_constraint = rows.number(4) != 0;
    index.clustered = rows.number(5) != 0;
    index.disabled = rows.number(6) != 0;
    index.filter = rows.text(7);
    index.stored_filter = rows.text(8);
    index.constraint_object_id = static_cast<std::int32_t>(rows.number(9));
    Statement columns = connection.prepare(
        "SELECT column_id, descending, included FROM cat_index_columns WHERE object_id = ? AND index_id = ?"
        " ORDER BY position");
    columns.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{index.index_id});
    while (columns.next()) {
      index.columns.push_back(
          {static_cast<std::int32_t>(columns.number(0)), columns.number(1) != 0, columns.number(2) != 0});
    }
    table.indexes.push_back(std::move(index));
  }
}

std::vector<ForeignKeyDef> load_foreign_keys(Connection& connection, std::string_view side, std::int32_t id) {
  std::vector<ForeignKeyDef> keys;
  Statement rows =
      connection.prepare(fmt::format("SELECT k.object_id, o.name, k.parent_id, k.referenced_id, k.on_delete, "
                                     "k.on_update, k.disabled, k.not_trusted"
                                     " FROM cat_foreign_keys k JOIN cat_objects o ON o.object_id = "
                                     "k.object_id WHERE k.{} = ? ORDER BY k.object_id",
                                     side));
  rows.bind(1, std::int64_t{id});
  while (rows.next()) {
    ForeignKeyDef key;
    key.object_id = static_cast<std::int32_t>(rows.number(0));
    key.name = rows.text(1);
    key.parent_id = static_cast<std::int32_t>(rows.number(2));
    key.referenced_id = static_cast<std::int32_t>(rows.number(3));
    key.on_delete = static_cast<ForeignKeyAction>(rows.number(4));
    key.on_update = static_cast<ForeignKeyAction>(rows.number(5));
    key.disabled = rows.number(6) != 0;
    key.not_trusted = rows.number(7) != 0;
    Statement columns = connection.prepare(
        "SELECT parent_column_id, referenced_column_id FROM cat_foreign_key_columns WHERE object_id = ?"
        " ORDER BY position");
    columns.bind(1, std::int64_t{key.object_id});
    while (columns.next()) {
      key.columns.emplace_back(static_cast<std::int32_t>(columns.number(0)),
                               static_cast<std::int32_t>(columns.number(1)));
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

TablePtr Catalog::load(std::int32_t object_id) {
  const std::optional<ObjectDef> object = this->object(object_id);
  if (!object || object->type != "U") return nullptr;
  Connection& connection = work_.connection();
  auto table = std::make_shared<TableDef>();
  table->identifiers = work_.file().names;
  table->object_id = object_id;
  table->schema_id = object->schema_id;
  table->schema = object->schema;
  table->name = object->name;
  table->ms_shipped = object->ms_shipped;
  Statement facts = connection.prepare(
      "SELECT temporal_type, history_table_id, tracked, without_rowid, row_store_index_id FROM cat_tables"
      " WHERE object_id = ?");
  TAILRACE_ASSERT(facts.bind(1, std::int64_t{object_id}).next());
  table->temporal_type = static_cast<std::uint8_t>(facts.number(0));
  table->history_table_id = static_cast<std::int32_t>(facts.number(1));
  table->tracked_by_cdc = facts.number(2) != 0;
  table->without_rowid = facts.number(3) != 0;
  table->row_store_index_id = static_cast<std::int32_t>(facts.number(4));
  Statement columns = connection.prepare(
      "SELECT c.column_id, c.name, c.type, c.length, c.precision, c.scale, c.is_numeric, c.is_sysname, "
      "c.collation,"
      " c.nullable, c.identity_seed, c.identity_increment, c.default_object_id, o.name, d.text, c.computed,"
      " c.persisted, c.rowguidcol, c.hidden, c.generated, c.guise, c.sparse FROM cat_columns c"
      " LEFT JOIN cat_defaults d ON d.object_id = c.default_object_id"
      " LEFT JOIN cat_objects o ON o.object_id = c.default_object_id WHERE c.object_id = ? ORDER BY "
      "c.column_id");
  columns.bind(1, std::int64_t{object_id});
  while (columns.next())
    table->columns.push_back(read_column(columns));
  load_indexes(connection, *table);
  Statement checks = connection.prepare(
      "SELECT c.object_id, o.name, c.text, c.column_id, c.disabled FROM cat_checks c"
      " JOIN cat_objects o ON o.object_id = c.object_id WHERE c.parent_id = ? ORDER BY c.object_id");
  checks.bind(1, std::int64_t{object_id});
  while (checks.next()) {
    table->checks.push_back({static_cast<std::int32_t>(checks.number(0)), std::string(checks.text(1)),
                             std::string(checks.text(2)), static_cast<std::int32_t>(checks.number(3)),
                             checks.number(4) != 0});
  }
  table->foreign_keys = load_foreign_keys(connection, "parent_id", object_id);
  table->referenced_by = load_foreign_keys(connection, "referenced_id", object_id);
  return table;
}

}  // namespace tailrace::sim
