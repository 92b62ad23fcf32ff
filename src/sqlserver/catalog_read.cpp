// Reading the catalog.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/key_text.h"
#include "sqlserver/catalog.h"
#include "sqlserver/connection.h"

namespace tailrace::sqlserver {
namespace {

using TableIndex = std::map<std::int32_t, std::size_t>;  // object_id -> index in Catalog::tables

std::int32_t int32_of(Statement& statement, int column) {
  return static_cast<std::int32_t>(statement.integer(column).value_or(0));
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return out;
}

std::string date_of(Statement& statement, int column) {
  const std::optional<std::int64_t> ticks = statement.timestamp(column);
  return ticks ? timestamp_text(*ticks) : std::string();
}

TableIndex read_tables(Connection& connection, Catalog& catalog) {
  Statement rows(
      connection, "list the tables",
      "SELECT t.[object_id], s.[name], t.[name], HAS_PERMS_BY_NAME(QUOTENAME(s.[name]) + N'.' + "
      // Properties and no columns: servers that are too old do not have those, and are to be told so.
      "QUOTENAME(t.[name]), N'OBJECT', N'SELECT'), CASE WHEN OBJECTPROPERTY(t.[object_id], "
      "N'TableTemporalType') = 1 THEN N'the history of a temporal table' WHEN OBJECTPROPERTY(t.[object_id], "
      "N'TableIsMemoryOptimized') = 1 THEN N'a memory-optimized table' WHEN EXISTS (SELECT 1 FROM "
      "sys.indexes "
      "AS x WHERE x.[object_id] = t.[object_id] AND x.[type] = 5) THEN N'a table of a clustered columnstore "
      "index' END FROM sys.tables AS t JOIN sys.schemas AS s ON "
      "s.[schema_id] = t.[schema_id] WHERE t.[is_ms_shipped] = 0 AND s.[name] <> N'cdc' ORDER BY s.[name], "
      "t.[name]");
  while (rows.fetch()) {
    CatalogTable table;
    table.object_id = int32_of(rows, 0);
    table.name.schema = rows.text(1).value_or("");
    table.name.name = rows.text(2).value_or("");
    table.may_select = rows.integer(3).value_or(0) != 0;
    table.kind = rows.text(4).value_or("");
    catalog.tables.push_back(std::move(table));
  }
  std::sort(catalog.tables.begin(), catalog.tables.end(),
            [](const CatalogTable& left, const CatalogTable& right) { return left.name < right.name; });
  TableIndex index;
  for (std::size_t i = 0; i < catalog.tables.size(); ++i)
    index[catalog.tables[i].object_id] = i;
  return index;
}

CatalogTable* find(Catalog& catalog, const TableIndex& index, std::int32_t object_id) {
  const auto found = index.find(object_id);
  return found == index.end() ? nullptr : &catalog.tables[found->second];
}

void read_columns(Connection& connection, Catalog& catalog, const TableIndex& index) {
  Statement rows(
      connection, "list the columns",
      "SELECT c.[object_id], c.[column_id], c.[name], c.[system_type_id], y.[name], c.[max_length], "
      "c.[precision], c.[scale], c.[collation_name], c.[is_nullable], c.[is_computed], c.[is_identity], "
      "c.[is_column_set] FROM sys.columns AS c JOIN sys.tables AS t ON t.[object_id] = c.[object_id] "
      "LEFT JOIN sys.types AS y ON y.[user_type_id] = c.[user_type_id] "
      "WHERE t.[is_ms_shipped] = 0 ORDER BY c.[object_id], c.[column_id]");
  while (rows.fetch()) {
    CatalogTable* table = find(catalog, index, int32_of(rows, 0));
    if (table == nullptr) continue;
    CatalogColumn column;
    column.id = int32_of(rows, 1);
    column.name = rows.text(2).value_or("");
    const std::int32_t type_id = int32_of(rows, 3);
    column.type_name = rows.text(4).value_or(fmt::format("type {}", type_id));
    const std::int32_t length = int32_of(rows, 5);
    const auto precision = static_cast<std::uint8_t>(int32_of(rows, 6));
    const auto scale = static_cast<std::uint8_t>(int32_of(rows, 7));
    column.type = column_type_of(type_id, column.type_name, length, precision, scale);
    column.collation = rows.text(8).value_or("");
    column.nullable = rows.integer(9).value_or(1) != 0;
    column.computed = rows.integer(10).value_or(0) != 0;
    column.identity = rows.integer(11).value_or(0) != 0;
    column.column_set = rows.integer(12).value_or(0) != 0;
    table->columns.push_back(std::move(column));
  }
}

// Whose definition the login may not see has none.
void read_defaults(Connection& connection, Catalog& catalog, const TableIndex& index) {
  Statement rows(
      connection, "list the defaults",
      "SELECT d.[parent_object_id], d.[parent_column_id], d.[definition] FROM sys.default_constraints AS d "
      "JOIN sys.tables AS t ON t.[object_id] = d.[parent_object_id] WHERE t.[is_ms_shipped] = 0");
  while (rows.fetch()) {
    CatalogTable* table = find(catalog, index, int32_of(rows, 0));
    if (table == nullptr) continue;
    const std::int32_t id = int32_of(rows, 1);
    for (CatalogColumn& column : table->columns) {
      if (column.id == id) column.fallback = rows.text(2).value_or("");
    }
  }
}

void read_unique_indexes(Connection& connection, Catalog& catalog, const TableIndex& index) {
  Statement rows(
      connection, "list keys and unique indexes",
      "SELECT i.[object_id], i.[index_id], i.[name], i.[is_primary_key], i.[filter_definition], "
      "i.[is_unique_constraint], x.[column_id] "
      "FROM sys.indexes AS i JOIN sys.index_columns AS x ON x.[object_id] = i.[object_id] AND x.[index_id] = "
      "i.[index_id] JOIN sys.tables AS t ON t.[object_id] = i.[object_id] WHERE i.[is_unique] = 1 AND "
      "i.[is_disabled] = 0 AND x.[key_ordinal] > 0 AND t.[is_ms_shipped] = 0 ORDER BY i.[object_id], "
      "i.[index_id], x.[key_ordinal]");
  std::int32_t last_object = 0;
  std::int32_t last_index = -1;
  while (rows.fetch()) {
    const std::int32_t object_id = int32_of(rows, 0);
    const std::int32_t index_id = int32_of(rows, 1);
    CatalogTable* table = find(catalog, index, object_id);
    if (table == nullptr) continue;
    if (object_id != last_object || index_id != last_index) {
      CatalogIndex entry;
      entry.name = rows.text(2).value_or("");
      entry.primary = rows.integer(3).value_or(0) != 0;
      entry.filter = rows.text(4).value_or("");
      entry.constraint = rows.integer(5).value_or(0) != 0;
      table->unique_indexes.push_back(std::move(entry));
      last_object = object_id;
      last_index = index_id;
    }
    table->unique_indexes.back().columns.push_back(int32_of(rows, 6));
  }
}

void read_foreign_keys(Connection& connection, Catalog& catalog, const TableIndex& index) {
  Statement rows(
      connection, "list foreign keys",
      "SELECT f.[parent_object_id], f.[object_id], f.[name], f.[referenced_object_id], f.[is_not_trusted], "
      "x.[parent_column_id], x.[referenced_column_id] FROM sys.foreign_keys AS f JOIN "
      "sys.foreign_key_columns AS x ON x.[constraint_object_id] = f.[object_id] ORDER BY "
      "f.[parent_object_id], "
      "f.[object_id], x.[constraint_column_id]");
  std::int32_t last = 0;
  while (rows.fetch()) {
    CatalogTable* table = find(catalog, index, int32_of(rows, 0));
    const std::int32_t id = int32_of(rows, 1);
    const std::string name = rows.text(2).value_or("");
    const CatalogTable* parent = find(catalog, index, int32_of(rows, 3));
    const bool trusted = rows.integer(4).value_or(0) == 0;
    const std::int32_t column = int32_of(rows, 5);
    const std::int32_t parent_column = int32_of(rows, 6);
    if (table == nullptr || parent == nullptr) continue;
    if (id != last) table->foreign_keys.push_back({name, parent->name, trusted, {}, {}});
    last = id;
    const CatalogColumn* referenced = parent->find_column(parent_column);
    table->foreign_keys.back().columns.push_back(column);
    table->foreign_keys.back().parent_columns.push_back(referenced == nullptr ? "" : referenced->name);
  }
}

void read_sizes(Connection& connection, Catalog& catalog, const TableIndex& index) {
  Statement rows(
      connection, "estimate the tables' rows",
      "SELECT p.[object_id], SUM(p.[rows]) FROM sys.partitions AS p WHERE p.[index_id] IN (0, 1) GROUP BY "
      "p.[object_id]");
  while (rows.fetch()) {
    CatalogTable* table = find(catalog, index, int32_of(rows, 0));
    if (table != nullptr) table->rows = static_cast<std::uint64_t>(rows.integer(1).value_or(0));
  }
}

// Instances of visible tables by their object_id; they stay where they are.
class InstanceIndex {
 public:
  explicit InstanceIndex(Catalog& catalog) {
    for (CatalogTable& table : catalog.tables) {
      for (CatalogInstance& instance : table.instances)
        by_id_.emplace(instance.object_id, &instance);
    }
  }
  // nullptr where there is none.
  CatalogInstance* find(std::int32_t object_id) const {
    const auto found = by_id_.find(object_id);
    return found == by_id_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::int32_t, CatalogInstance*> by_id_;
};

void read_captured_columns(Connection& connection, Catalog& catalog) {
  const InstanceIndex instances(catalog);
  {
    Statement rows(connection, "list the captured columns",
                   "SELECT c.[object_id], c.[column_id], c.[column_name], c.[column_ordinal] FROM "
                   "[cdc].[captured_columns] "
                   "AS c ORDER BY c.[object_id], c.[column_ordinal]");
    while (rows.fetch()) {
      CatalogInstance* instance = instances.find(int32_of(rows, 0));
      if (instance == nullptr) continue;
      const std::int32_t id = int32_of(rows, 1);
      std::string name = rows.text(2).value_or("");
      instance->columns.push_back({id, std::move(name), int32_of(rows, 3)});
    }
  }
  {
    Statement rows(
        connection, "list the capture instances' keys",
        "SELECT c.[object_id], c.[column_id] FROM [cdc].[index_columns] AS c ORDER BY c.[object_id], "
        "c.[index_ordinal]");
    while (rows.fetch()) {
      CatalogInstance* instance = instances.find(int32_of(rows, 0));
      if (instance != nullptr) instance->identity_columns.push_back(int32_of(rows, 1));
    }
  }
  Statement rows(
      connection, "look at the change tables",
      "SELECT c.[object_id] FROM sys.columns AS c JOIN [cdc].[change_tables] AS t ON t.[object_id] = "
      "c.[object_id] WHERE c.[name] = N'__$command_id'");
  while (rows.fetch()) {
    CatalogInstance* instance = instances.find(int32_of(rows, 0));
    if (instance != nullptr) instance->has_command_id = true;
  }
}

// A column whose collation was altered after capture began: the change table may keep the old one. Names are compared byte for
// byte, since schema cdc and the system's views may have different collations.
void read_change_collations(Connection& connection, Catalog& catalog) {
  const InstanceIndex instances(catalog);
  Statement rows(connection, "compare the collations of tables and change tables",
                 "SELECT k.[object_id] FROM [cdc].[captured_columns] AS k JOIN [cdc].[change_tables] AS t ON "
                 "t.[object_id] = k.[object_id] JOIN sys.columns AS s ON s.[object_id] = "
                 "t.[source_object_id] AND s.[column_id] = k.[column_id] JOIN sys.columns AS c ON "
                 "c.[object_id] = k.[object_id] AND c.[name] COLLATE Latin1_General_BIN2 = k.[column_name] "
                 "COLLATE Latin1_General_BIN2 WHERE c.[collation_name] <> s.[collation_name]");
  while (rows.fetch()) {
    CatalogInstance* instance = instances.find(int32_of(rows, 0));
    if (instance != nullptr) instance->has_other_collation = true;
  }
}

bool may_read_cdc(Connection& connection) {
  Statement rows(connection, "ask for the right to schema cdc",
                 "SELECT HAS_PERMS_BY_NAME(N'cdc', N'SCHEMA', N'SELECT')");
  return rows.fetch() && rows.integer(0).value_or(0) != 0;
}

}  // namespace

CatalogDatabase read_database(Connection& connection) {
  CatalogDatabase database;
  Statement rows(
      connection, "look at the database",
      "SELECT d.[name], d.[is_cdc_enabled], d.[snapshot_isolation_state], d.[collation_name], "
      "d.[create_date], d.[service_broker_guid], CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), "
      "CONVERT(int, SERVERPROPERTY('EngineEdition')), CONVERT(nvarchar(128), @@SERVERNAME), (SELECT "
      "t.[create_date] FROM sys.databases AS t WHERE t.[name] = N'tempdb'), USER_NAME() FROM sys.databases "
      "AS d WHERE "
      "d.[name] = DB_NAME()");
  if (!rows.fetch()) {
    throw Error(ErrorKind::config, "the login may not see its own database in sys.databases");
  }
  database.name = rows.text(0).value_or("");
  database.cdc_enabled = rows.integer(1).value_or(0) != 0;
  database.snapshot_isolation = rows.integer(2).value_or(0) == 1;
  database.collation = rows.text(3).value_or("");
  database.create_date = date_of(rows, 4);
  if (const std::optional<std::string> guid = rows.bytes(5)) database.broker_guid = hex(*guid);
  database.version = rows.text(6).value_or("");
  const std::int64_t edition = rows.integer(7).value_or(0);
  database.is_azure = edition == 5 || edition == 8;
  database.server = rows.text(8).value_or("");
  database.server += "@" + date_of(rows, 9);
  database.user = rows.text(10).value_or("");
  return database;
}

std::vector<CatalogInstance> read_instances(Connection& connection) {
  std::vector<CatalogInstance> out;
  Statement rows(
      connection, "list the capture instances",
      "SELECT i.[object_id], i.[source_object_id], i.[capture_instance], i.[start_lsn], i.[role_name], "
      "i.[create_date], OBJECT_NAME(i.[object_id]) FROM [cdc].[change_tables] AS i ORDER BY i.[create_date], "
      "i.[object_id]");
  while (rows.fetch()) {
    CatalogInstance instance;
    instance.object_id = int32_of(rows, 0);
    instance.source_object_id = int32_of(rows, 1);
    instance.name = rows.text(2).value_or("");
    instance.start_lsn = rows.lsn(3);
    instance.role = rows.text(4).value_or("");
    instance.create_date = date_of(rows, 5);
    instance.change_table = rows.text(6).value_or(instance.name + "_CT");
    out.push_back(std::move(instance));
  }
  return out;
}

Catalog read_catalog(Connection& connection) {
  Catalog catalog;
  catalog.database = read_database(connection);
  const TableIndex index = read_tables(connection, catalog);
  read_columns(connection, catalog, index);
  if (connection.settings().events) read_defaults(connection, catalog, index);
  read_unique_indexes(connection, catalog, index);
  read_foreign_keys(connection, catalog, index);
  read_sizes(connection, catalog, index);
  if (!catalog.database.cdc_enabled) return catalog;
  catalog.database.may_read_cdc = may_read_cdc(connection);
  if (!catalog.database.may_read_cdc) return catalog;
  for (CatalogInstance& instance : read_instances(connection)) {
    CatalogTable* table = find(catalog, index, instance.source_object_id);
    (table != nullptr ? table->instances : catalog.hidden_instances).push_back(std::move(instance));
  }
  read_captured_columns(connection, catalog);
  read_change_collations(connection, catalog);
  return catalog;
}

}  // namespace tailrace::sqlserver
