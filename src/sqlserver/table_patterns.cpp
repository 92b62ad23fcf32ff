// Patterns of tables: what they match, and those that match nothing.
#include "sqlserver/table_patterns.h"

#include <fmt/format.h>

#include <string_view>

#include "sqlserver/pattern.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

bool matches_any(const std::vector<std::string>& patterns, const TableName& name, bool case_sensitive,
                 std::vector<bool>& used) {
  bool any = false;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!glob_matches(patterns[i], name.str(), case_sensitive)) continue;
    used[i] = true;
    any = true;
  }
  return any;
}

// A table that the login may not see does not exist for it.
std::string grant_for(const std::string& pattern, const Catalog& catalog) {
  const std::size_t dot = pattern.find('.');
  const std::string schema = pattern.substr(0, dot);
  const std::string name = dot == std::string::npos ? "" : pattern.substr(dot + 1);
  if (schema.find_first_of("*?") != std::string::npos)
    return "correct the pattern (schema.table, * and ? allowed)";
  const bool is_one = !name.empty() && name.find_first_of("*?") == std::string::npos;
  return fmt::format("GRANT SELECT ON {} TO {};   -- or correct the pattern: schema.table, * and ? allowed",
                     is_one ? quote(schema) + "." + quote(name) : "SCHEMA::" + quote(schema),
                     quote(catalog.database.user));
}

void report(const std::vector<std::string>& patterns, const std::vector<bool>& used, std::string_view setting,
            const Catalog& catalog, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (used[i]) continue;
    findings.push_back(
        {FindingLevel::failure, fmt::format("source.{}", setting), patterns[i],
         fmt::format("tables.{}: {} matches no table of the database; tables that the login may not see do "
                     "not exist for it",
                     setting, patterns[i]),
         setting == "include" ? grant_for(patterns[i], catalog)
                              : "correct the pattern (schema.table, * and ? allowed)"});
  }
}

}  // namespace

TablePatterns::TablePatterns(const Settings& settings, bool case_sensitive)
    : settings_(settings),
      case_sensitive_(case_sensitive),
      included_(settings.include.size()),
      excluded_(settings.exclude.size()) {}

bool TablePatterns::mean(const TableName& table, bool without_include) {
  const bool is_included = settings_.include.empty()
                               ? without_include
                               : matches_any(settings_.include, table, case_sensitive_, included_);
  // Looked at in any case: it counts as used.
  const bool is_excluded = matches_any(settings_.exclude, table, case_sensitive_, excluded_);
  return is_included && !is_excluded;
}

void TablePatterns::report_unused(const Catalog& catalog, std::vector<Finding>& findings) const {
  report(settings_.include, included_, "include", catalog, findings);
  report(settings_.exclude, excluded_, "exclude", catalog, findings);
}

}  // namespace tailrace::sqlserver
