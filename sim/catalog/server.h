// The server: its databases, its logins, what is the same for all sessions.
//
// Shape    One directory; db<id>.sqlite for each database, master (1) and msdb (4) among them. Server-wide facts
//          (databases, logins, options) stand in master's file and are kept in memory; views over them
//          (sys.databases) are answered on every connection.
// Errors   CREATE DATABASE 1801, DROP DATABASE 3701, 3702; logins 15025, 15151; 911 for an unknown database.
// Threads  Everything may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/catalog/security.h"
#include "sim/storage/work.h"

namespace tailrace::sim {

// One database. Lives as long as somebody has it; dropped ones refuse new work.
struct Database : DatabaseFile {
  std::int32_t id = 0;
  std::int64_t create_date = 0;  // datetime
  std::atomic<bool> read_committed_snapshot{false};
  std::atomic<bool> cdc_enabled{false};
  std::atomic<bool> dropped{false};
  std::atomic<std::int32_t> sessions{0};
  // Identity of the database's lineage: 16 bytes in wire order. Guarded by the Server.
  std::string recovery_fork_guid;
  std::string family_guid;
  std::string service_broker_guid;
};

using DatabasePtr = std::shared_ptr<Database>;

struct LoginDef {
  std::string name;
  std::string password;
  std::string default_database = "master";
  bool sysadmin = false;
  bool disabled = false;
  bool view_server_state = false;
  std::int32_t principal_id = 0;
  std::int64_t create_date = 0;
};

struct ServerSettings {
  std::string data_directory;  // Empty: a private temporary directory, removed at the end.
  std::string sa_password;
};

// A registered source of rows for a virtual view (dm_cdc_log_scan_sessions ...): see
// sim/catalog/virtual_table.h.
class VirtualTables;

class Server {
 public:
  explicit Server(const ServerSettings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  DatabasePtr find(std::string_view name);  // By name without regard to case; nullptr: none.
  DatabasePtr find(std::int32_t id);
  std::vector<DatabasePtr> databases();
  [[nodiscard]] Outcome create_database(std::string_view name, std::string_view collation);
  [[nodiscard]] Outcome drop_database(std::string_view name);
  // ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION, READ_COMMITTED_SNAPSHOT.
  void set_allow_snapshot(Database& database, bool on);
  void set_read_committed_snapshot(Database& database, bool on);
  // Another lineage, as after a restore: a new recovery fork (and, if `new_database`, a new create_date and guids).
  void change_identity(Database& database, bool new_database);
  // The catalog says of a column that it is of a CLR type of one's own; its values stay. False: no such column.
  [[nodiscard]] bool call_clr(const Database& database, std::string_view table, std::string_view column);

  // What the server says of itself although it is something else (poses.cpp): a server property under its name in upper
  // case; an empty value: the truth again.
  void pose_property(std::string_view name, std::string_view value);
  std::optional<std::string> posed_property(std::string_view name);
  // The catalog says that a table has so many partitions, or that it is of this temporal type (0 none, 1 history, 2
  // current). False: no such table.
  [[nodiscard]] bool pose_partitions(const Database& database, std::string_view table,
                                     std::int64_t partitions);
  [[nodiscard]] bool pose_temporal(const Database& database, std::string_view table,
                                   std::int64_t temporal_type);
  // The size of tempdb's one file, in pages of 8 KiB: free ones, and how far it may grow (-1: no limit).
  std::atomic<std::int64_t> tempdb_free_pages{1'048'576};
  std::atomic<std::int64_t> tempdb_max_pages{-1};

  // A copy of the database as it is committed now, and the way back to one: as RESTORE to an older point, with a new
  // recovery fork. Sessions stay; what they read next is the restored state. False: no copy of that name.
  void backup(Database& database, std::string_view name);
  [[nodiscard]] bool restore(Database& database, std::string_view name);

  // A connection for a session or a job, with everything registered that the system views need.
  // `session`: it counts as a use of the database (3702); those of jobs do not.
  std::unique_ptr<Work> open(const DatabasePtr& database, bool session = true);

  // The login if name and password are right and it is not disabled.
  std::optional<LoginDef> check_login(std::string_view name, std::string_view password);
  std::optional<LoginDef> find_login(std::string_view name);
  std::vector<LoginDef> logins();
  [[nodiscard]] Outcome create_login(const LoginDef& login);
  [[nodiscard]] Outcome alter_login(const LoginDef& login);
  [[nodiscard]] Outcome drop_login(std::string_view name);

  // Options of sp_configure: 'max text repl size (B)'.
  std::int64_t max_text_repl_size() const { return max_text_repl_size_; }
  void set_max_text_repl_size(std::int64_t bytes);

  std::int64_t start_time() const { return start_time_; }  // local datetime
  // What sys.dm_server_services shows of SQL Server Agent; the CDC jobs obey it.
  std::atomic<bool> agent_running{true};

  // Whether change tables that are made have __$command_id: servers before KB3030352 do not.
  std::atomic<bool> command_ids{true};

  // What new jobs of CDC get; set at start.
  std::atomic<std::int64_t> default_capture_interval_ms{100};
  std::atomic<std::int64_t> default_retention_minutes{4320};

  // Set once, by the jobs of CDC; called under the server's lock.
  std::function<void(Database&)> on_database_created;
  std::function<void(Database&)> on_database_dropped;

  VirtualTables& virtual_tables() { return *virtual_tables_; }
  const std::string& directory() const { return directory_; }

 private:
  void load();
  std::string path_of(std::int32_t id) const;
  std::string copy_path(const Database& database, std::string_view name) const;
  DatabasePtr add(std::int32_t id, std::string_view name, std::string_view collation, bool create);
  void save(const Database& database);
  void save_login(const LoginDef& login);

  std::string directory_;
  bool temporary_ = false;
  std::mutex mutex_;
  std::vector<DatabasePtr> databases_;
  std::vector<LoginDef> logins_;
  std::map<std::string, std::string, std::less<>> posed_properties_;
  std::unique_ptr<VirtualTables> virtual_tables_;
  std::unique_ptr<Work> master_;
  std::atomic<std::int64_t> max_text_repl_size_{65536};
  std::int64_t start_time_ = 0;
};

}  // namespace tailrace::sim
