// The checks of server, database and rights.
#include "sqlserver/check.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <set>

#include "base/error.h"
#include "sqlserver/odbc.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

class DatabaseCheck {
 public:
  DatabaseCheck(Connection& connection, const Catalog& catalog)
      : connection_(connection), catalog_(catalog) {}

  std::vector<Finding> run() {
    read_user();
    check_version();
    check_cdc();
    if (catalog_.database.cdc_enabled) {
      check_cdc_rights();
      check_roles();
      check_capture_job();
    }
    check_isolation();
    return std::move(findings_);
  }

 private:
  const std::string& database() const { return catalog_.database.name; }
  void add(FindingLevel level, std::string name, std::string reason, std::string remedy = {}) {
    findings_.push_back({level, std::move(name), database(), std::move(reason), std::move(remedy)});
  }

  // One number; nothing where the login may not ask, or the server does not know the question.
  std::optional<std::int64_t> ask(const char* doing, std::string_view sql) {
    try {
      Statement rows(connection_, doing, sql);
      if (!rows.fetch()) return std::nullopt;
      return rows.integer(0);
    } catch (const Error& error) {
      if (is_missing_right(error) || is_missing_object(error)) return std::nullopt;
      throw;
    }
  }

  void read_user() {
    Statement rows(connection_, "ask for the user's name", "SELECT USER_NAME()");
    if (rows.fetch()) user_ = rows.text(0).value_or("");
  }

  void check_version() {
    if (catalog_.database.is_azure) return add(FindingLevel::ok, "source.version", "Azure SQL");
    const std::string& version = catalog_.database.version;
    int major = 0;
    int build = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    const std::size_t dot = version.find('.', version.find('.') + 1);
    if (dot != std::string::npos)
      std::from_chars(version.data() + dot + 1, version.data() + version.size(), build);
    const bool is_fit = major > 13 || (major == 13 && build >= 4001);
    add(is_fit ? FindingLevel::ok : FindingLevel::failure, "source.version", "SQL Server " + version,
        is_fit ? "" : "tailrace supports SQL Server 2016 SP1 (13.0.4001) and later");
  }

  void check_cdc() {
    if (catalog_.database.cdc_enabled) return add(FindingLevel::ok, "source.cdc_enabled", "CDC is enabled");
    add(FindingLevel::failure, "source.cdc_enabled", "CDC is not enabled for the database",
        fmt::format("USE {}; EXEC sys.sp_cdc_enable_db;", quote(database())));
  }

  void check_cdc_rights() {
    if (!catalog_.database.may_read_cdc) {
      add(FindingLevel::failure, "source.rights", "the login may not read the change tables in schema cdc",
          fmt::format("GRANT SELECT ON SCHEMA::cdc TO {};", quote(user_)));
    } else {
      add(FindingLevel::ok, "source.rights", "the login may read schema cdc");
    }
    const std::optional<std::int64_t> state =
        ask("ask for VIEW DATABASE STATE",
            "SELECT HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DATABASE STATE')");
    if (state.value_or(0) != 0) return;
    add(FindingLevel::unknown, "source.database_state",
        "log scans are not to be seen: the end of a snapshot's catch-up is found by later transactions "
        "alone, which "
        "takes minutes on an idle database",
        fmt::format("GRANT VIEW DATABASE STATE TO {0};   -- 2022 and later: GRANT VIEW DATABASE PERFORMANCE "
                    "STATE TO {0};",
                    quote(user_)));
  }

  void check_roles() {
    std::set<std::string> roles;
    for (const CatalogTable& table : catalog_.tables) {
      for (const CatalogInstance& instance : table.instances) {
        if (!instance.role.empty()) roles.insert(instance.role);
      }
    }
    for (const std::string& role : roles) {
      const std::optional<std::int64_t> member =
          ask("ask for a role's membership", fmt::format("SELECT IS_MEMBER({})", literal(role)));
      const std::optional<std::int64_t> owner =
          ask("ask for the owner's role", "SELECT IS_MEMBER(N'db_owner')");
      if (member.value_or(0) == 1 || owner.value_or(0) == 1) continue;
      add(FindingLevel::warning, "source.gating_role",
          fmt::format("the login is not a member of the gating role {}", role),
          fmt::format("ALTER ROLE {} ADD MEMBER {};", quote(role), quote(user_)));
    }
  }

  void check_capture_job() {
    if (catalog_.database.is_azure)
      return add(FindingLevel::ok, "source.capture_job", "Azure runs the capture itself");
    const std::optional<std::int64_t> running = ask("look at SQL Server Agent",
                                                    "SELECT CASE WHEN s.[status] = 4 THEN 1 ELSE 0 END FROM "
                                                    "sys.dm_server_services AS s WHERE s.[servicename] "
                                                    "LIKE N'SQL Server Agent (%'");
    if (!running) {
      return add(FindingLevel::unknown, "source.capture_job",
                 "whether SQL Server Agent runs is not to be seen",
                 "GRANT VIEW SERVER STATE TO the login (2022 and later: VIEW SERVER PERFORMANCE STATE)");
    }
    if (*running == 1) return add(FindingLevel::ok, "source.capture_job", "SQL Server Agent runs");
    add(FindingLevel::warning, "source.capture_job",
        "SQL Server Agent does not run: nothing is captured, and the log cannot be truncated",
        "start SQL Server Agent");
  }

  void check_isolation() {
    if (catalog_.database.snapshot_isolation) {
      return add(FindingLevel::ok, "source.isolation", "SNAPSHOT isolation is allowed");
    }
    add(FindingLevel::warning, "source.isolation",
        "SNAPSHOT isolation is not allowed: chunks are read under READ COMMITTED, and wait for writers",
        fmt::format("ALTER DATABASE {} SET ALLOW_SNAPSHOT_ISOLATION ON;", quote(database())));
  }

  Connection& connection_;
  const Catalog& catalog_;
  std::string user_;
  std::vector<Finding> findings_;
};

Finding finding_of(const Error& error, const Settings& settings) {
  const bool is_login = error.kind() == ErrorKind::auth || error.kind() == ErrorKind::config;
  return {FindingLevel::failure, is_login ? "source.login" : "source.reachable",
          fmt::format("{}:{}/{}", settings.host, settings.port, settings.database), error.message(),
          std::string(error.context("remedy"))};
}

}  // namespace

std::vector<Finding> check_database(Connection& connection, const Catalog& catalog) {
  return DatabaseCheck(connection, catalog).run();
}

Look check(const Settings& settings, std::stop_token stop) {
  Look look;
  try {
    Connection connection(settings);
    const Connection::StopScope scope(connection, stop);
    look.findings.push_back({FindingLevel::ok, "source.reachable",
                             fmt::format("{}:{}", settings.host, settings.port), "connected and logged in",
                             ""});
    const Catalog catalog = read_catalog(connection);
    for (Finding& finding : check_database(connection, catalog))
      look.findings.push_back(std::move(finding));
    Selection selection = select_tables(catalog, settings, {});
    for (Finding& finding : selection.findings)
      look.findings.push_back(std::move(finding));
    for (const CapturedTable& table : selection.tables) {
      look.tables.push_back(table.schema);
      look.findings.push_back({FindingLevel::ok, "table.ready", table.schema->name.str(),
                               fmt::format("captured by {}, about {} rows", table.schema->instance.name,
                                           table.schema->estimated_rows),
                               ""});
    }
  } catch (const Error& error) {
    if (stop.stop_requested()) throw;
    look.findings.push_back(finding_of(error, settings));
  }
  return look;
}

}  // namespace tailrace::sqlserver
