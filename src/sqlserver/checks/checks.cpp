// Which checks there are, in the order in which they are shown.
#include "sqlserver/checks/checks.h"

#include <algorithm>
#include <array>

#include "sqlserver/selection.h"

namespace tailrace::sqlserver::checks {

std::vector<const CatalogTable*> Subject::tables() const {
  std::vector<const CatalogTable*> out;
  if (selection == nullptr) return out;
  // Both are in the order of names.
  auto chosen = selection->tables.begin();
  for (const CatalogTable& table : catalog.tables) {
    if (chosen == selection->tables.end()) break;
    if (table.name != chosen->schema->name) continue;
    out.push_back(&table);
    ++chosen;
  }
  return out;
}

std::span<const Check> table_of_checks() {
  static constexpr std::array all{Check{When::start, check_version},
                                  Check{When::start, check_edition},
                                  Check{When::start, check_cdc},
                                  Check{When::start, check_cdc_rights},
                                  Check{When::start, check_state_right},
                                  Check{When::start, check_gating_roles},
                                  Check{When::start, check_agent},
                                  Check{When::check, check_capture_job},
                                  Check{When::check, check_capture_progress},
                                  Check{When::check, check_throughput},
                                  Check{When::check, check_retention},
                                  Check{When::check, check_instances},
                                  Check{When::check, check_ddl_history},
                                  Check{When::check, check_partition_switch},
                                  Check{When::start, check_isolation},
                                  Check{When::check, check_tempdb},
                                  Check{When::check, check_text_limit},
                                  Check{When::check, check_legacy_types},
                                  Check{When::check, check_key_collations},
                                  Check{When::check, check_foreign_keys},
                                  Check{When::check, check_estimate}};
  return all;
}

std::vector<Finding> run_checks(const Subject& subject) {
  Report report(subject.database());
  for (const Check& check : table_of_checks()) {
    if (subject.selection == nullptr && check.when != When::start) continue;
    check.run(subject, report);
  }
  return report.take();
}

}  // namespace tailrace::sqlserver::checks
