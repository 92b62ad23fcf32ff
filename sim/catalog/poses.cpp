// What the server says of itself although it is something else: editions, partitions, temporal tables, a tempdb. Readers
// ask for these before they read, and must refuse or warn; nothing else here behaves differently.
#include <algorithm>
#include <cctype>

#include "sim/catalog/server.h"
#include "sim/catalog/server_views_internal.h"
#include "sim/catalog/virtual_table.h"
#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

constexpr std::int64_t tempdb_used_pages = 1'024;

Value pages(std::int64_t count) {
  return int_value(count, Type::bigint);
}

VirtualRow tempdb_space(const Server& server) {
  VirtualRow row{int_value(2, Type::smallint), int_value(1, Type::smallint),
                 int_value(1, Type::smallint), pages(server.tempdb_free_pages + tempdb_used_pages),
                 pages(tempdb_used_pages),     pages(server.tempdb_free_pages)};
  row.insert(row.end(), 5, pages(0));
  return row;
}

VirtualRow tempdb_file(const Server& server) {
  const Value no = int_value(0, Type::bit);
  VirtualRow row{int_value(1),
                 null_value(),
                 int_value(0, Type::tinyint),
                 text_value("ROWS"),
                 int_value(1),
                 text_value("tempdev"),
                 text_value("tempdb.mdf"),
                 int_value(0, Type::tinyint),
                 text_value("ONLINE"),
                 int_value(server.tempdb_free_pages + tempdb_used_pages),
                 int_value(server.tempdb_max_pages),
                 int_value(8'192)};
  row.insert(row.end(), 6, no);
  row.insert(row.end(), 12, null_value());
  return row;
}

std::optional<std::int64_t> table_id(Connection& connection, std::string_view table) {
  Statement row = connection.prepare("SELECT object_id FROM cat_objects WHERE name = ? AND type = 'U'");
  if (!row.bind(1, table).next()) return std::nullopt;
  return row.number(0);
}

}  // namespace

void Server::pose_property(std::string_view name, std::string_view value) {
  const std::scoped_lock lock(mutex_);
  std::string key(name);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (value.empty())
    posed_properties_.erase(key);
  else
    posed_properties_[key] = value;
}

std::optional<std::string> Server::posed_property(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = posed_properties_.find(name);
  if (found == posed_properties_.end()) return std::nullopt;
  return found->second;
}

bool Server::pose_partitions(const Database& database, std::string_view table, std::int64_t partitions) {
  Connection connection(database.path, database.durable);
  const std::optional<std::int64_t> id = table_id(connection, table);
  if (!id) return false;
  connection.prepare("DELETE FROM cat_partitions WHERE object_id = ?").bind(1, *id).run();
  for (std::int64_t number = 2; number <= partitions; ++number)
    connection.prepare("INSERT INTO cat_partitions VALUES(?, ?)").bind(1, *id).bind(2, number).run();
  return true;
}

bool Server::pose_temporal(const Database& database, std::string_view table, std::int64_t temporal_type) {
  Connection connection(database.path, database.durable);
  const std::optional<std::int64_t> id = table_id(connection, table);
  if (!id) return false;
  connection.prepare("UPDATE cat_tables SET temporal_type = ?2 WHERE object_id = ?1")
      .bind(1, *id)
      .bind(2, temporal_type)
      .run();
  return true;
}

void add_tempdb_views(Server& server, VirtualTables& tables) {
  tables.add("tempdb_dm_db_file_space_usage",
             [&server](const DatabaseFile&) { return std::vector<VirtualRow>{tempdb_space(server)}; });
  tables.add("tempdb_database_files",
             [&server](const DatabaseFile&) { return std::vector<VirtualRow>{tempdb_file(server)}; });
}

bool Server::call_clr(const Database& database, std::string_view table, std::string_view column) {
  Connection connection(database.path, database.durable);
  connection.execute("INSERT OR IGNORE INTO cat_types VALUES(257, 'Point', 240, -1, 0, 0, NULL)");
  connection
      .prepare(
          "UPDATE cat_columns SET type_name = 'Point', system_type_id = 240, user_type_id = 257 WHERE name = "
          "?1 AND object_id IN "
          "(SELECT object_id FROM cat_objects WHERE name = ?2)")
      .bind(1, column)
      .bind(2, table)
      .run();
  return connection.changes() == 1;
}

}  // namespace tailrace::sim
