// The procedures of CDC's jobs: what they are set to, adding, dropping, starting and stopping them.
//
// Source   sys.sp_cdc_help_jobs, sp_cdc_change_job, sp_cdc_add_job, sp_cdc_drop_job, sp_cdc_start_job, sp_cdc_stop_job of
//          SQL Server's documentation.
#include <fmt/format.h>

#include <random>

#include "sim/catalog/virtual_table.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

constexpr std::int64_t max_retention_minutes = 52'494'800;
constexpr std::int64_t max_polling_seconds = 86'400;

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

}  // namespace

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
                           int_value(rows.number(2), Type::int_), int_value(rows.number(3), Type::int_),
                           int_value(rows.number(4), Type::bit), int_value(rows.number(5), Type::bigint),
                           int_value(rows.number(6), Type::bigint), int_value(rows.number(7), Type::bigint)});
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

}  // namespace tailrace::sim
