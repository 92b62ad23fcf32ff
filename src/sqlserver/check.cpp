// A look at a source: its catalog, its tables, and the table of checks.
#include "sqlserver/check.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sqlserver/checks/checks.h"
#include "sqlserver/connection.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

Finding finding_of(const Error& error, const Settings& settings) {
  const bool is_login = error.kind() == ErrorKind::auth || error.kind() == ErrorKind::config;
  return {FindingLevel::failure, is_login ? "source.login" : "source.reachable",
          fmt::format("{}:{}/{}", settings.host, settings.port, settings.database), error.message(),
          std::string(error.context("remedy"))};
}

void add(Look& look, std::vector<Finding> findings) {
  std::move(findings.begin(), findings.end(), std::back_inserter(look.findings));
}

// Whether the server understands it; no row is read.
void try_filter(Connection& connection, const TableSchema& table, std::vector<Finding>& findings) {
  if (table.snapshot_filter.empty()) return;
  try {
    // Without bounds, whose collation would be asked for.
    Statement rows(connection, "try the snapshot filter of " + table.name.str(),
                   read_range(table, "TOP (0) 1", {}, ""));
    while (rows.fetch()) {
    }
    findings.push_back(
        {FindingLevel::ok, "table.snapshot_filter", table.name.str(), "the server takes it", ""});
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::abandoned) throw;
    findings.push_back({FindingLevel::failure, "table.snapshot_filter", table.name.str(),
                        fmt::format("the server does not take it: {}", error.message()),
                        fmt::format("correct tables.settings.{}.snapshot_filter", table.name.str())});
  }
}

}  // namespace

std::vector<Finding> check_database(Connection& connection, const Catalog& catalog) {
  const checks::Facts facts = checks::read_facts(connection, catalog, nullptr);
  return checks::run_checks({catalog, facts, connection.settings()});
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
    Selection selection = select_tables(catalog, settings, {});
    const checks::Facts facts = checks::read_facts(connection, catalog, &selection);
    add(look, checks::run_checks({catalog, facts, settings, &selection}));
    add(look, std::move(selection.findings));
    for (const CapturedTable& table : selection.tables) {
      look.tables.push_back(table.schema);
      try_filter(connection, *table.schema, look.findings);
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
