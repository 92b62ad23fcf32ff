// What the login may read.
#include <fmt/format.h>

#include <set>

#include "sqlserver/checks/checks.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {

void check_cdc_rights(const Subject& subject, Report& report) {
  if (!subject.catalog.database.cdc_enabled) return;
  if (subject.catalog.database.may_read_cdc)
    return report.ok("source.rights", "the login may read schema cdc");
  report.add(FindingLevel::failure, "source.rights", "the login may not read the change tables in schema cdc",
             fmt::format("GRANT SELECT ON SCHEMA::cdc TO {};", quote(subject.facts.user)));
}

void check_state_right(const Subject& subject, Report& report) {
  if (!subject.catalog.database.cdc_enabled) return;
  if (subject.facts.may_see_state) return report.ok("source.database_state", "log scans can be seen");
  report.add(FindingLevel::unknown, "source.database_state",
             "log scans are not to be seen: the end of a snapshot's catch-up is found by later transactions "
             "alone, which takes minutes on an idle database",
             fmt::format("GRANT VIEW DATABASE STATE TO {0};   -- 2022 and later: VIEW DATABASE PERFORMANCE "
                         "STATE is enough",
                         quote(subject.facts.user)));
}

void check_gating_roles(const Subject& subject, Report& report) {
  std::set<std::string> roles;
  for (const CatalogTable& table : subject.catalog.tables) {
    for (const CatalogInstance& instance : table.instances) {
      if (!instance.role.empty()) roles.insert(instance.role);
    }
  }
  for (const std::string& role : roles) {
    if (subject.facts.is_owner || subject.facts.roles.contains(role)) {
      report.ok("source.gating_role", fmt::format("the login is a member of {}", role));
      continue;
    }
    report.add(FindingLevel::warning, "source.gating_role",
               fmt::format("the login is not a member of the gating role {}", role),
               fmt::format("ALTER ROLE {} ADD MEMBER {};", quote(role), quote(subject.facts.user)));
  }
}

}  // namespace tailrace::sqlserver::checks
