// Version, edition, and whether CDC is on.
#include <fmt/format.h>

#include <charconv>

#include "sqlserver/checks/checks.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

constexpr int sql_server_2016 = 13;
constexpr int build_of_2016_sp1 = 4001;

// SERVERPROPERTY('EngineEdition').
constexpr std::int64_t standard_engine = 2;  // Web too.
constexpr std::int64_t express_engine = 4;
constexpr std::int64_t synapse_engine = 6;
constexpr std::int64_t synapse_serverless_engine = 11;

bool has_cdc(const Facts& facts) {
  switch (facts.engine_edition) {
    case express_engine:
    case synapse_engine:
    case synapse_serverless_engine: return false;
    case standard_engine: return !facts.edition.starts_with("Web");
    default: return true;
  }
}

}  // namespace

void check_version(const Subject& subject, Report& report) {
  if (subject.catalog.database.is_azure) return report.ok("source.version", "Azure SQL");
  const std::string& version = subject.catalog.database.version;
  int major = 0;
  int build = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  const std::size_t dot = version.find('.', version.find('.') + 1);
  if (dot != std::string::npos)
    std::from_chars(version.data() + dot + 1, version.data() + version.size(), build);
  const bool is_fit = major > sql_server_2016 || (major == sql_server_2016 && build >= build_of_2016_sp1);
  if (is_fit) return report.ok("source.version", "SQL Server " + version);
  report.add(FindingLevel::failure, "source.version", "SQL Server " + version,
             "upgrade the server: tailrace supports SQL Server 2016 SP1 (13.0.4001) and later");
}

void check_edition(const Subject& subject, Report& report) {
  if (has_cdc(subject.facts)) return report.ok("source.edition", subject.facts.edition);
  report.add(FindingLevel::failure, "source.edition",
             fmt::format("{} has no change data capture", subject.facts.edition),
             "move the database to Standard, Enterprise or Developer edition, or to Azure SQL");
}

void check_cdc(const Subject& subject, Report& report) {
  if (subject.catalog.database.cdc_enabled) return report.ok("source.cdc_enabled", "CDC is enabled");
  report.add(FindingLevel::failure, "source.cdc_enabled", "CDC is not enabled for the database",
             fmt::format("USE {}; EXEC sys.sp_cdc_enable_db;", quote(subject.database())));
}

}  // namespace tailrace::sqlserver::checks
