// Whether a SQL Server database is fit to be replicated: each finding with the SQL that mends it.
//
// Shape    check() never throws for what it is asked about: an unreachable server is a finding as well.
#pragma once

#include <vector>

#include "model/finding.h"
#include "sqlserver/catalog.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class Connection;

// Everything that can be looked at with these settings.
std::vector<Finding> check(const Settings& settings);

// Findings about server, database and rights; tables are select_tables()' part.
std::vector<Finding> check_database(Connection& connection, const Catalog& catalog);

}  // namespace tailrace::sqlserver
