// Procedures of CDC that report or that change its jobs, and the clean-up of one change table.
//
// Source   sys.sp_cdc_help_jobs, sp_cdc_change_job, sp_cdc_help_change_data_capture, sp_cdc_cleanup_change_table,
//          sp_cdc_get_captured_columns, sp_cdc_get_ddl_history of SQL Server's documentation.
#include <fmt/format.h>

#include <random>

#include "sim/catalog/type_facts.h"
#include "sim/catalog/virtual_table.h"
#include "sim/cdc/cdc_internal.h"
#include "sim/cdc/cleanup_internal.h"

namespace tailrace::sim {
namespace {

constexpr std::int64_t max_retention_minutes = 52'494'800;
constexpr std::int64_t max_polling_seconds = 86'400;

void set_columns(CdcResult& result,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> columns) {
  for (const auto& [name, type] : columns)
    result.columns.push_back({std::string(name), *parse_type(type), true});
}

Value typed(std::int64_t number, Type type) {
  return int_value(number, type);
}

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

std::string random_id() {
  std::random_device device;
  std::string id(16, '\0');
  for (char& byte : id)
    byte = static_cast<char>(device() & 0xFF);
  return id;
}

SqlError bad_job_type(std::string_view type) {
  return {
      22992,
      fmt::format(
          "The specified @job_type, {}, is not supported. The value specified for the parameter @job_type "
          "must be N'capture' to indicate a capture job, or N'cleanup' to indicate a cleanup job.",
          type),
      16, 1};
}

SqlError no_instance() {
  return {22981, "Object does not exist or access is denied.", 16, 1};
}

}  // namespace

bool Cdc::may_read(const Principal& caller, const CaptureInstance& instance) {
  Security security(catalog_);
  if (security.is_owner(caller)) return true;
  const auto source = catalog_.object(instance.source_object_id);
  if (!source || !security.has_on_object(caller, Permission::select, source->object_id, source->schema_id))
    return false;
  return !instance.role_name || security.is_member(caller, *instance.role_name).value_or(false);
}

void Cdc::create_job(std::string_view type) {
  const bool capture = type == "capture";
  Statement row =
      catalog_.work().connection().prepare("INSERT INTO cat_jobs VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 1)");
  row.bind(1, type).bind_blob(2, random_id());
  const std::int64_t interval = server_.default_capture_interval_ms;
  const std::int64_t retention = server_.default_retention_minutes;
  row.bind(3, std::int64_t{capture ? 500 : 0})
      .bind(4, std::int64_t{capture ? 10 : 0})
      .bind(5, std::int64_t{capture});
  row.bind(6, capture ? interval / 1000 : 0).bind(7, capture ? 0 : retention);
  row.bind(8, std::int64_t{capture ? 0 : 5000}).bind(9, capture ? interval : 0).run();
  catalog_.work().log().jobs_changed();
}

Outcome Cdc::create_jobs(CdcResult& result) {
  Connection& connection = catalog_.work().connection();
  if (connection.single_number("SELECT count(*) FROM cat_jobs") != 0) return {};
  for (const std::string_view type : {"capture", "cleanup"}) {
    create_job(type);
    result.info.push_back(fmt::format("Job 'cdc.{}_{}' started successfully.", database_->name, type));
  }
  return {};
}

Outcome Cdc::help_jobs(const Principal& caller, CdcResult& result) {
  if (Outcome error = check_owner(caller)) return error;
  set_columns(result, {{"job_id", "uniqueidentifier"},
                       {"job_type", "nvarchar(20)"},
                       {"job_name", "sysname"},
                       {"maxtrans", "int"},
                       {"maxscans", "int"},
                       {"continuous", "bit"},
                       {"pollinginterval", "bigint"},
                       {"retention", "bigint"},
                       {"threshold", "bigint"}});
  Statement rows = catalog_.work().connection().prepare(
      "SELECT job_id, job_type, maxtrans, maxscans, continuous, pollinginterval, retention, threshold FROM "
      "cat_jobs"
      " ORDER BY job_type");
  while (rows.next()) {
    result.rows.push_back({bytes_value(decode_guid(rows.blob(0)), Type::uniqueidentifier),
                           text_value(rows.text(1)),
                           text_value(fmt::format("cdc.{}_{}", database_->name, rows.text(1))),
                           typed(rows.number(2), Type::int_), typed(rows.number(3), Type::int_),
                           typed(rows.number(4), Type::bit), typed(rows.number(5), Type::bigint),
                           typed(rows.number(6), Type::bigint), typed(rows.number(7), Type::bigint)});
  }
  return {};
}

Outcome Cdc::change_job(const Principal& caller, const ChangeJob& change) {
  if (Outcome error = check_owner(caller)) return error;
  const std::string type = fold_text(change.job_type.value_or("capture"));
  if (type != "capture" && type != "cleanup") return bad_job_type(type);
  const auto outside = [](const std::optional<std::int64_t>& value, std::int64_t low, std::int64_t high) {
    return value && (*value < low || *value > high);
  };
  if (outside(change.pollinginterval, 0, max_polling_seconds)) {
    return SqlError{
        22990,
        "The value specified for the parameter @pollinginterval cannot exceed 24 hours or be less than 0. "
        "Specify a polling interval (in seconds) that is less than or equal to 24 hours (86,400 seconds).",
        16, 1};
  }
  if (outside(change.retention, 1, max_retention_minutes) || outside(change.threshold, 1, INT64_MAX)) {
    return SqlError{
        22994,
        "The retention value specified for the Change Data Capture cleanup process must be greater than 0 "
        "and less than or equal to 52594800. When creating or modifying the cleanup job, specify a "
        "retention value (in minutes) that is within that range. If this error is encountered when executing "
        "the sys.sp_cdc_cleanup_change_table stored procedure, reset the retention value associated with the "
        "job to a non-negative value less than 52594800 by using the sp_cdc_change_job stored procedure.",
        16, 1};
  }
  if (outside(change.maxtrans, 1, INT32_MAX))
    return SqlError{22991, "The value specified for the parameter @maxtrans must be greater than 0.", 16, 1};
  if (outside(change.maxscans, 1, INT32_MAX)) {
    return SqlError{
        22970,
        "The value for parameter @maxscans specified for the Change Data Capture job must be greater "
        "than 0.",
        16, 1};
  }
  Statement row = catalog_.work().connection().prepare(
      "UPDATE cat_jobs SET maxtrans = ifnull(?2, maxtrans), maxscans = ifnull(?3, maxscans),"
      " continuous = ifnull(?4, continuous), pollinginterval = ifnull(?5, pollinginterval),"
      " interval_ms = ifnull(?5 * 1000, interval_ms), retention = ifnull(?6, retention),"
      " threshold = ifnull(?7, threshold) WHERE job_type = ?1");
  row.bind(1, type);
  int parameter = 2;
  for (const auto& value : {change.maxtrans, change.maxscans, change.continuous, change.pollinginterval,
                            change.retention, change.threshold}) {
    if (value) row.bind(parameter, *value);
    ++parameter;
  }
  row.run();
  // The running job goes on with what it started with (SQL Server wants a restart, too).
  return {};
}

Outcome Cdc::add_job(const Principal& caller, const ChangeJob& job, bool start, CdcResult& result) {
  if (Outcome error = check_owner(caller)) return error;
  const std::string type = fold_text(job.job_type.value_or(""));
  if (type != "capture" && type != "cleanup") return bad_job_type(type);
  Connection& connection = catalog_.work().connection();
  Statement there = connection.prepare("SELECT 1 FROM cat_jobs WHERE job_type = ?");
  if (there.bind(1, type).next()) {
    return SqlError{14261,
                    fmt::format("The specified @name ('cdc.{}_{}') already exists.", database_->name, type),
                    16, 1};
  }
  there.reset();
  create_job(type);
  connection.prepare("UPDATE cat_jobs SET running = ? WHERE job_type = ?")
      .bind(1, std::int64_t{start})
      .bind(2, type)
      .run();
  if (Outcome error = change_job(caller, job)) return error;
  if (start)
    result.info.push_back(fmt::format("Job 'cdc.{}_{}' started successfully.", database_->name, type));
  return {};
}

Outcome Cdc::drop_job(const Principal& caller, const std::optional<std::string>& job_type) {
  if (Outcome error = check_owner(caller)) return error;
  const std::string type = fold_text(job_type.value_or(""));
  if (type != "capture" && type != "cleanup") return bad_job_type(type);
  catalog_.work().connection().prepare("DELETE FROM cat_jobs WHERE job_type = ?").bind(1, type).run();
  catalog_.work().log().jobs_changed();
  return {};
}

Outcome Cdc::set_job_running(const Principal& caller, const std::optional<std::string>& job_type,
                             bool running) {
  if (Outcome error = check_owner(caller)) return error;
  const std::string type = fold_text(job_type.value_or("capture"));
  if (type != "capture" && type != "cleanup") return bad_job_type(type);
  Connection& connection = catalog_.work().connection();
  connection.prepare("UPDATE cat_jobs SET running = ? WHERE job_type = ?")
      .bind(1, std::int64_t{running})
      .bind(2, type)
      .run();
  if (connection.changes() == 0) {
    return SqlError{
        14262, fmt::format("The specified @job_name ('cdc.{}_{}') does not exist.", database_->name, type),
        16, 1};
  }
  catalog_.work().log().jobs_changed();
  return {};
}

Outcome Cdc::start_job(const Principal& caller, const std::optional<std::string>& job_type) {
  if (!server_.agent_running) {
    return SqlError{22022, "SQLServerAgent is not currently running so it cannot be notified of this action.",
                    16, 1};
  }
  return set_job_running(caller, job_type, true);
}

Outcome Cdc::stop_job(const Principal& caller, const std::optional<std::string>& job_type) {
  return set_job_running(caller, job_type, false);
}

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
         typed(instance.object_id, Type::int_), typed(instance.source_object_id, Type::int_),
         lsn_value(instance.start_lsn.value_or("")), null_value(),
         typed(instance.supports_net_changes ? 1 : 0, Type::bit), null_value(),
         instance.role_name ? text_value(*instance.role_name) : null_value(), text_or_null(0),
         text_or_null(1), typed(instance.create_date, Type::datetime),
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
                           text_value(column.name), typed(column.column_id, Type::int_),
                           typed(column.ordinal, Type::int_), text_value(column.type_name),
                           sized ? typed(length, Type::int_) : null_value(),
                           number ? typed(shown_precision(type), Type::tinyint) : null_value(),
                           number ? typed(binary_radix ? 2 : 10, Type::smallint) : null_value(),
                           number && !binary_radix ? typed(shown_scale(type), Type::int_) : null_value(),
                           time ? typed(shown_scale(type), Type::smallint) : null_value()});
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
                           typed(rows.number(0), Type::bit), text_value(rows.text(1)),
                           lsn_value(rows.blob(2)), typed(rows.number(3), Type::datetime)});
  }
  return {};
}

Outcome Cdc::cleanup_change_table(const Principal& caller, const std::optional<std::string>& capture_instance,
                                  const std::optional<Lsn>& low_water_mark, std::int64_t threshold) {
  if (Outcome error = check_owner(caller)) return error;
  Connection& connection = catalog_.work().connection();
  const auto instance = load_instance(connection, capture_instance.value_or(""));
  if (!instance) return no_instance();
  if (threshold <= 0) {
    return SqlError{
        22850,
        "The threshold value specified for the Change Data Capture cleanup process must be greater than "
        "0. When creating or modifying cleanup job, specify a positive threshold value.",
        16, 1};
  }
  CleanupPlan plan;
  Lsn mark = instance->start_lsn.value_or(zero_lsn());
  if (low_water_mark) {
    const Lsn highest = max_mapped_lsn(connection).value_or(zero_lsn());
    const auto text = [](std::string_view lsn) { return fmt::format("{{{}}}", lsn_text(lsn)); };
    if (*low_water_mark < mark || *low_water_mark > highest) {
      return SqlError{
          22957,
          fmt::format("LSN {}, specified as the new low end point for the change table associated with "
                      "capture instance '{}', is not within the Change Data Capture timeline [{}, {}].",
                      text(*low_water_mark), instance->name, text(mark), text(highest)),
          16, 1};
    }
    Statement mapped = connection.prepare("SELECT 1 FROM t1005 WHERE c1 = ?");
    if (!mapped.bind_blob(1, *low_water_mark).next()) {
      return SqlError{
          22964,
          fmt::format(
              "LSN {}, specified as the new low end point for change table cleanup must represent the "
              "start_lsn value of a current entry in the cdc.lsn_time_mapping table. Choose an LSN value "
              "that satisfies this requirement.",
              text(*low_water_mark)),
          16, 1};
    }
    mark = *low_water_mark;
  }
  plan.marks.emplace_back(instance->object_id, mark);
  apply_marks(connection, plan);
  delete_below_marks(connection, plan);
  return {};
}

}  // namespace tailrace::sim
