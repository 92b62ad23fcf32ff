// One session's work in one database: its connection, its transaction, its place in the log.
//
// Shape    READ COMMITTED: each SQLite statement reads its own snapshot (as READ_COMMITTED_SNAPSHOT does); from the
//          first write on the transaction is the database's only writer, until it ends. SNAPSHOT: one read
//          transaction from the first access on. REPEATABLE READ, SERIALIZABLE: the writer's lock from the first
//          access on. READ UNCOMMITTED reads as READ COMMITTED. T-SQL's nesting (@@TRANCOUNT) is the engine's;
//          autocommit is begin(), work, commit().
// Errors   1205 deadlock, 1222 lock timeout, 3952 snapshot isolation not allowed, 3960 update conflict.
// Threads  Belongs to one thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "sim/storage/collation.h"
#include "sim/storage/connection.h"
#include "sim/storage/log.h"
#include "sim/storage/sql_error.h"
#include "sim/storage/write_gate.h"

namespace tailrace::sim {

enum class Isolation : std::uint8_t {
  read_uncommitted,
  read_committed,
  repeatable_read,
  serializable,
  snapshot
};

// The number of the SqlError of a wait that `stop` ended: no error of SQL Server, the statement just ends.
inline constexpr std::int32_t cancelled = 0;

// What a file's works share.
struct DatabaseFile {
  std::string path;
  std::string name;
  std::string collation{default_collation};
  CollationKind names = CollationKind::ignore_case;  // Of `collation`: how names in the database compare.
  WriteGate gate;
  bool durable = false;
  std::atomic<bool> allow_snapshot{false};
  std::function<void(const LogNews&)> committed;  // After a commit that the jobs of CDC must see; any thread.
};

class Work {
 public:
  // `file` must outlive this.
  explicit Work(DatabaseFile& file);
  virtual ~Work();  // Rolls back.
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  Connection& connection() { return connection_; }
  LogWriter& log() { return log_; }
  DatabaseFile& file() { return file_; }
  // Whether system views show an object; empty: they show all. Set by sim/catalog/security.
  std::function<bool(std::int32_t object_id)> visible;

  // 3952, unless the database allows SNAPSHOT isolation.
  [[nodiscard]] Outcome snapshot_allowed() const;
  // Before a statement that reads. Outside of a transaction this does nothing.
  [[nodiscard]] Outcome before_read(std::optional<std::chrono::milliseconds> lock_timeout,
                                    std::stop_token stop);
  // Before a statement that writes (also DDL): afterwards this is the only writer, until commit() or rollback().
  [[nodiscard]] Outcome before_write(std::optional<std::chrono::milliseconds> lock_timeout,
                                     std::stop_token stop);

  // A transaction begins: nothing is locked or read yet. Autocommit statements may leave it out.
  void begin(Isolation isolation);
  void commit();
  void rollback();
  bool writing() const { return writing_; }
  // The session that this works for, with all its databases: its waits may close a ring (1205, with its number). A Work
  // alone is its own.
  void belongs_to(GateOwner& owner, std::int32_t process_id);

  // Savepoints of T-SQL (names as given) and of the engine's own statements that take several steps. A
  // savepoint of a transaction that did not write yet is remembered and made with the first write.
  void savepoint(std::string_view name);
  // False: there is no such savepoint (6401).
  [[nodiscard]] bool rollback_to(std::string_view name);
  void release(std::string_view name);

 private:
  void end();
  DatabaseFile& file_;
  Connection connection_;
  LogWriter log_;
  GateOwner own_;
  GateOwner* owner_ = &own_;
  std::int32_t process_id_ = 0;
  std::int64_t begin_time_ = 0;
  bool in_transaction_ = false;
  bool writing_ = false;
  Isolation isolation_ = Isolation::read_committed;
  std::vector<std::string> savepoints_;
};

}  // namespace tailrace::sim
