// SQL Server Agent, its jobs for CDC, how far they are, how much they can take, how long changes are kept.
//
// Source  cdc.md A3: a capture job takes maxtrans * maxscans transactions a cycle and then waits for pollinginterval.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sqlserver/checks/checks.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

// An idle capture job writes a marker every five minutes.
constexpr std::int64_t progress_seconds = 11 * 60;
constexpr double busy_share = 0.8;
constexpr std::int64_t most_retention_minutes = 52'494'800;

const char* const server_state_grant = "USE master; GRANT VIEW SERVER STATE TO {}; USE {};";

// Nothing to say where there is no CDC, where Azure runs the Agent, or where another server's captures.
bool has_agent(const Subject& subject) {
  return subject.catalog.database.cdc_enabled && !subject.catalog.database.is_azure &&
         !subject.facts.is_replica;
}

// A managed instance has them; Azure SQL Database runs the jobs out of sight.
bool has_jobs(const Subject& subject) {
  return subject.catalog.database.cdc_enabled && !subject.facts.is_azure_database();
}

const CaptureJob* capture_of(const Subject& subject) {
  const std::optional<Jobs>& jobs = subject.facts.jobs;
  return jobs && jobs->capture ? &*jobs->capture : nullptr;
}

// Transactions a second; nothing: as many as the server can.
std::optional<double> limit_of(const CaptureJob& job) {
  if (job.polling_seconds == 0 || !job.continuous) return std::nullopt;
  return static_cast<double>(job.maxtrans) * static_cast<double>(job.maxscans) /
         static_cast<double>(job.polling_seconds);
}

std::string quicker_job(const CaptureJob& job, double per_second) {
  const std::int64_t scans = std::max<std::int64_t>(job.maxscans, 10);
  const std::int64_t polling = std::clamp<std::int64_t>(job.polling_seconds, 1, 5);
  const auto wanted = static_cast<std::int64_t>(
      std::ceil(4 * per_second * static_cast<double>(polling) / static_cast<double>(scans)));
  return fmt::format(
      "EXEC sys.sp_cdc_change_job @job_type = N'capture', @maxtrans = {}, @maxscans = {}, @pollinginterval = "
      "{}; EXEC sys.sp_cdc_stop_job @job_type = N'capture'; WAITFOR DELAY '00:00:01'; EXEC "
      "sys.sp_cdc_start_job @job_type = N'capture';",
      std::max<std::int64_t>(wanted, 500), scans, polling);
}

std::string duration(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 2 * 3'600) return fmt::format("{} min", seconds / 60);
  return seconds < 2 * 86'400 ? fmt::format("{} h", seconds / 3'600)
                              : fmt::format("{} days", seconds / 86'400);
}

// A job that runs already cannot be started.
std::string remedy_of_no_progress(const Subject& subject) {
  if (subject.facts.is_replica) return "look at the capture job of the primary";
  if (!has_jobs(subject)) return "EXEC sys.sp_cdc_scan;   -- and look at sys.dm_cdc_errors";
  const CaptureJob* const job = capture_of(subject);
  if (job != nullptr && job->running.value_or(false))
    return "SELECT * FROM sys.dm_cdc_errors ORDER BY [entry_time] DESC;   -- what holds the capture job up";
  return "EXEC sys.sp_cdc_start_job @job_type = N'capture';";
}

}  // namespace

void check_agent(const Subject& subject, Report& report) {
  if (!has_agent(subject)) return;
  const std::optional<bool>& running = subject.facts.agent_running;
  if (!running) {
    return report.add(
        FindingLevel::unknown, "source.agent", "whether SQL Server Agent runs is not to be seen",
        fmt::format(fmt::runtime(server_state_grant), quote(subject.facts.login), quote(subject.database())));
  }
  if (*running) return report.ok("source.agent", "SQL Server Agent runs");
  report.add(FindingLevel::warning, "source.agent",
             "SQL Server Agent does not run: nothing is captured, and the log cannot be truncated",
             "start the service SQL Server Agent, and let it start with the server");
}

void check_capture_job(const Subject& subject, Report& report) {
  if (!has_jobs(subject)) return;
  if (subject.facts.is_replica) {
    return report.add(FindingLevel::unknown, "source.capture_job",
                      "the database is a read-only replica here: its jobs run where the primary is",
                      "check with source.host of the primary as well");
  }
  if (!subject.facts.jobs) {
    return report.add(
        FindingLevel::unknown, "source.capture_job", "the jobs of CDC are not to be seen",
        fmt::format(
            "USE msdb; IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE [name] = {0}) CREATE "
            "USER {1} FOR LOGIN {1}; GRANT SELECT ON [dbo].[cdc_jobs] TO {1}; GRANT SELECT ON "
            "[dbo].[sysjobactivity] TO {1}; USE {2};",
            literal(subject.facts.login), quote(subject.facts.login), quote(subject.database())));
  }
  const CaptureJob* const job = capture_of(subject);
  if (job == nullptr && subject.facts.is_published) {
    return report.add(FindingLevel::unknown, "source.capture_job",
                      "there is no capture job, and the database is published: the log reader of a "
                      "transactional publication captures",
                      "see to it that the publication's Log Reader Agent runs all the time");
  }
  if (job == nullptr) {
    return report.add(FindingLevel::failure, "source.capture_job",
                      "there is no capture job: nothing is captured, and the log cannot be truncated",
                      "EXEC sys.sp_cdc_add_job @job_type = N'capture';");
  }
  if (job->running.value_or(true) || !subject.facts.agent_running.value_or(true))
    return report.ok("source.capture_job", "there is a capture job");
  report.add(FindingLevel::warning, "source.capture_job",
             "the capture job does not run: nothing is captured, and the log cannot be truncated",
             "EXEC sys.sp_cdc_start_job @job_type = N'capture';");
}

// What may be seen with no right at all: whether mapping rows still come.
void check_capture_progress(const Subject& subject, Report& report) {
  if (!subject.facts.mapping) return;
  const std::string remedy = remedy_of_no_progress(subject);
  const std::optional<std::int64_t> age = subject.facts.mapping->newest_age_seconds;
  if (!age) {
    return report.add(FindingLevel::warning, "source.capture_progress",
                      "nothing was captured yet, not even a marker", remedy);
  }
  if (*age <= progress_seconds)
    return report.ok("source.capture_progress", fmt::format("captured up to {} ago", duration(*age)));
  report.add(FindingLevel::warning, "source.capture_progress",
             fmt::format("the newest captured transaction or marker is {} old, and an idle database gets one "
                         "every five minutes: the capture job does not run, or lags behind",
                         duration(*age)),
             remedy);
}

void check_throughput(const Subject& subject, Report& report) {
  const CaptureJob* const job = capture_of(subject);
  // Azure SQL Database has a pace of its own.
  if (job == nullptr || !subject.facts.mapping || subject.facts.is_azure_database()) return;
  if (!job->continuous) {
    return report.add(FindingLevel::warning, "source.capture_throughput",
                      "the capture job is not continuous: changes come when its schedule says so",
                      "EXEC sys.sp_cdc_change_job @job_type = N'capture', @continuous = 1; EXEC "
                      "sys.sp_cdc_start_job @job_type = N'capture';");
  }
  const std::optional<double> limit = limit_of(*job);
  const double peak = subject.facts.mapping->peak_per_second;
  if (!limit) return report.ok("source.capture_throughput", "the capture job scans without a pause");
  const std::string rates = fmt::format(
      "at most {:.3g} transactions a second (maxtrans {} * maxscans {} / pollinginterval {} s); "
      "the busiest of the last minutes had {:.3g}",
      *limit, job->maxtrans, job->maxscans, job->polling_seconds, peak);
  if (peak <= busy_share * *limit) return report.ok("source.capture_throughput", rates);
  report.add(FindingLevel::warning, "source.capture_throughput",
             "the capture job takes " + rates + ": capture will lag behind", quicker_job(*job, peak));
}

void check_retention(const Subject& subject, Report& report) {
  if (!subject.facts.jobs) return;
  const std::optional<std::int64_t> retention = subject.facts.jobs->cleanup_retention;
  if (!retention) {
    return report.add(FindingLevel::warning, "source.retention",
                      "there is no cleanup job: the change tables grow for ever",
                      "EXEC sys.sp_cdc_add_job @job_type = N'cleanup';");
  }
  const std::int64_t load = estimate_of(subject).seconds;
  const std::int64_t outage = subject.settings.expected_outage.count();
  const std::int64_t needed = std::min((load + outage) / 60 + 1, most_retention_minutes);
  const std::string parts =
      fmt::format("changes are kept for {}; loading takes about {}, and a stop may take {}",
                  duration(*retention * 60), duration(load), duration(outage));
  if (*retention >= needed) return report.ok("source.retention", parts);
  report.add(FindingLevel::warning, "source.retention", parts + ": what is cleaned up meanwhile is a gap",
             fmt::format("EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = {};", needed));
}

}  // namespace tailrace::sqlserver::checks
