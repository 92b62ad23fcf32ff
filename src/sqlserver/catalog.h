// What the server's catalog says of a database: tables, columns, keys, capture instances.
//
// Shape    read_catalog() takes a fixed number of round trips, whatever the number of tables. What the login may not
//          see is nothing, not wrong.
// Errors   As of the connection; a database without CDC is an answer, not an error.
// Source   sys.databases, tables, columns, types, indexes, index_columns, foreign_keys, foreign_key_columns,
//          partitions; cdc.change_tables, captured_columns, index_columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/table_schema.h"

namespace tailrace::sqlserver {

class Connection;

struct CatalogColumn {
  std::int32_t id = 0;
  std::string name;
  std::optional<ColumnType> type;  // Nothing: a type that tailrace does not carry.
  std::string type_name;           // As the table's definition has it.
  std::string collation;
  bool nullable = true;
  bool computed = false;
  bool identity = false;
  bool column_set = false;  // All sparse columns as xml: CDC does not capture it.
  // T-SQL of its default, where it was asked for (Settings::events) and may be seen.
  std::string fallback = {};
};

struct CatalogIndex {
  std::string name;
  bool primary = false;
  std::string filter;
  std::vector<std::int32_t> columns;  // Ids, in key order.
  bool constraint = false;            // UNIQUE of the table's definition; CREATE UNIQUE INDEX else.
};

struct CatalogForeignKey {
  std::string name;
  TableName parent;
  bool trusted = true;
  std::vector<std::int32_t> columns;
  std::vector<std::string> parent_columns;
};

struct CapturedColumn {
  std::int32_t column_id = 0;  // Of the source table.
  std::string name;
  std::int32_t ordinal = 0;  // From 1.
};

struct CatalogInstance {
  std::int32_t object_id = 0;  // Of the change table.
  std::int32_t source_object_id = 0;
  std::string name;
  std::optional<Lsn> start_lsn;
  std::string create_date;
  std::string role;          // Gating role, or empty.
  std::string change_table;  // The name of the change table in schema cdc.
  bool has_command_id = false;
  bool has_other_collation = false;            // A captured column has another collation in its table by now.
  std::vector<CapturedColumn> columns;         // In order of ordinals.
  std::vector<std::int32_t> identity_columns;  // Source column ids by which capture tells rows apart.
};

struct CatalogTable {
  std::int32_t object_id = 0;
  TableName name;
  bool may_select = true;
  // Why CDC cannot capture such a table, ready for a sentence; empty where it can.
  std::string kind;
  std::uint64_t rows = 0;
  std::vector<CatalogColumn> columns;  // In order of ids.
  std::vector<CatalogIndex> unique_indexes;
  std::vector<CatalogForeignKey> foreign_keys;
  std::vector<CatalogInstance> instances;  // Oldest first.

  const CatalogColumn* find_column(std::int32_t id) const;
};

struct CatalogDatabase {
  std::string name;
  std::string version;  // 16.0.1000.6
  bool is_azure = false;
  bool cdc_enabled = false;
  bool may_read_cdc = true;  // SELECT on schema cdc.
  bool snapshot_isolation = false;
  std::string collation;
  std::string create_date;
  std::string broker_guid;
  std::string user;    // The login's, in this database.
  std::string server;  // Name and start of the server: whose scan counters are read.
};

struct Catalog {
  CatalogDatabase database;
  std::vector<CatalogTable> tables;  // In order of names.
  // Of tables that the login does not see: it has no right to them, or lost it. A dropped table has none.
  std::vector<CatalogInstance> hidden_instances;
};

// Pure: what sys.columns says of a type. Nothing: not carried.
// `name` tells the CLR types apart, which share an id.
std::optional<ColumnType> column_type_of(std::int32_t system_type_id, std::string_view name,
                                         std::int32_t max_length, std::uint8_t precision, std::uint8_t scale);

CatalogDatabase read_database(Connection& connection);
Catalog read_catalog(Connection& connection);
// All capture instances as they are now, without their columns.
std::vector<CatalogInstance> read_instances(Connection& connection);

}  // namespace tailrace::sqlserver
