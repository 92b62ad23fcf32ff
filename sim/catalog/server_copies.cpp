// Copies of a database as it is committed, and the way back to one: what tests order as backup and restore.
#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "base/error.h"
#include "sim/catalog/server.h"
#include "sim/catalog/virtual_table.h"

namespace tailrace::sim {

std::string Server::copy_path(const Database& database, std::string_view name) const {
  std::string path = fmt::format("{}/db{}_", directory_, database.id);
  for (const char c : name)
    path += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return path + ".copy";
}

void Server::backup(Database& database, std::string_view name) {
  const std::string path = copy_path(database, name);
  std::filesystem::remove(path);
  Connection connection(database.path, database.durable);
  connection.prepare("VACUUM INTO ?").bind(1, path).run();
}

bool Server::restore(Database& database, std::string_view name) {
  const std::string path = copy_path(database, name);
  if (!std::filesystem::exists(path)) return false;
  GateOwner owner;
  TAILRACE_ASSERT(database.gate.enter(owner, {}, {}) == GateAnswer::entered);
  {
    Connection source(path, false);
    Connection target(database.path, database.durable);
    sqlite3_backup* copy = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
    const int code = copy == nullptr ? SQLITE_ERROR : sqlite3_backup_step(copy, -1);
    sqlite3_backup_finish(copy);
    TAILRACE_ASSERT(code == SQLITE_DONE);
    Catalog::changed(target);
  }
  database.gate.leave();
  change_identity(database, false);
  return true;
}

}  // namespace tailrace::sim
