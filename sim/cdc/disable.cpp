// Disabling: databases, tables, capture instances.
//
// Source   sys.sp_cdc_disable_db, sys.sp_cdc_disable_table of SQL Server's documentation.
#include <fmt/format.h>

#include "base/error.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {

Outcome Cdc::disable_db(const Principal& caller) {
  if (!caller.sysadmin) {
    return SqlError{
        22902, "Caller is not authorized to initiate the requested action. Sysadmin privileges are required.",
        16, 1};
  }
  if (!enabled()) return not_enabled(database_->name);
  for (const CaptureInstance& instance : instances()) {
    if (Outcome error = drop_instance(instance)) return error;
  }
  Connection& connection = catalog_.work().connection();
  for (const std::int32_t id : {fixed_id::change_tables, fixed_id::captured_columns, fixed_id::index_columns,
                                fixed_id::ddl_history, fixed_id::lsn_time_mapping}) {
    const TablePtr table = catalog_.table(id);
    if (Outcome error = catalog_.drop_table(*table)) return error;
  }
  connection.execute(
      "DROP TABLE log_ddl; DELETE FROM cat_jobs; DELETE FROM log_transactions;"
      "UPDATE cat_state SET cdc_enabled = 0");
  if (Outcome error = catalog_.drop_schema("cdc")) return error;
  if (Outcome error = Security(catalog_).drop_user("cdc")) return error;
  catalog_.touch();
  catalog_.work().log().jobs_changed();
  return {};
}

Outcome Cdc::drop_instance(const CaptureInstance& instance) {
  Connection& connection = catalog_.work().connection();
  for (const std::string_view prefix : {"fn_cdc_get_all_changes_", "fn_cdc_get_net_changes_"}) {
    const auto function = catalog_.object("cdc", std::string(prefix) + instance.name);
    if (!function) continue;
    if (Outcome error = catalog_.drop_module(function->object_id)) return error;
  }
  const TablePtr change = catalog_.table(instance.object_id);
  TAILRACE_ASSERT(change != nullptr);
  if (Outcome error = catalog_.drop_table(*change)) return error;
  for (const std::string_view sql : {"DELETE FROM t1001 WHERE c1 = ?", "DELETE FROM t1002 WHERE c1 = ?",
                                     "DELETE FROM t1003 WHERE c1 = ?", "DELETE FROM t1004 WHERE c2 = ?"}) {
    connection.prepare(sql).bind(1, std::int64_t{instance.object_id}).run();
  }
  if (instances_of(instance.source_object_id).empty()) {
    drop_log(connection, instance.source_object_id);
    connection.prepare("UPDATE cat_tables SET tracked = 0 WHERE object_id = ?")
        .bind(1, std::int64_t{instance.source_object_id})
        .run();
  }
  catalog_.touch();
  catalog_.work().log().jobs_changed();
  return {};
}

Outcome Cdc::disable_table(const Principal& caller, const std::optional<std::string>& source_schema,
                           const std::optional<std::string>& source_name,
                           const std::optional<std::string>& capture_instance) {
  if (Outcome error = check_owner(caller)) return error;
  if (!source_schema || source_schema->empty()) return empty_parameter("@source_schema");
  if (!source_name || source_name->empty()) return empty_parameter("@source_name");
  if (!capture_instance || capture_instance->empty()) return empty_parameter("@capture_instance");
  const TablePtr table = catalog_.table(*source_schema, *source_name);
  if (table == nullptr) return no_source(*source_schema, *source_name);
  const bool all = same_name(*capture_instance, "all");
  bool found = false;
  for (const CaptureInstance& instance : instances_of(table->object_id)) {
    if (!all && !same_name(catalog_.work().file().names, instance.name, *capture_instance)) continue;
    found = true;
    if (Outcome error = drop_instance(instance)) return error;
  }
  if (found) return {};
  return SqlError{
      22960,
      fmt::format("Change data capture instance '{}' has not been enabled for the source table '{}.{}'. "
                  "Use sys.sp_cdc_help_change_data_capture to verify the capture instance name and retry "
                  "the operation.",
                  *capture_instance, *source_schema, *source_name),
      16, 1};
}

}  // namespace tailrace::sim
