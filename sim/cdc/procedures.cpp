// Procedures of CDC that report.
//
// Source   sys.sp_cdc_help_change_data_capture, sp_cdc_get_captured_columns,
//          sp_cdc_get_ddl_history of SQL Server's documentation.
#include <fmt/format.h>

#include "sim/catalog/type_facts.h"
#include "sim/catalog/virtual_table.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

Value lsn_value(std::string_view lsn) {
  return lsn.empty() ? null_value() : bytes_value(lsn, Type::binary);
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    out += '[';
    for (const char c : name) {
      if (c == ']') out += ']';
      out += c;
    }
    out += ']';
  }
  return out;
}

}  // namespace

Outcome Cdc::help_change_data_capture(const Principal& caller,
                                      const std::optional<std::string>& source_schema,
                                      const std::optional<std::string>& source_name, CdcResult& result) {
  if (!enabled()) return check_owner(caller);
  const bool schema = source_schema && !source_schema->empty();
  const bool name = source_name && !source_name->empty();
  if (schema != name) {
    return SqlError{
        22972,
        "When calling stored procedure [sys].[sp_cdc_help_change_data_capture], if either @source_schema "
        "or @source_name is non-null and non-empty, the other parameter must also be non-null and "
        "non-empty.",
        16, 1};
  }
  std::optional<std::int32_t> source;
  if (schema) {
    const TablePtr table = catalog_.table(*source_schema, *source_name);
    if (table == nullptr || !table->tracked_by_cdc) {
      return SqlError{
          22985,
          fmt::format("Change data capture has not been enabled for source table '{}.{}'. Specify the "
                      "name of a table enabled for Change Data Capture. To report on the tables enabled "
                      "for Change Data Capture, query the is_tracked_by_cdc column in the sys.tables "
                      "catalog view.",
                      *source_schema, *source_name),
          16, 1};
    }
    source = table->object_id;
  }
  set_columns(result, {{"source_schema", "sysname"},
                       {"source_table", "sysname"},
                       {"capture_instance", "sysname"},
                       {"object_id", "int"},
                       {"source_object_id", "int"},
                       {"start_lsn", "binary(10)"},
                       {"end_lsn", "binary(10)"},
                       {"supports_net_changes", "bit"},
                       {"has_drop_pending", "bit"},
                       {"role_name", "sysname"},
                       {"index_name", "sysname"},
                       {"filegroup_name", "sysname"},
                       {"create_date", "datetime"},
                       {"index_column_list", "nvarchar(max)"},
                       {"captured_column_list", "nvarchar(max)"}});
  Connection& connection = catalog_.work().connection();
  for (const CaptureInstance& instance : load_instances(connection, source)) {
    if (!may_read(caller, instance)) continue;
    const auto table = catalog_.object(instance.source_object_id);
    Statement row = connection.prepare("SELECT c10, c11 FROM t1001 WHERE c1 = ?");
    row.bind(1, std::int64_t{instance.object_id}).next();
    const auto text_or_null = [&](int column) {
      return row.is_null(column) ? null_value() : text_value(row.text(column));
    };
    std::vector<std::string> keys;
    Statement key = connection.prepare("SELECT c2 FROM t1003 WHERE c1 = ? ORDER BY c3");
    key.bind(1, std::int64_t{instance.object_id});
    while (key.next())
      keys.emplace_back(key.text(0));
    std::vector<std::string> captured;
    for (const CaptureInstance::Column& column : instance.columns)
      captured.push_back(column.name);
    result.rows.push_back(
        {text_value(table->schema), text_value(table->name), text_value(instance.name),
         int_value(instance.object_id, Type::int_), int_value(instance.source_object_id, Type::int_),
         lsn_value(instance.start_lsn.value_or("")), null_value(),
         int_value(instance.supports_net_changes ? 1 : 0, Type::bit), null_value(),
         instance.role_name ? text_value(*instance.role_name) : null_value(), text_or_null(0),
         text_or_null(1), int_value(instance.create_date, Type::datetime),
         keys.empty() ? null_value() : text_value(quoted_list(keys)), text_value(quoted_list(captured))});
  }
  return {};
}

Outcome Cdc::get_captured_columns(const Principal& caller, const std::optional<std::string>& capture_instance,
                                  CdcResult& result) {
  if (!enabled()) return check_owner(caller);
  const auto instance = load_instance(catalog_.work().connection(), capture_instance.value_or(""));
  if (!instance || !may_read(caller, *instance)) return no_instance();
  set_columns(result, {{"source_schema", "sysname"},
                       {"source_table", "sysname"},
                       {"capture_instance", "sysname"},
                       {"column_name", "sysname"},
                       {"column_id", "int"},
                       {"ordinal_position", "int"},
                       {"data_type", "sysname"},
                       {"character_maximum_length", "int"},
                       {"numeric_precision", "tinyint"},
                       {"numeric_precision_radix", "smallint"},
                       {"numeric_scale", "int"},
                       {"datetime_precision", "smallint"}});
  const auto source = catalog_.object(instance->source_object_id);
  const TablePtr change = catalog_.table(instance->object_id);
  for (const CaptureInstance::Column& column : instance->columns) {
    const TypeInfo& type = change->column(column.ordinal + metadata_columns)->type;
    const bool sized = is_text(type) || type.type == Type::binary || type.type == Type::varbinary;
    const bool number = is_integer(type) || type.type == Type::decimal || type.type == Type::money ||
                        type.type == Type::smallmoney || type.type == Type::real || type.type == Type::float_;
    const bool binary_radix = type.type == Type::real || type.type == Type::float_;
    const bool time = shown_precision(type) != 0 && !number && type.type != Type::bit;
    const std::int32_t length = type.length < 0 ? -1 : is_unicode(type) ? type.length / 2 : type.length;
    result.rows.push_back({text_value(source->schema), text_value(source->name), text_value(instance->name),
                           text_value(column.name), int_value(column.column_id, Type::int_),
                           int_value(column.ordinal, Type::int_), text_value(column.type_name),
                           sized ? int_value(length, Type::int_) : null_value(),
                           number ? int_value(shown_precision(type), Type::tinyint) : null_value(),
                           number ? int_value(binary_radix ? 2 : 10, Type::smallint) : null_value(),
                           number && !binary_radix ? int_value(shown_scale(type), Type::int_) : null_value(),
                           time ? int_value(shown_scale(type), Type::smallint) : null_value()});
  }
  return {};
}

Outcome Cdc::get_ddl_history(const Principal& caller, const std::optional<std::string>& capture_instance,
                             CdcResult& result) {
  if (!enabled()) return check_owner(caller);
  Connection& connection = catalog_.work().connection();
  const auto instance = load_instance(connection, capture_instance.value_or(""));
  if (!instance || !may_read(caller, *instance)) return no_instance();
  set_columns(result, {{"source_schema", "sysname"},
                       {"source_table", "sysname"},
                       {"capture_instance", "sysname"},
                       {"required_column_update", "bit"},
                       {"ddl_command", "nvarchar(max)"},
                       {"ddl_lsn", "binary(10)"},
                       {"ddl_time", "datetime"}});
  const auto source = catalog_.object(instance->source_object_id);
  Statement rows = connection.prepare("SELECT c3, c4, c5, c6 FROM t1004 WHERE c2 = ? ORDER BY c5");
  rows.bind(1, std::int64_t{instance->object_id});
  while (rows.next()) {
    result.rows.push_back({text_value(source->schema), text_value(source->name), text_value(instance->name),
                           int_value(rows.number(0), Type::bit), text_value(rows.text(1)),
                           lsn_value(rows.blob(2)), int_value(rows.number(3), Type::datetime)});
  }
  return {};
}

}  // namespace tailrace::sim
