// Reading facts: one statement for each group of views that the same right shows.
#include "sqlserver/checks/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "sqlserver/checks/loose_keys.h"
#include "sqlserver/connection.h"
#include "sqlserver/diagnostics.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

constexpr std::uint64_t page_bytes = 8'192;
// So many newest transactions say how busy the source is: a seek to the end of the mapping's key, never a scan of it.
constexpr int looked_at_transactions = 100'000;

enum class Answer : std::uint8_t { given, no_right, no_object };

// Calls `take` for each row, if the login may ask and the server knows what is asked for.
template <typename Take>
Answer ask(Connection& connection, const char* doing, std::string_view sql, Take take) {
  try {
    Statement rows(connection, doing, sql);
    while (rows.fetch())
      take(rows);
    return Answer::given;
  } catch (const Error& error) {
    if (is_missing_right(error)) return Answer::no_right;
    if (is_missing_object(error)) return Answer::no_object;
    throw;
  }
}

void read_self(Connection& connection, Facts& facts) {
  ask(connection, "ask for the login's rights",
      "SELECT USER_NAME(), SUSER_SNAME(), IS_MEMBER(N'db_owner'), HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), "
      "N'DATABASE', N'VIEW DATABASE STATE'), CONVERT(nvarchar(128), SERVERPROPERTY('Edition')), CONVERT(int, "
      "SERVERPROPERTY('EngineEdition')), CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), "
      "'Updateability')), (SELECT d.[is_published] FROM sys.databases AS d WHERE d.[name] = DB_NAME())",
      [&](Statement& row) {
        facts.user = row.text(0).value_or("");
        facts.login = row.text(1).value_or("");
        facts.is_owner = row.integer(2).value_or(0) == 1 || facts.user == "dbo";
        facts.may_see_state = row.integer(3).value_or(0) == 1;
        facts.edition = row.text(4).value_or("");
        facts.engine_edition = row.integer(5).value_or(0);
        facts.is_replica = row.text(6) == "READ_ONLY";
        facts.is_published = row.integer(7).value_or(0) == 1;
      });
  if (facts.may_see_state) return;
  // A name that an older server does not know answers NULL.
  ask(connection, "ask for the narrower right of SQL Server 2022",
      "SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'VIEW DATABASE PERFORMANCE STATE')",
      [&](Statement& row) { facts.may_see_state = row.integer(0).value_or(0) == 1; });
}

void read_roles(Connection& connection, const Catalog& catalog, Facts& facts) {
  const bool has_gates =
      std::any_of(catalog.tables.begin(), catalog.tables.end(), [](const CatalogTable& table) {
        return std::any_of(table.instances.begin(), table.instances.end(),
                           [](const CatalogInstance& instance) { return !instance.role.empty(); });
      });
  if (!has_gates) return;
  ask(connection, "ask for the user's roles",
      "SELECT r.[name] FROM sys.database_principals AS r WHERE r.[type] = 'R' AND IS_MEMBER(r.[name]) = 1",
      [&](Statement& row) { facts.roles.insert(row.text(0).value_or("")); });
}

void read_agent(Connection& connection, Facts& facts) {
  ask(connection, "look at SQL Server Agent",
      "SELECT CASE WHEN s.[status] = 4 THEN 1 ELSE 0 END FROM sys.dm_server_services AS s WHERE "
      "s.[servicename] LIKE N'SQL Server Agent (%'",
      [&](Statement& row) { facts.agent_running = row.integer(0).value_or(0) == 1; });
}

// Azure SQL Database keeps the jobs' numbers in the database and runs them itself.
void read_jobs(Connection& connection, Facts& facts) {
  const std::string from =
      facts.is_azure_database()
          ? "CAST(NULL AS int) FROM [cdc].[cdc_jobs] AS j"
          : "CASE WHEN a.[job_id] IS NULL THEN NULL WHEN a.[start_execution_date] IS NOT NULL AND "
            "a.[stop_execution_date] IS NULL THEN 1 ELSE "
            "0 END FROM [msdb].[dbo].[cdc_jobs] AS j LEFT JOIN [msdb].[dbo].[sysjobactivity] AS a ON "
            "a.[job_id] = j.[job_id] AND a.[session_id] = (SELECT MAX(m.[session_id]) FROM "
            "[msdb].[dbo].[sysjobactivity] AS m) WHERE j.[database_id] = DB_ID()";
  Jobs jobs;
  const Answer answer = ask(connection, "look at the jobs of CDC",
                            "SELECT j.[job_type], j.[maxtrans], j.[maxscans], j.[continuous], "
                            "j.[pollinginterval], j.[retention], " +
                                from,
                            [&](Statement& row) {
                              const std::string type = row.text(0).value_or("");
                              CaptureJob job;
                              job.maxtrans = row.integer(1).value_or(0);
                              job.maxscans = row.integer(2).value_or(0);
                              job.continuous = row.integer(3).value_or(1) != 0;
                              job.polling_seconds = row.integer(4).value_or(0);
                              const std::int64_t retention = row.integer(5).value_or(0);
                              if (type == "cleanup") jobs.cleanup_retention = retention;
                              if (type != "capture") return;
                              if (const auto running = row.integer(6)) job.running = *running == 1;
                              jobs.capture = job;
                            });
  // The first job makes msdb's table: a server to which the database was restored, or failed over, need not have it.
  const bool has_no_jobs = answer == Answer::no_object && !facts.is_azure_database();
  if (answer == Answer::given || has_no_jobs) facts.jobs = jobs;
}

void read_mapping(Connection& connection, Facts& facts) {
  Mapping mapping;
  const Answer answer = ask(
      connection, "look at what was captured last",
      fmt::format(
          "SELECT (SELECT DATEDIFF(second, MAX(m.[tran_end_time]), GETDATE()) FROM (SELECT TOP (1) "
          "n.[tran_end_time] FROM [cdc].[lsn_time_mapping] AS n ORDER BY n.[start_lsn] DESC) AS m), (SELECT "
          "MAX(b.[transactions]) FROM (SELECT COUNT(*) AS [transactions] FROM (SELECT TOP ({}) "
          "DATEDIFF(minute, '20000101', t.[tran_end_time]) AS [minute] FROM [cdc].[lsn_time_mapping] AS t "
          "WHERE t.[tran_id] <> 0x00 ORDER BY t.[start_lsn] DESC) AS x GROUP BY x.[minute]) AS b)",
          looked_at_transactions),
      [&](Statement& row) {
        mapping.newest_age_seconds = row.integer(0);
        mapping.peak_per_second = static_cast<double>(row.integer(1).value_or(0)) / 60;
      });
  if (answer == Answer::given) facts.mapping = mapping;
}

void read_instances(Connection& connection, Facts& facts) {
  ask(connection, "look at the capture instances",
      "SELECT i.[object_id], i.[partition_switch] FROM [cdc].[change_tables] AS i", [&](Statement& row) {
        const auto id = static_cast<std::int32_t>(row.integer(0).value_or(0));
        facts.instances[id].allows_switch = row.integer(1).value_or(1) != 0;
      });
  ask(connection, "look for a history of DDL without its instance",
      "SELECT COUNT(*) FROM [cdc].[ddl_history] AS h WHERE NOT EXISTS (SELECT 1 FROM [cdc].[change_tables] "
      "AS i WHERE i.[object_id] = h.[object_id])",
      [&](Statement& row) { facts.orphan_ddl_rows = row.integer(0); });
}

void read_sizes(Connection& connection, Facts& facts) {
  ask(connection, "measure the tables",
      "SELECT p.[object_id], SUM(a.[used_pages]), COUNT(DISTINCT p.[partition_number]) FROM sys.partitions "
      "AS p LEFT JOIN sys.allocation_units AS a ON a.[container_id] = p.[partition_id] WHERE p.[index_id] "
      "IN (0, 1) GROUP BY p.[object_id]",
      [&](Statement& row) {
        TableSize& size = facts.sizes[static_cast<std::int32_t>(row.integer(0).value_or(0))];
        size.bytes = static_cast<std::uint64_t>(row.integer(1).value_or(0)) * page_bytes;
        size.partitions = row.integer(2).value_or(1);
      });
}

void read_tempdb(Connection& connection, Facts& facts) {
  Tempdb tempdb;
  bool has_space = false;
  const Answer space = ask(connection, "look at tempdb's space",
                           "SELECT SUM(u.[unallocated_extent_page_count]) FROM "
                           "[tempdb].sys.dm_db_file_space_usage AS u",
                           [&](Statement& row) {
                             const std::optional<std::int64_t> pages = row.integer(0);
                             has_space = pages.has_value();
                             tempdb.free_bytes = static_cast<std::uint64_t>(pages.value_or(0)) * page_bytes;
                           });
  if (space != Answer::given || !has_space) return;
  const Answer files =
      ask(connection, "look at tempdb's files",
          "SELECT f.[name], f.[size], f.[max_size], f.[growth] FROM [tempdb].sys.database_files AS f WHERE "
          "f.[type] = 0",
          [&](Statement& row) {
            std::string name = row.text(0).value_or("");
            if (tempdb.file.empty()) tempdb.file = std::move(name);
            const std::int64_t size = row.integer(1).value_or(0);
            const std::int64_t most = row.integer(2).value_or(0);
            if (row.integer(3).value_or(0) == 0) return;
            if (most == -1) {
              tempdb.may_grow_bytes = std::numeric_limits<std::uint64_t>::max();
            } else if (most > size && tempdb.may_grow_bytes != std::numeric_limits<std::uint64_t>::max()) {
              tempdb.may_grow_bytes += static_cast<std::uint64_t>(most - size) * page_bytes;
            }
          });
  if (files == Answer::given) facts.tempdb = tempdb;
}

void read_text_limit(Connection& connection, Facts& facts) {
  ask(connection, "ask for the largest replicated text",
      "SELECT CONVERT(bigint, c.[value_in_use]) FROM sys.configurations AS c WHERE c.[name] = N'max text "
      "repl "
      "size (B)'",
      [&](Statement& row) { facts.max_text_repl_size = row.integer(0); });
}

// One join for each key that is small enough, all in one statement. Whoever is in its way is not waited for.
void read_loose_keys(Connection& connection, Facts& facts) {
  std::vector<LooseForeignKey*> asked;
  for (LooseForeignKey& key : facts.loose_keys) {
    if (key.child->rows <= most_joined_rows && asked.size() < most_joined_keys) asked.push_back(&key);
  }
  if (asked.empty()) return;
  const std::vector<const LooseForeignKey*> keys(asked.begin(), asked.end());
  std::vector<bool> differs(asked.size());
  try {
    const Answer answer =
        ask(connection, "compare the spelling of foreign keys", find_differing(keys), [&](Statement& row) {
          const auto number = static_cast<std::size_t>(row.integer(0).value_or(0));
          if (number < differs.size()) differs[number] = true;
        });
    if (answer != Answer::given) return;
  } catch (const Error& error) {
    // A lock or a slow join (the driver's time-out, after which the connection is of no more use: nothing comes after
    // this): not known then.
    const bool is_slow = error.kind() == ErrorKind::conflict || error.kind() == ErrorKind::unavailable;
    if (!is_slow || connection.stopped()) throw;
    return;
  }
  for (std::size_t i = 0; i < asked.size(); ++i)
    asked[i]->differs = differs[i];
}

}  // namespace

Facts read_facts(Connection& connection, const Catalog& catalog, const Selection* selection) {
  Facts facts;
  const bool reads_cdc = catalog.database.cdc_enabled && catalog.database.may_read_cdc;
  read_self(connection, facts);
  read_roles(connection, catalog, facts);
  if (catalog.database.cdc_enabled && !catalog.database.is_azure && !facts.is_replica)
    read_agent(connection, facts);
  if (selection == nullptr) return facts;
  if (!facts.is_azure_database()) read_text_limit(connection, facts);
  if (catalog.database.cdc_enabled && !facts.is_replica) read_jobs(connection, facts);
  if (reads_cdc) {
    read_mapping(connection, facts);
    read_instances(connection, facts);
  }
  read_sizes(connection, facts);
  if (!catalog.database.is_azure) read_tempdb(connection, facts);
  facts.loose_keys = find_loose_keys(catalog, *selection);
  read_loose_keys(connection, facts);
  return facts;
}

}  // namespace tailrace::sqlserver::checks
