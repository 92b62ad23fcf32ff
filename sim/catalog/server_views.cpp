// sys.databases, logins, options, services: rows made of what the Server keeps in memory.
#include <unistd.h>

#include "base/error.h"
#include "sim/catalog/server.h"
#include "sim/catalog/server_views_internal.h"
#include "sim/catalog/virtual_table.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

Value bit(bool on) {
  return int_value(on ? 1 : 0, Type::bit);
}
Value tiny(std::int64_t number) {
  return int_value(number, Type::tinyint);
}
Value datetime(std::int64_t number) {
  return int_value(number, Type::datetime);
}
Value guid(std::string_view wire) {
  return bytes_value(wire, Type::uniqueidentifier);
}

VirtualRow database_row(const Database& database) {
  const bool snapshot = database.allow_snapshot || database.id <= 4;
  return {text_value(database.name),
          int_value(database.id),
          null_value(),
          bytes_value(std::string_view("\x01", 1)),
          datetime(database.create_date),
          tiny(160),
          text_value(database.collation),
          tiny(0),
          text_value("MULTI_USER"),
          bit(false),
          bit(false),
          bit(false),
          tiny(0),
          text_value("ONLINE"),
          bit(false),
          bit(false),
          bit(false),
          tiny(snapshot ? 1 : 0),
          text_value(snapshot ? "ON" : "OFF"),
          bit(database.read_committed_snapshot),
          tiny(3),
          text_value("SIMPLE"),
          tiny(2),
          text_value("CHECKSUM"),
          bit(true),
          bit(true),
          bit(false),
          bit(false),
          bit(false),
          bit(false),
          bit(false),
          bit(false),
          bit(false),
          bit(true),
          tiny(0),
          text_value("NOTHING"),
          bit(database.cdc_enabled),
          bit(false),
          guid(database.service_broker_guid),
          null_value(),
          null_value(),
          bit(false),
          bit(false),
          bit(false),
          bit(false),
          tiny(0),
          text_value("NONE")};
}

VirtualRow recovery_row(const Database& database) {
  return {int_value(database.id),
          guid(database.recovery_fork_guid),
          guid(database.family_guid),
          null_value(),
          guid(database.recovery_fork_guid),
          null_value(),
          null_value()};
}

VirtualRow login_row(const LoginDef& login) {
  return {text_value(login.name),
          int_value(login.principal_id),
          null_value(),
          text_value("S"),
          text_value("SQL_LOGIN"),
          bit(login.disabled),
          datetime(login.create_date),
          datetime(login.create_date),
          text_value(login.default_database),
          text_value("us_english"),
          null_value()};
}

VirtualRow option_row(std::int64_t id, std::string_view name, std::int64_t value, std::int64_t low,
                      std::int64_t high, std::string_view description) {
  return {int_value(id),    text_value(name),        int_value(value), int_value(low), int_value(high),
          int_value(value), text_value(description), bit(true),        bit(false)};
}

VirtualRow service_row(std::string_view name, bool running, const Server& server) {
  Value started;
  started.type = {.type = Type::datetimeoffset, .length = 10, .scale = 7};
  started.null = !running;
  started.offset_minutes = local_offset_minutes();
  started.number = ticks_from_datetime(server.start_time()) - started.offset_minutes * 600'000'000LL;
  return {text_value(name),
          int_value(2),
          text_value("Automatic"),
          int_value(running ? 4 : 1),
          text_value(running ? "Running" : "Stopped"),
          running ? int_value(getpid()) : null_value(),
          started,
          text_value("NT Service\\SIMULATOR"),
          text_value("sqlserver-sim"),
          text_value("N"),
          null_value(),
          text_value("N")};
}

std::vector<VirtualRow> job_rows(Server& server) {
  std::vector<VirtualRow> rows;
  for (const DatabasePtr& database : server.databases()) {
    if (!database->cdc_enabled) continue;
    Connection connection(database->path, database->durable);
    Statement jobs = connection.prepare(
        "SELECT job_type, job_id, maxtrans, maxscans, continuous, pollinginterval, retention, threshold FROM "
        "cat_jobs"
        " ORDER BY job_type");
    while (jobs.next()) {
      rows.push_back({int_value(database->id), text_value(jobs.text(0)), guid(decode_guid(jobs.blob(1))),
                      int_value(jobs.number(2)), int_value(jobs.number(3)), bit(jobs.number(4) != 0),
                      int_value(jobs.number(5), Type::bigint), int_value(jobs.number(6), Type::bigint),
                      int_value(jobs.number(7), Type::bigint)});
    }
  }
  return rows;
}

// A capture job runs all the time, a cleanup job for a moment a day.
std::vector<VirtualRow> activity_rows(Server& server) {
  std::vector<VirtualRow> rows;
  const Value started = datetime(server.start_time());
  for (const DatabasePtr& database : server.databases()) {
    if (!database->cdc_enabled) continue;
    Connection connection(database->path, database->durable);
    Statement jobs = connection.prepare("SELECT job_type, job_id, running FROM cat_jobs ORDER BY job_type");
    while (jobs.next()) {
      const bool capture = jobs.text(0) == "capture";
      const bool running = capture && jobs.number(2) != 0 && server.agent_running;
      VirtualRow row{int_value(1), guid(decode_guid(jobs.blob(1)))};
      row.insert(row.end(), 3, null_value());
      row.push_back(capture ? started : null_value());
      row.insert(row.end(), 2, null_value());
      row.push_back(capture && !running ? started : null_value());
      row.insert(row.end(), 2, null_value());
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

void add_server_views(Server& server, VirtualTables& tables) {
  tables.add("sys_databases", [&server](const DatabaseFile&) {
    std::vector<VirtualRow> rows;
    for (const DatabasePtr& database : server.databases())
      rows.push_back(database_row(*database));
    return rows;
  });
  tables.add("sys_database_recovery_status", [&server](const DatabaseFile&) {
    std::vector<VirtualRow> rows;
    for (const DatabasePtr& database : server.databases())
      rows.push_back(recovery_row(*database));
    return rows;
  });
  tables.add("sys_server_principals", [&server](const DatabaseFile&) {
    std::vector<VirtualRow> rows;
    for (const LoginDef& login : server.logins()) {
      rows.push_back(login_row(login));
      rows.back().push_back(null_value());
      rows.back().push_back(bit(false));
    }
    return rows;
  });
  tables.add("sys_sql_logins", [&server](const DatabaseFile&) {
    std::vector<VirtualRow> rows;
    for (const LoginDef& login : server.logins()) {
      rows.push_back(login_row(login));
      rows.back().push_back(bit(false));
      rows.back().push_back(bit(false));
      rows.back().push_back(null_value());
    }
    return rows;
  });
  tables.add("sys_configurations", [&server](const DatabaseFile&) {
    return std::vector<VirtualRow>{
        option_row(1536, "max text repl size (B)", server.max_text_repl_size(), -1, 2147483647,
                   "Maximum size of a text field in replication."),
        option_row(518, "show advanced options", 0, 0, 1, "show advanced options"),
        option_row(16384, "Agent XPs", server.agent_running ? 1 : 0, 0, 1, "Enable or disable Agent XPs")};
  });
  tables.add("sys_dm_server_services", [&server](const DatabaseFile&) {
    return std::vector<VirtualRow>{
        service_row("SQL Server (MSSQLSERVER)", true, server),
        service_row("SQL Server Agent (MSSQLSERVER)", server.agent_running, server)};
  });
  tables.add("sys_dm_os_sys_info", [&server](const DatabaseFile&) {
    return std::vector<VirtualRow>{{int_value(2), datetime(server.start_time()), int_value(0, Type::bigint)}};
  });
  tables.add("msdb_sysjobactivity", [&server](const DatabaseFile&) { return activity_rows(server); });
  tables.add("msdb_cdc_jobs", [&server](const DatabaseFile&) { return job_rows(server); });
}

}  // namespace tailrace::sim
