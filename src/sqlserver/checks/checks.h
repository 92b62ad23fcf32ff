// The table of checks: each looks at one thing and says how it stands.
//
// Shape    Pure: catalog, facts and settings in, findings out. A remedy is SQL for an administrator of the source
//          database that can be run as it stands, or it says what else to do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/finding.h"
#include "sqlserver/checks/facts.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver::checks {

// What is checked. `selection` is nothing at a run's start.
struct Subject {
  const Catalog& catalog;
  const Facts& facts;
  const Settings& settings;
  const Selection* selection = nullptr;

  const std::string& database() const { return catalog.database.name; }
  // The tables that are fit, as the catalog has them.
  std::vector<const CatalogTable*> tables() const;
};

class Report {
 public:
  explicit Report(const std::string& database) : database_(database) {}
  void ok(std::string name, std::string reason) {
    add(FindingLevel::ok, std::move(name), database_, std::move(reason), {});
  }
  // About the database.
  void add(FindingLevel level, std::string name, std::string reason, std::string remedy) {
    add(level, std::move(name), database_, std::move(reason), std::move(remedy));
  }
  void add(FindingLevel level, std::string name, std::string subject, std::string reason,
           std::string remedy) {
    findings_.push_back({level, std::move(name), std::move(subject), std::move(reason), std::move(remedy)});
  }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::string database_;
  std::vector<Finding> findings_;
};

// When a check is made: also at each start of a run, or by `tailrace check` alone.
enum class When : std::uint8_t { start, check };

struct Check {
  When when;
  void (*run)(const Subject& subject, Report& report);
};

std::span<const Check> table_of_checks();

// A run's start without a selection, else all of them.
std::vector<Finding> run_checks(const Subject& subject);

// server.cpp
void check_version(const Subject& subject, Report& report);
void check_edition(const Subject& subject, Report& report);
void check_cdc(const Subject& subject, Report& report);
// rights.cpp
void check_cdc_rights(const Subject& subject, Report& report);
void check_state_right(const Subject& subject, Report& report);
void check_gating_roles(const Subject& subject, Report& report);
// capture.cpp
void check_agent(const Subject& subject, Report& report);
void check_capture_job(const Subject& subject, Report& report);
void check_capture_progress(const Subject& subject, Report& report);
void check_throughput(const Subject& subject, Report& report);
void check_retention(const Subject& subject, Report& report);
// instances.cpp
void check_instances(const Subject& subject, Report& report);
void check_ddl_history(const Subject& subject, Report& report);
void check_partition_switch(const Subject& subject, Report& report);
// storage.cpp
void check_isolation(const Subject& subject, Report& report);
void check_tempdb(const Subject& subject, Report& report);
void check_estimate(const Subject& subject, Report& report);
// values.cpp
void check_text_limit(const Subject& subject, Report& report);
void check_legacy_types(const Subject& subject, Report& report);
void check_key_collations(const Subject& subject, Report& report);
void check_foreign_keys(const Subject& subject, Report& report);

// What loading the selected tables takes, by `source.expected_rate`.
struct Estimate {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::int64_t seconds = 0;
};
Estimate estimate_of(const Subject& subject);

}  // namespace tailrace::sqlserver::checks
