// Rights: read-only at the source; the tables and a schema of its own in the target.
#include "app/grants.h"

#include <fmt/format.h>

#include <set>

namespace tailrace::app {
namespace {

std::string bracketed(const std::string& name) {
  std::string out = "[";
  for (const char c : name) {
    out += c;
    if (c == ']') out += c;
  }
  return out + "]";
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c;
    if (c == '"') out += c;
  }
  return out + "\"";
}

}  // namespace

std::string source_grants(const std::string& database, const std::string& user,
                          const std::vector<SchemaPtr>& tables) {
  const std::string login = bracketed(user);
  std::string out =
      fmt::format("-- SQL Server: rights of {} in {}. Nothing there is ever written.\nUSE {};\n", user,
                  database, bracketed(database));
  out += fmt::format("GRANT SELECT ON SCHEMA::cdc TO {};\n", login);
  for (const SchemaPtr& table : tables) {
    out += fmt::format("GRANT SELECT ON {}.{} TO {};\n", bracketed(table->name.schema),
                       bracketed(table->name.name), login);
  }
  out += fmt::format(
      "-- To see the capture job's scans; on SQL Server 2022 and later VIEW DATABASE PERFORMANCE STATE is "
      "enough.\nGRANT VIEW DATABASE STATE TO {};\n",
      login);
  return out;
}

std::string database_of_url(const std::string& url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) {
    const std::size_t slash = url.find('/', scheme + 3);
    if (slash == std::string::npos) return {};
    return url.substr(slash + 1, url.find('?', slash) - slash - 1);
  }
  const std::size_t at = url.find("dbname=");
  if (at == std::string::npos) return {};
  return url.substr(at + 7, url.find(' ', at) - at - 7);
}

std::string target_grants(const std::string& url, const std::string& user,
                          const std::map<std::string, std::string>& schemas,
                          const std::vector<SchemaPtr>& tables) {
  std::set<std::string> targets;
  for (const SchemaPtr& table : tables) {
    const auto mapped = schemas.find(table->name.schema);
    targets.insert(mapped == schemas.end() ? table->name.schema : mapped->second);
  }
  const std::string role = quoted(user.empty() ? "tailrace" : user);
  const std::string database = database_of_url(url);
  std::string out = fmt::format("-- PostgreSQL: rights of {}.\n", role);
  out += fmt::format("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {};\n",
                     quoted(database.empty() ? "postgres" : database), role);
  for (const std::string& schema : targets) {
    if (schema != "public") out += fmt::format("CREATE SCHEMA IF NOT EXISTS {};\n", quoted(schema));
    out += fmt::format("GRANT USAGE, CREATE ON SCHEMA {} TO {};\n", quoted(schema), role);
  }
  return out;
}

}  // namespace tailrace::app
