// Isolation and its price in tempdb; how much there is to load.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sqlserver/checks/checks.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

constexpr std::uint64_t mebibyte = 1u << 20;
// Row versions of what is changed while a chunk is read.
constexpr std::uint64_t tempdb_room = 1'024 * mebibyte;

std::string amount(std::uint64_t bytes) {
  if (bytes >= 1'024 * 1'024 * mebibyte)
    return fmt::format("{:.1f} TiB",
                       static_cast<double>(bytes) / static_cast<double>(1'024 * 1'024 * mebibyte));
  if (bytes >= 1'024 * mebibyte)
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1'024 * mebibyte));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / static_cast<double>(mebibyte));
}

}  // namespace

Estimate estimate_of(const Subject& subject) {
  Estimate out;
  for (const CatalogTable* table : subject.tables()) {
    out.rows += table->rows;
    const auto size = subject.facts.sizes.find(table->object_id);
    if (size != subject.facts.sizes.end()) out.bytes += size->second.bytes;
  }
  out.seconds = static_cast<std::int64_t>(out.bytes / subject.settings.expected_rate);
  return out;
}

void check_isolation(const Subject& subject, Report& report) {
  if (subject.catalog.database.snapshot_isolation)
    return report.ok("source.isolation", "SNAPSHOT isolation is allowed");
  report.add(FindingLevel::warning, "source.isolation",
             "SNAPSHOT isolation is not allowed: chunks are read under READ COMMITTED, and wait for writers",
             fmt::format("ALTER DATABASE {} SET ALLOW_SNAPSHOT_ISOLATION ON;", quote(subject.database())));
}

void check_tempdb(const Subject& subject, Report& report) {
  if (subject.catalog.database.is_azure || !subject.catalog.database.snapshot_isolation) return;
  const std::optional<Tempdb>& tempdb = subject.facts.tempdb;
  if (!tempdb) {
    return report.add(FindingLevel::unknown, "source.tempdb",
                      "how much room tempdb has for row versions is not to be seen",
                      fmt::format("USE master; GRANT VIEW SERVER STATE TO {}; USE {};",
                                  quote(subject.facts.login), quote(subject.database())));
  }
  if (tempdb->may_grow_bytes == std::numeric_limits<std::uint64_t>::max())
    return report.ok("source.tempdb", fmt::format("{} free, and it may grow", amount(tempdb->free_bytes)));
  const std::uint64_t room = tempdb->free_bytes + tempdb->may_grow_bytes;
  if (room >= tempdb_room) return report.ok("source.tempdb", amount(room) + " left");
  report.add(
      FindingLevel::warning, "source.tempdb",
      fmt::format("tempdb has {} left, and may not grow further: SNAPSHOT isolation keeps there the rows "
                  "that are changed while a chunk is read",
                  amount(room)),
      fmt::format("ALTER DATABASE tempdb MODIFY FILE (NAME = {}, MAXSIZE = UNLIMITED, FILEGROWTH = 64MB);",
                  literal(tempdb->file)));
}

void check_estimate(const Subject& subject, Report& report) {
  if (subject.selection->tables.empty()) return;
  const Estimate estimate = estimate_of(subject);
  report.ok("source.estimate",
            fmt::format("{} tables, about {} rows, {} at the source: about {} s to load at {} a second "
                        "(source.expected_rate), and as much disk at the target",
                        subject.selection->tables.size(), estimate.rows, amount(estimate.bytes),
                        estimate.seconds, amount(subject.settings.expected_rate)));
}

}  // namespace tailrace::sqlserver::checks
