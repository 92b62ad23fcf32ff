// Transactions of one session in one database, over SQLite's.
#include "sim/storage/work.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

// Names of savepoints are compared with regard to case, SQLite's are not.
std::string stored_savepoint(std::string_view name) {
  std::string out = "s_";
  for (const char c : name)
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Outcome refused(GateAnswer answer, std::int32_t process_id) {
  if (answer == GateAnswer::deadlock)
    return SqlError{
        1205,
        fmt::format(
            "Transaction (Process ID {}) was deadlocked on lock resources with another process and has "
            "been chosen as the deadlock victim. Rerun the transaction.",
            process_id),
        13, 51};
  if (answer == GateAnswer::timed_out)
    return SqlError{1222, "Lock request time out period exceeded.", 16, 51};
  return SqlError{cancelled, "The statement was cancelled.", 0, 0};
}

}  // namespace

Work::Work(DatabaseFile& file) : file_(file), connection_(file.path, file.durable), log_(connection_) {}

Work::~Work() {
  // Undoes only; a broken file must not end the process from here.
  try {
    rollback();
  } catch (const Error&) {
    if (writing_) file_.gate.leave();
  }
}

Outcome Work::before_read(std::optional<std::chrono::milliseconds> lock_timeout, std::stop_token stop) {
  if (!in_transaction_ || connection_.in_transaction()) return {};
  switch (isolation_) {
    case Isolation::read_uncommitted:
    case Isolation::read_committed: return {};
    case Isolation::repeatable_read:
    case Isolation::serializable: return before_write(lock_timeout, std::move(stop));
    case Isolation::snapshot: break;
  }
  if (Outcome error = snapshot_allowed()) return error;
  connection_.execute("BEGIN");
  // The snapshot is taken by the first read.
  connection_.single_number("SELECT next_position FROM log_state");
  for (const std::string& name : savepoints_)
    connection_.execute("SAVEPOINT " + stored_savepoint(name));
  return {};
}

Outcome Work::snapshot_allowed() const {
  if (file_.allow_snapshot.load()) return {};
  return SqlError{
      3952,
      fmt::format("Snapshot isolation transaction failed accessing database '{}' because snapshot "
                  "isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot "
                  "isolation.",
                  file_.name),
      16, 1};
}

Outcome Work::before_write(std::optional<std::chrono::milliseconds> lock_timeout, std::stop_token stop) {
  if (writing_) return {};
  if (in_transaction_ && isolation_ == Isolation::snapshot) {
    if (Outcome error = before_read(lock_timeout, stop)) return error;
  }
  if (const GateAnswer answer = file_.gate.enter(*owner_, lock_timeout, std::move(stop));
      answer != GateAnswer::entered) {
    return refused(answer, process_id_);
  }
  writing_ = true;
  if (connection_.in_transaction()) {
    // A statement that changes nothing still takes SQLite's lock, or says that the snapshot is old.
    const Step step = connection_.prepare("UPDATE log_state SET next_position = 0 WHERE 0").step();
    if (step == Step::busy_snapshot) {
      writing_ = false;
      file_.gate.leave();
      return SqlError{
          3960,
          fmt::format("Snapshot isolation transaction aborted due to update conflict. You cannot use "
                      "snapshot isolation to access table '' directly or indirectly in database '{}' to "
                      "update, delete, or insert the row that has been modified or deleted by another "
                      "transaction. Retry the transaction or change the isolation level for the "
                      "update/delete statement.",
                      file_.name),
          16, 3};
    }
    TAILRACE_ASSERT(step == Step::done);
  } else {
    connection_.execute("BEGIN IMMEDIATE");
    for (const std::string& name : savepoints_)
      connection_.execute("SAVEPOINT " + stored_savepoint(name));
  }
  log_.begin(begin_time_ != 0 ? begin_time_ : local_datetime_now());
  return {};
}

void Work::belongs_to(GateOwner& owner, std::int32_t process_id) {
  TAILRACE_ASSERT(!writing_);
  owner_ = &owner;
  process_id_ = process_id;
}

void Work::begin(Isolation isolation) {
  TAILRACE_ASSERT(!in_transaction_ && !connection_.in_transaction());
  in_transaction_ = true;
  isolation_ = isolation;
  begin_time_ = local_datetime_now();
}

void Work::commit() {
  const LogNews news = writing_ ? log_.commit() : LogNews{};
  if (connection_.in_transaction()) connection_.execute("COMMIT");
  end();
  if ((news.changes || news.jobs) && file_.committed) file_.committed(news);
}

void Work::rollback() {
  log_.rollback();
  if (connection_.in_transaction()) connection_.execute("ROLLBACK");
  end();
}

void Work::end() {
  in_transaction_ = false;
  begin_time_ = 0;
  savepoints_.clear();
  if (writing_) {
    writing_ = false;
    file_.gate.leave();
  }
}

void Work::savepoint(std::string_view name) {
  savepoints_.emplace_back(name);
  if (connection_.in_transaction()) connection_.execute("SAVEPOINT " + stored_savepoint(name));
}

bool Work::rollback_to(std::string_view name) {
  const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), name);
  if (found == savepoints_.rend()) return false;
  savepoints_.erase(found.base(), savepoints_.end());  // Those after it; it stays itself.
  if (connection_.in_transaction()) connection_.execute("ROLLBACK TO " + stored_savepoint(name));
  return true;
}

void Work::release(std::string_view name) {
  const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), name);
  TAILRACE_ASSERT(found != savepoints_.rend());
  savepoints_.erase(std::prev(found.base()), savepoints_.end());
  if (connection_.in_transaction()) connection_.execute("RELEASE " + stored_savepoint(name));
}

}  // namespace tailrace::sim
