// The part of a transaction log that change data capture reads.
//
// Shape    Log rows stand in l<object_id> (written by triggers of captured tables), one row of log_transactions for a
//          committed transaction that logged something. All are written in the data's own transaction.
// Units    Positions (lsn.h); times are datetimes (1/300 s since 1900-01-01, local).
// Threads  LogWriter belongs to its connection's thread.
#pragma once

#include <cstdint>
#include <string>

#include "sim/storage/lsn.h"

namespace tailrace::sim {

class Connection;

// The log's own tables, in a new file.
void create_log(Connection& connection);

// What a commit has for the jobs of CDC.
struct LogNews {
  bool changes = false;
  bool jobs = false;
};

// What the triggers of captured tables ask for, on one connection, by SQL functions that the constructor
// registers:
//   log_position(op)       a new position: the primary key of the log row
//   log_seqval(op)         the position that the change's seqval is made of, NULL: its own
//   log_command(), log_transaction()
//   log_changed(columns, bits...)  takes the bits of changed columns (60 in each); false when none is set
//   log_mask()             the mask that the last log_changed() took, as __$update_mask has its bytes
//   log_float_differs(a, b)        by bits, unlike IS NOT
class LogWriter {
 public:
  explicit LogWriter(Connection& connection);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // The write transaction has begun (the file is locked for others).
  void begin(std::int64_t begin_time);
  // A new statement of T-SQL, or the second half of a deferred update: the changes that follow have a new
  // command id and seqvals of their own.
  void next_command();
  // The insert that follows, up to next_command(), takes the seqval of the delete before it: a single-row
  // deferred update.
  void repeat_seqval() { repeat_ = true; }
  // Takes a position of its own (enabling an instance, markers).
  std::int64_t take_position();
  // Takes a position for something that the capture job must see though no row changed (DDL of a captured table).
  std::int64_t log_event();
  // The transaction's first position, its name in the log.
  std::int64_t transaction();
  // CDC or one of its jobs was switched or changed: the jobs are to look after the commit.
  void jobs_changed() { jobs_ = true; }
  // Just before COMMIT.
  LogNews commit();
  void rollback();

 private:
  friend struct LogFunctions;
  void load();

  Connection& connection_;
  bool loaded_ = false;
  bool logged_ = false;
  bool repeat_ = false;
  bool jobs_ = false;
  std::int64_t transaction_ = 0;
  std::int64_t next_ = 0;
  std::int64_t seqval_ = 0;
  std::int64_t command_ = 1;
  std::int64_t begin_time_ = 0;
  std::string mask_;
};

}  // namespace tailrace::sim
