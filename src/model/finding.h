// One answer of `tailrace check`: what was looked at, how it stands, and the SQL that mends it.
#pragma once

#include <string>

namespace tailrace {

enum class FindingLevel { ok, warning, failure, unknown };

struct Finding {
  FindingLevel level = FindingLevel::ok;
  std::string name;     // Stable, for scripts: source.cdc_enabled, table.key, target.shape ...
  std::string subject;  // The database, table or column.
  std::string reason;
  std::string remedy;  // SQL, or what else to do; empty when ok.
};

}  // namespace tailrace
