// Capture instances: one too many, stale ones, history without an instance, partitions that may be switched away.
#include <fmt/format.h>

#include <algorithm>

#include "sqlserver/checks/checks.h"
#include "sqlserver/remedies.h"
#include "sqlserver/selection.h"

namespace tailrace::sqlserver::checks {
namespace {

// Captured columns that the table has no more.
std::string gone_columns(const CatalogTable& table, const CatalogInstance& instance) {
  std::string out;
  for (const CapturedColumn& column : instance.columns) {
    if (table.find_column(column.column_id) == nullptr) out += (out.empty() ? "" : ", ") + column.name;
  }
  return out;
}

void check_one(const Subject& subject, const CatalogTable& table, const CapturedTable& captured,
               Report& report) {
  const std::string& read = captured.schema->instance.name;
  for (const CatalogInstance& instance : table.instances) {
    if (instance.name == read) continue;
    report.add(
        FindingLevel::warning, "table.instances", table.name.str(),
        fmt::format("a new pipeline reads the capture instance {}; {} is written as well, and leaves no "
                    "place for the next one, because a table has two at most",
                    read, instance.name),
        disable(table, instance) + "   -- once no pipeline reads it any more");
  }
  const auto found = std::find_if(table.instances.begin(), table.instances.end(),
                                  [&](const CatalogInstance& instance) { return instance.name == read; });
  if (found == table.instances.end() || table.instances.size() > 1) return;
  if (const std::string gone = gone_columns(table, *found); !gone.empty()) {
    report.add(
        FindingLevel::warning, "table.stale_instance", table.name.str(),
        fmt::format("the capture instance {} holds columns that the table has no more: {}", read, gone),
        enable_again(table, subject.catalog));
  }
}

}  // namespace

void check_instances(const Subject& subject, Report& report) {
  const std::vector<const CatalogTable*> tables = subject.tables();
  for (std::size_t i = 0; i < tables.size(); ++i)
    check_one(subject, *tables[i], subject.selection->tables[i], report);
}

void check_ddl_history(const Subject& subject, Report& report) {
  const std::int64_t rows = subject.facts.orphan_ddl_rows.value_or(0);
  if (rows == 0) return;
  report.add(
      FindingLevel::warning, "source.ddl_history",
      fmt::format("cdc.ddl_history has {} rows of capture instances that are gone; other readers of "
                  "CDC take them for changes of shape",
                  rows),
      "DELETE h FROM [cdc].[ddl_history] AS h WHERE NOT EXISTS (SELECT 1 FROM [cdc].[change_tables] AS "
      "i WHERE i.[object_id] = h.[object_id]);");
}

void check_partition_switch(const Subject& subject, Report& report) {
  const std::vector<const CatalogTable*> tables = subject.tables();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const CatalogTable& table = *tables[i];
    const CaptureInstance& read = subject.selection->tables[i].schema->instance;
    const auto size = subject.facts.sizes.find(table.object_id);
    const auto flags = subject.facts.instances.find(read.object_id);
    if (size == subject.facts.sizes.end() || size->second.partitions < 2) continue;
    if (flags == subject.facts.instances.end() || !flags->second.allows_switch) continue;
    report.add(
        FindingLevel::warning, "table.partition_switch", table.name.str(),
        fmt::format("the table has {} partitions, and ALTER TABLE ... SWITCH PARTITION is allowed: it moves "
                    "rows without a change being captured, and the target never hears of them",
                    size->second.partitions),
        // A second instance: dropping the first would lose what is not read yet.
        enable_again(table, subject.catalog,
                     {.kept = read.name, .options = ", @allow_partition_switch = 0"}));
  }
}

}  // namespace tailrace::sqlserver::checks
