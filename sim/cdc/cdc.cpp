// What the procedures of CDC share: who may call them, their common errors, the form of their results.
#include <fmt/format.h>

#include "base/error.h"
#include "sim/catalog/type_facts.h"
#include "sim/catalog/virtual_table.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {

void set_columns(CdcResult& result,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> columns) {
  for (const auto& [name, type] : columns)
    result.columns.push_back({std::string(name), *parse_type(type), true});
}

SqlError not_enabled(std::string_view database) {
  return {22901,
          fmt::format(
              "The database '{}' is not enabled for Change Data Capture. Ensure that the correct database "
              "context is set and retry the operation. To report on the databases enabled for Change Data "
              "Capture, query the is_cdc_enabled column in the sys.databases catalog view.",
              database),
          16, 1};
}

SqlError empty_parameter(std::string_view name) {
  return {
      22963,
      fmt::format("Parameter '{}' cannot be null or empty. Specify a value for the named parameter and retry "
                  "the operation.",
                  name),
      16, 1};
}

SqlError no_source(std::string_view schema, std::string_view name) {
  return {22931,
          fmt::format("Source table '{}.{}' does not exist in the current database. Ensure that the correct "
                      "database context is set. Specify a valid schema and table name for the database.",
                      schema, name),
          16, 1};
}

SqlError no_instance() {
  return {22981, "Object does not exist or access is denied.", 16, 1};
}

Cdc::Cdc(Server& server, DatabasePtr database, Catalog& catalog)
    : server_(server), database_(std::move(database)), catalog_(catalog) {
  register_change_functions(catalog_.work().connection());
}

bool Cdc::enabled() {
  return catalog_.work().connection().single_number("SELECT cdc_enabled FROM cat_state") != 0;
}

std::vector<CaptureInstance> Cdc::instances() {
  return load_instances(catalog_.work().connection(), {});
}

std::vector<CaptureInstance> Cdc::instances_of(std::int32_t source_object_id) {
  return load_instances(catalog_.work().connection(), source_object_id);
}

Outcome Cdc::check_owner(const Principal& caller) {
  if (!enabled()) return not_enabled(database_->name);
  if (Security(catalog_).is_owner(caller)) return {};
  return SqlError{22904,
                  "Caller is not authorized to initiate the requested action. DBO privileges are required.",
                  16, 1};
}

bool Cdc::may_read(const Principal& caller, const CaptureInstance& instance) {
  Security security(catalog_);
  if (security.is_owner(caller)) return true;
  const auto source = catalog_.object(instance.source_object_id);
  if (!source || !security.has_on_object(caller, Permission::select, source->object_id, source->schema_id))
    return false;
  return !instance.role_name || security.is_member(caller, *instance.role_name).value_or(false);
}

}  // namespace tailrace::sim
