// Enabling a database: the tables of schema cdc.
//
// Source   sys.sp_cdc_enable_db of SQL Server's documentation.
#include <fmt/format.h>

#include "base/error.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

std::vector<TableDef> metadata_tables() {
  return {
      cdc_table(fixed_id::change_tables, "change_tables",
                {{"object_id", "int"},
                 {"version", "int?"},
                 {"source_object_id", "int?"},
                 {"capture_instance", "sysname"},
                 {"start_lsn", "binary(10)?"},
                 {"end_lsn", "binary(10)?"},
                 {"supports_net_changes", "bit?"},
                 {"has_drop_pending", "bit?"},
                 {"role_name", "sysname?"},
                 {"index_name", "sysname?"},
                 {"filegroup_name", "sysname?"},
                 {"create_date", "datetime?"},
                 {"partition_switch", "bit"}},
                {1}),
      cdc_table(fixed_id::captured_columns, "captured_columns",
                {{"object_id", "int"},
                 {"column_name", "sysname"},
                 {"column_id", "int?"},
                 {"column_type", "sysname"},
                 {"column_ordinal", "int"},
                 {"is_computed", "bit?"}},
                {1, 5}),
      cdc_table(fixed_id::index_columns, "index_columns",
                {{"object_id", "int"},
                 {"column_name", "sysname"},
                 {"index_ordinal", "tinyint"},
                 {"column_id", "int?"}},
                {1, 3}),
      cdc_table(fixed_id::ddl_history, "ddl_history",
                {{"source_object_id", "int?"},
                 {"object_id", "int"},
                 {"required_column_update", "bit?"},
                 {"ddl_command", "nvarchar(max)?"},
                 {"ddl_lsn", "binary(10)"},
                 {"ddl_time", "datetime?"}},
                {2, 5}),
      cdc_table(fixed_id::lsn_time_mapping, "lsn_time_mapping",
                {{"start_lsn", "binary(10)"},
                 {"tran_begin_time", "datetime?"},
                 {"tran_end_time", "datetime?"},
                 {"tran_id", "varbinary(10)?"}},
                {1}),
  };
}

}  // namespace

Outcome Cdc::enable_db(const Principal& caller) {
  if (!caller.sysadmin) {
    return SqlError{
        22902, "Caller is not authorized to initiate the requested action. Sysadmin privileges are required.",
        16, 1};
  }
  if (database_->id <= 4) {
    return SqlError{
        22989,
        fmt::format("Could not enable Change Data Capture for database '{}'. Change data capture is not "
                    "supported on system databases, or on a distribution database.",
                    database_->name),
        16, 1};
  }
  if (enabled()) {
    return SqlError{
        22905,
        fmt::format("Database '{}' is already enabled for Change Data Capture. Ensure that the correct "
                    "database context is set, and retry the operation. To report on the databases "
                    "enabled for Change Data Capture, query the is_cdc_enabled column in the "
                    "sys.databases catalog view.",
                    database_->name),
        16, 1};
  }
  Security security(catalog_);
  if (catalog_.schema_id("cdc") || security.create_user("cdc", "", "cdc")) {
    return SqlError{
        22906,
        fmt::format("The database '{}' cannot be enabled for Change Data Capture because a database user "
                    "named 'cdc' or a schema named 'cdc' already exists in the current database. These "
                    "objects are required exclusively by Change Data Capture. Drop or rename the user "
                    "or schema and retry the operation.",
                    database_->name),
        16, 1};
  }
  if (Outcome error = security.add_member("db_owner", "cdc")) return error;
  if (Outcome error = catalog_.create_schema("cdc")) return error;
  for (TableDef& table : metadata_tables()) {
    if (Outcome error = catalog_.create_table(table)) return error;
  }
  Connection& connection = catalog_.work().connection();
  connection.execute(
      "CREATE INDEX IF NOT EXISTS i1005_time ON t1005(c3);"
      "CREATE TABLE log_ddl(position INTEGER PRIMARY KEY, t, source_object_id, required_update, command, "
      "time);"
      "UPDATE cat_state SET cdc_enabled = 1");
  catalog_.touch();
  catalog_.work().log().jobs_changed();
  return {};
}

}  // namespace tailrace::sim
