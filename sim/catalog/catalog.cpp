// The catalog's tables, look-ups, and loading of definitions.
#include "sim/catalog/catalog.h"

#include <fmt/format.h>

#include <atomic>

#include "base/error.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/system_relations.h"
#include "sim/catalog/type_facts.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

constexpr std::string_view catalog_tables = R"sql(
CREATE TABLE cat_state(id INTEGER PRIMARY KEY, version INTEGER, next_object_id INTEGER, cdc_enabled INTEGER,
  last_rowversion INTEGER);
CREATE TABLE cat_schemas(schema_id INTEGER PRIMARY KEY, name COLLATE :names UNIQUE, principal_id);
CREATE TABLE cat_objects(object_id INTEGER PRIMARY KEY, name COLLATE :names, schema_id, parent_object_id,
  type COLLATE Latin1_General_CI_AS, create_date, modify_date, is_ms_shipped, text);
CREATE UNIQUE INDEX cat_objects_name ON cat_objects(schema_id, name);
CREATE INDEX cat_objects_parent ON cat_objects(parent_object_id);
CREATE TABLE cat_tables(object_id INTEGER PRIMARY KEY, temporal_type, history_table_id, tracked, without_rowid,
  row_store_index_id, max_column_id, max_index_id);
CREATE TABLE cat_partitions(object_id, number, PRIMARY KEY(object_id, number)) WITHOUT ROWID;
CREATE TABLE cat_columns(object_id, column_id, name COLLATE :names, type, length, precision, scale,
  is_numeric, is_sysname, collation COLLATE Latin1_General_CI_AS, nullable, identity_seed, identity_increment,
  identity_last, default_object_id, computed, persisted, rowguidcol, hidden, generated,
  type_name, system_type_id, user_type_id, shown_length, shown_precision, shown_scale, guise, sparse,
  PRIMARY KEY(object_id, column_id)) WITHOUT ROWID;
CREATE TABLE cat_indexes(object_id, index_id, name COLLATE :names, is_unique, is_primary_key,
  is_unique_constraint, clustered, disabled, filter, stored_filter, constraint_object_id,
  PRIMARY KEY(object_id, index_id)) WITHOUT ROWID;
CREATE TABLE cat_index_columns(object_id, index_id, position, column_id, descending, included,
  PRIMARY KEY(object_id, index_id, position)) WITHOUT ROWID;
CREATE TABLE cat_checks(object_id INTEGER PRIMARY KEY, parent_id, column_id, text, disabled, not_trusted);
CREATE INDEX cat_checks_parent ON cat_checks(parent_id);
CREATE TABLE cat_defaults(object_id INTEGER PRIMARY KEY, parent_id, column_id, text);
CREATE TABLE cat_foreign_keys(object_id INTEGER PRIMARY KEY, parent_id, referenced_id, on_delete, on_update, disabled,
  not_trusted);
CREATE INDEX cat_foreign_keys_parent ON cat_foreign_keys(parent_id);
CREATE INDEX cat_foreign_keys_referenced ON cat_foreign_keys(referenced_id);
CREATE TABLE cat_foreign_key_columns(object_id, position, parent_column_id, referenced_column_id,
  PRIMARY KEY(object_id, position)) WITHOUT ROWID;
CREATE TABLE cat_principals(principal_id INTEGER PRIMARY KEY, name COLLATE :names UNIQUE, type,
  default_schema, login COLLATE Latin1_General_CI_AS, owning_principal_id, is_fixed_role, create_date);
CREATE TABLE cat_role_members(role_id, member_id, PRIMARY KEY(role_id, member_id)) WITHOUT ROWID;
CREATE TABLE cat_permissions(class, major_id, grantee_id, permission COLLATE Latin1_General_CI_AS, state,
  PRIMARY KEY(class, major_id, grantee_id, permission)) WITHOUT ROWID;
CREATE TABLE cat_jobs(job_type COLLATE Latin1_General_CI_AS PRIMARY KEY, job_id, maxtrans, maxscans, continuous,
  pollinginterval, retention, threshold,
  interval_ms, running) WITHOUT ROWID;
INSERT INTO cat_state VALUES(1, 0, 565577053, 0, 2000);
INSERT INTO cat_schemas VALUES(1, 'dbo', 1), (2, 'guest', 2), (3, 'INFORMATION_SCHEMA', 3), (4, 'sys', 4);
INSERT INTO cat_principals VALUES(0, 'public', 'R', NULL, NULL, 1, 0, 0), (1, 'dbo', 'S', 'dbo', 'sa', NULL, 0, 0),
  (2, 'guest', 'S', 'guest', NULL, NULL, 0, 0), (3, 'INFORMATION_SCHEMA', 'S', NULL, NULL, NULL, 0, 0),
  (4, 'sys', 'S', NULL, NULL, NULL, 0, 0),
  (16384, 'db_owner', 'R', NULL, NULL, 1, 1, 0), (16385, 'db_accessadmin', 'R', NULL, NULL, 1, 1, 0),
  (16386, 'db_securityadmin', 'R', NULL, NULL, 1, 1, 0), (16387, 'db_ddladmin', 'R', NULL, NULL, 1, 1, 0),
  (16389, 'db_backupoperator', 'R', NULL, NULL, 1, 1, 0), (16390, 'db_datareader', 'R', NULL, NULL, 1, 1, 0),
  (16391, 'db_datawriter', 'R', NULL, NULL, 1, 1, 0), (16392, 'db_denydatareader', 'R', NULL, NULL, 1, 1, 0),
  (16393, 'db_denydatawriter', 'R', NULL, NULL, 1, 1, 0);
INSERT INTO cat_role_members VALUES(16384, 1);
)sql";

std::string lookup_key(CollationKind names, std::string_view schema, std::string_view name) {
  if (names != CollationKind::ignore_case) return std::string(schema) + '\x01' + std::string(name);
  return fold_text(schema) + '\x01' + fold_text(name);
}

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

ObjectDef read_object(const Statement& row) {
  ObjectDef object;
  object.object_id = static_cast<std::int32_t>(row.number(0));
  object.schema_id = static_cast<std::int32_t>(row.number(1));
  object.parent_object_id = static_cast<std::int32_t>(row.number(2));
  object.schema = row.text(3);
  object.name = row.text(4);
  object.type = row.text(5);
  object.ms_shipped = row.number(6) != 0;
  return object;
}

constexpr std::string_view select_object =
    "SELECT o.object_id, o.schema_id, o.parent_object_id, s.name, o.name, o.type, o.is_ms_shipped"
    " FROM cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id WHERE ";

}  // namespace

Catalog::Catalog(Work& work) : work_(work) {}

void Catalog::create(Connection& connection, std::string_view collation) {
  create_log(connection);
  std::string tables(catalog_tables);
  static constexpr std::string_view mark = ":names";
  for (std::size_t at = tables.find(mark); at != std::string::npos; at = tables.find(mark, at))
    tables.replace(at, mark.size(), fmt::format("\"{}\"", collation));
  connection.execute(tables);
  create_system_views(connection);
}

std::int64_t Catalog::refresh() {
  const std::int64_t version = work_.connection().single_number("SELECT version FROM cat_state");
  if (version != version_) {
    tables_.clear();
    names_.clear();
    version_ = version;
  }
  return version_;
}

void Catalog::changed(Connection& connection) {
  // Unique in the process, so that a version that was rolled back never comes again.
  static std::atomic<std::int64_t> next{utc_ticks_now()};
  connection.prepare("UPDATE cat_state SET version = ?").bind(1, next.fetch_add(1)).run();
}

void Catalog::touch() {
  changed(work_.connection());
  refresh();
}

std::int32_t Catalog::new_object_id() {
  Connection& connection = work_.connection();
  for (;;) {
    std::int64_t id = connection.single_number("SELECT next_object_id FROM cat_state");
    std::int64_t next = (id + 16'000'057) % 2'147'483'647;
    if (next < 10'000) next += 10'000;
    connection.prepare("UPDATE cat_state SET next_object_id = ?").bind(1, next).run();
    Statement taken = connection.prepare("SELECT 1 FROM cat_objects WHERE object_id = ?");
    if (!taken.bind(1, id).next()) return static_cast<std::int32_t>(id);
  }
}

std::optional<std::int32_t> Catalog::schema_id(std::string_view schema) {
  Statement row = work_.connection().prepare("SELECT schema_id FROM cat_schemas WHERE name = ?");
  if (!row.bind(1, schema).next()) return {};
  return static_cast<std::int32_t>(row.number(0));
}

std::string Catalog::schema_name(std::int32_t schema_id) {
  Statement row = work_.connection().prepare("SELECT name FROM cat_schemas WHERE schema_id = ?");
  return row.bind(1, std::int64_t{schema_id}).next() ? std::string(row.text(0)) : std::string();
}

std::optional<ObjectDef> Catalog::object(std::string_view schema, std::string_view name) {
  Statement row = work_.connection().prepare(std::string(select_object) + "s.name = ? AND o.name = ?");
  if (!row.bind(1, schema).bind(2, name).next()) return {};
  return read_object(row);
}

std::optional<ObjectDef> Catalog::object(std::int32_t object_id) {
  Statement row = work_.connection().prepare(std::string(select_object) + "o.object_id = ?");
  if (!row.bind(1, std::int64_t{object_id}).next()) return {};
  return read_object(row);
}

TablePtr Catalog::table(std::string_view schema, std::string_view name) {
  std::string key = lookup_key(work_.file().names, schema, name);
  if (const auto found = names_.find(key); found != names_.end()) return table(found->second);
  const std::optional<ObjectDef> object = this->object(schema, name);
  if (!object || object->type != "U") return nullptr;
  names_.emplace(std::move(key), object->object_id);
  return table(object->object_id);
}

TablePtr Catalog::table(std::int32_t object_id) {
  if (const auto found = tables_.find(object_id); found != tables_.end()) return found->second;
  TablePtr table = load(object_id);
  if (table != nullptr) tables_.emplace(object_id, table);
  return table;
}

std::vector<std::int32_t> Catalog::table_ids() {
  std::vector<std::int32_t> ids;
  Statement rows = work_.connection().prepare(
      "SELECT o.object_id FROM cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id"
      " WHERE o.type = 'U' AND o.is_ms_shipped = 0 ORDER BY s.name, o.name");
  while (rows.next())
    ids.push_back(static_cast<std::int32_t>(rows.number(0)));
  return ids;
}

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

std::string Catalog::module_text(std::int32_t object_id) {
  Statement row = work_.connection().prepare("SELECT text FROM cat_objects WHERE object_id = ?");
  return row.bind(1, std::int64_t{object_id}).next() ? std::string(row.text(0)) : std::string();
}

SqlError Catalog::unique_error(const TableDef& table, std::string_view sqlite_message,
                               const std::function<std::string(const IndexDef&)>& key) {
  // "UNIQUE constraint failed: t5.c1, t5.c2", or "...: index 'i5_2'" for an index over expressions.
  const IndexDef* violated = nullptr;
  for (const IndexDef& index : table.indexes) {
    if (!index.unique) continue;
    std::string columns;
    for (const IndexColumn& column : index.columns) {
      if (column.included) continue;
      if (!columns.empty()) columns += ", ";
      columns += fmt::format("t{}.c{}", table.object_id, column.column_id);
    }
    const std::string stored = stored_index_name(table.object_id, index.index_id);
    if (sqlite_message.ends_with(": " + columns) || sqlite_message.ends_with("'" + stored + "'") ||
        sqlite_message.ends_with("'" + stored + "_n'")) {
      violated = &index;
      break;
    }
  }
  TAILRACE_ASSERT(violated != nullptr);
  const std::string object = table.schema + "." + table.name;
  const std::string value = fmt::format(" The duplicate key value is ({}).", key(*violated));
  if (violated->primary_key || violated->unique_constraint) {
    return {2627,
            fmt::format("Violation of {} constraint '{}'. Cannot insert duplicate key in object '{}'.{}",
                        violated->primary_key ? "PRIMARY KEY" : "UNIQUE KEY", violated->name, object, value),
            14, 1};
  }
  return {2601,
          fmt::format("Cannot insert duplicate key row in object '{}' with unique index '{}'.{}", object,
                      violated->name, value),
          14, 1};
}

std::int64_t Catalog::take_identity(const TableDef& table, std::int64_t count) {
  Statement row = work_.connection().prepare(
      "SELECT identity_seed, identity_increment, identity_last, column_id FROM cat_columns"
      " WHERE object_id = ? AND identity_seed IS NOT NULL");
  TAILRACE_ASSERT(row.bind(1, std::int64_t{table.object_id}).next());
  const std::int64_t first = row.is_null(2) ? row.number(0) : row.number(2) + row.number(1);
  const std::int64_t last = first + (count - 1) * row.number(1);
  work_.connection()
      .prepare("UPDATE cat_columns SET identity_last = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, last)
      .bind(2, std::int64_t{table.object_id})
      .bind(3, row.number(3))
      .run();
  return first;
}

std::string Catalog::next_rowversion() {
  Statement row = work_.connection().prepare(
      "UPDATE cat_state SET last_rowversion = last_rowversion + 1 RETURNING last_rowversion");
  TAILRACE_ASSERT(row.next());
  auto number = static_cast<std::uint64_t>(row.number(0));
  row.run();
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i-- > 0; number >>= 8)
    bytes[i] = static_cast<char>(number & 0xFF);
  return bytes;
}

void Catalog::raise_identity(const TableDef& table, std::int64_t value) {
  work_.connection()
      .prepare(
          "UPDATE cat_columns SET identity_last = ?2 WHERE object_id = ?1 AND identity_seed IS NOT NULL AND"
          " (identity_last IS NULL OR (identity_increment > 0 AND identity_last < ?2) OR"
          " (identity_increment < 0 AND identity_last > ?2))")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, value)
      .run();
}

std::optional<std::int64_t> Catalog::last_identity(const TableDef& table) {
  Statement row = work_.connection().prepare(
      "SELECT identity_last FROM cat_columns WHERE object_id = ? AND identity_seed IS NOT NULL");
  if (!row.bind(1, std::int64_t{table.object_id}).next() || row.is_null(0)) return {};
  return row.number(0);
}

}  // namespace tailrace::sim
