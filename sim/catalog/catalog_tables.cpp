// The tables of SQLite that a database's catalog is kept in.
#include <fmt/format.h>

#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/type_facts.h"

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

}  // namespace

void Catalog::create(Connection& connection, std::string_view collation) {
  create_log(connection);
  std::string tables(catalog_tables);
  static constexpr std::string_view mark = ":names";
  for (std::size_t at = tables.find(mark); at != std::string::npos; at = tables.find(mark, at))
    tables.replace(at, mark.size(), fmt::format("\"{}\"", collation));
  connection.execute(tables);
  create_system_views(connection);
}

}  // namespace tailrace::sim
