// The rights that both logins need, as SQL for an administrator.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/table_schema.h"

namespace tailrace::app {

// T-SQL, to be run in the database by its owner.
std::string source_grants(const std::string& database, const std::string& user,
                          const std::vector<SchemaPtr>& tables);

// For PostgreSQL, to be run in the database by its owner. `schemas` maps source schemas to target schemas.
std::string target_grants(const std::string& url, const std::string& user,
                          const std::map<std::string, std::string>& schemas,
                          const std::vector<SchemaPtr>& tables);

// The database that a libpq URI or keyword string names; empty where it names none.
std::string database_of_url(const std::string& url);

}  // namespace tailrace::app
