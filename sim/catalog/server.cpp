// The server's databases and options, kept in master's file and in memory.
#include "sim/catalog/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "sim/catalog/server_views_internal.h"
#include "sim/catalog/virtual_table.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

constexpr std::int32_t master_id = 1;
constexpr std::int32_t msdb_id = 4;

std::string random_guid() {
  std::random_device device;
  std::string guid(16, '\0');
  for (char& byte : guid)
    byte = static_cast<char>(device() & 0xFF);
  guid[7] = static_cast<char>((guid[7] & 0x0F) | 0x40);
  return guid;
}

}  // namespace

Server::Server(const ServerSettings& settings) : virtual_tables_(std::make_unique<VirtualTables>()) {
  start_time_ = local_datetime_now();
  temporary_ = settings.data_directory.empty();
  if (temporary_) {
    std::string name = (std::filesystem::temp_directory_path() / "sqlserver-sim-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorKind::unavailable, "a temporary directory cannot be made").with("path", name);
    }
    directory_ = name;
  } else {
    directory_ = settings.data_directory;
    std::filesystem::create_directories(directory_);
  }
  add_server_views(*this, *virtual_tables_);
  add_tempdb_views(*this, *virtual_tables_);
  load();
  LoginDef sa = find_login("sa").value_or(LoginDef{});
  sa.name = "sa";
  sa.password = settings.sa_password;
  sa.sysadmin = true;
  sa.principal_id = 1;
  const std::scoped_lock lock(mutex_);
  save_login(sa);
}

Server::~Server() {
  master_.reset();
  databases_.clear();
  if (temporary_) {
    std::error_code ignored;  // A directory that stays behind in /tmp is no reason to fail at the end.
    std::filesystem::remove_all(directory_, ignored);
  }
}

std::string Server::path_of(std::int32_t id) const {
  return fmt::format("{}/db{}.sqlite", directory_, id);
}

void Server::load() {
  const bool fresh = !std::filesystem::exists(path_of(master_id));
  {
    Connection connection(path_of(master_id), !temporary_);
    if (fresh) {
      connection.execute("BEGIN IMMEDIATE");
      Catalog::create(connection, default_collation);
      connection.execute(
          "CREATE TABLE srv_databases(id INTEGER PRIMARY KEY, name, create_date, collation, allow_snapshot,"
          "  read_committed_snapshot, recovery_fork, family, broker);"
          "CREATE TABLE srv_logins(principal_id INTEGER PRIMARY KEY, name, password, default_database, "
          "sysadmin,"
          "  disabled, view_server_state, create_date);"
          "CREATE TABLE srv_options(name PRIMARY KEY, value); COMMIT");
    }
  }
  if (fresh) {
    add(master_id, "master", default_collation, false);
    add(msdb_id, "msdb", default_collation, true);
  } else {
    Connection connection(path_of(master_id), !temporary_);
    Statement rows = connection.prepare("SELECT * FROM srv_databases ORDER BY id");
    while (rows.next()) {
      auto database = std::make_shared<Database>();
      database->id = static_cast<std::int32_t>(rows.number(0));
      database->name = rows.text(1);
      database->path = path_of(database->id);
      database->durable = !temporary_;
      database->create_date = rows.number(2);
      database->collation = rows.text(3);
      TAILRACE_ASSERT(find_collation(database->collation, database->names));
      database->allow_snapshot = rows.number(4) != 0;
      database->read_committed_snapshot = rows.number(5) != 0;
      database->recovery_fork_guid = rows.blob(6);
      database->family_guid = rows.blob(7);
      database->service_broker_guid = rows.blob(8);
      Connection own(database->path, !temporary_);
      database->cdc_enabled = own.single_number("SELECT cdc_enabled FROM cat_state") != 0;
      databases_.push_back(std::move(database));
    }
    Statement logins = connection.prepare("SELECT * FROM srv_logins ORDER BY principal_id");
    while (logins.next()) {
      logins_.push_back({std::string(logins.text(1)), std::string(logins.text(2)),
                         std::string(logins.text(3)), logins.number(4) != 0, logins.number(5) != 0,
                         logins.number(6) != 0, static_cast<std::int32_t>(logins.number(0)),
                         logins.number(7)});
    }
    Statement option =
        connection.prepare("SELECT value FROM srv_options WHERE name = 'max text repl size (B)'");
    if (option.next()) max_text_repl_size_ = option.number(0);
  }
  master_ = open(databases_.front(), false);
  if (fresh) {
    for (const DatabasePtr& database : databases_)
      save(*database);
  }
}

DatabasePtr Server::add(std::int32_t id, std::string_view name, std::string_view collation, bool create) {
  auto database = std::make_shared<Database>();
  database->id = id;
  database->name = name;
  database->path = path_of(id);
  database->durable = !temporary_;
  database->collation = collation;
  TAILRACE_ASSERT(find_collation(collation, database->names));
  database->create_date = local_datetime_now();
  // New databases of master and msdb have it on, user databases off.
  database->allow_snapshot = id <= msdb_id;
  database->recovery_fork_guid = random_guid();
  database->family_guid = random_guid();
  database->service_broker_guid = random_guid();
  if (create) {
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(database->path + suffix);
    Connection connection(database->path, !temporary_);
    connection.execute("BEGIN IMMEDIATE");
    Catalog::create(connection, collation);
    connection.execute("COMMIT");
  }
  databases_.push_back(database);
  return database;
}

void Server::save(const Database& database) {
  Statement row =
      master_->connection().prepare("INSERT OR REPLACE INTO srv_databases VALUES(?,?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{database.id}).bind(2, database.name).bind(3, database.create_date);
  row.bind(4, database.collation).bind(5, std::int64_t{database.allow_snapshot});
  row.bind(6, std::int64_t{database.read_committed_snapshot}).bind_blob(7, database.recovery_fork_guid);
  row.bind_blob(8, database.family_guid).bind_blob(9, database.service_broker_guid).run();
}

DatabasePtr Server::find(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  for (const DatabasePtr& database : databases_) {
    if (same_name(database->name, name)) return database;
  }
  return nullptr;
}

DatabasePtr Server::find(std::int32_t id) {
  const std::scoped_lock lock(mutex_);
  for (const DatabasePtr& database : databases_) {
    if (database->id == id) return database;
  }
  return nullptr;
}

std::vector<DatabasePtr> Server::databases() {
  const std::scoped_lock lock(mutex_);
  return databases_;
}

Outcome Server::create_database(std::string_view name, std::string_view collation) {
  CollationKind kind{};
  const std::string_view wanted = collation.empty() ? default_collation : collation;
  if (!find_collation(wanted, kind))
    return SqlError{448, fmt::format("Invalid collation '{}'.", wanted), 16, 3};
  const std::scoped_lock lock(mutex_);
  std::int32_t id = msdb_id;
  for (const DatabasePtr& database : databases_) {
    id = std::max(id, database->id);
    if (same_name(database->name, name)) {
      return SqlError{
          1801, fmt::format("Database '{}' already exists. Choose a different database name.", name), 16, 3};
    }
  }
  const DatabasePtr database = add(id + 1, name, wanted, true);
  save(*database);
  if (on_database_created) on_database_created(*database);
  return {};
}

Outcome Server::drop_database(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find_if(databases_.begin(), databases_.end(), [&](const DatabasePtr& database) {
    return same_name(database->name, name);
  });
  if (found == databases_.end()) {
    return SqlError{3701,
                    fmt::format("Cannot drop the database '{}', because it does not exist or you do not have "
                                "permission.",
                                name),
                    11, 1};
  }
  const DatabasePtr database = *found;
  if (database->id <= msdb_id) {
    return SqlError{3708, fmt::format("Cannot drop the database '{}' because it is a system database.", name),
                    16, 1};
  }
  if (database->sessions > 0) {
    return SqlError{3702, fmt::format("Cannot drop database \"{}\" because it is currently in use.", name),
                    16, 3};
  }
  if (on_database_dropped) on_database_dropped(*database);  // Its jobs let go of it.
  database->dropped = true;
  databases_.erase(found);
  master_->connection()
      .prepare("DELETE FROM srv_databases WHERE id = ?")
      .bind(1, std::int64_t{database->id})
      .run();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(database->path + suffix);
  return {};
}

void Server::set_allow_snapshot(Database& database, bool on) {
  const std::scoped_lock lock(mutex_);
  database.allow_snapshot = on;
  save(database);
}

void Server::set_read_committed_snapshot(Database& database, bool on) {
  const std::scoped_lock lock(mutex_);
  database.read_committed_snapshot = on;
  save(database);
}

void Server::change_identity(Database& database, bool new_database) {
  const std::scoped_lock lock(mutex_);
  database.recovery_fork_guid = random_guid();
  if (new_database) {
    database.family_guid = random_guid();
    database.service_broker_guid = random_guid();
    database.create_date = local_datetime_now();
  }
  save(database);
}

void Server::set_max_text_repl_size(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  max_text_repl_size_ = bytes;
  master_->connection()
      .prepare("INSERT OR REPLACE INTO srv_options VALUES('max text repl size (B)', ?)")
      .bind(1, bytes)
      .run();
}

}  // namespace tailrace::sim
