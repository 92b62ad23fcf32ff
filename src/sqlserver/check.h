// Whether a SQL Server database is fit to be replicated: each finding with the SQL that mends it.
//
// Shape    check() never throws for what it is asked about: an unreachable server is a finding as well.
#pragma once

#include <stop_token>
#include <vector>

#include "model/finding.h"
#include "model/table_schema.h"
#include "sqlserver/catalog.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class Connection;

struct Look {
  std::vector<Finding> findings;
  std::vector<SchemaPtr> tables;  // Those that are fit, in name order.
};

// Everything that can be looked at with these settings.
Look check(const Settings& settings, std::stop_token stop);

// Findings about server, database and rights; tables are select_tables()' part.
std::vector<Finding> check_database(Connection& connection, const Catalog& catalog);

}  // namespace tailrace::sqlserver
