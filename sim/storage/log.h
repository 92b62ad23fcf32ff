// Log sequence numbers and the part of a transaction log that change data capture reads.
//
// Shape    A position is a counter of the database: one for every logged change and one for every commit. Its
// LSN
//          is binary(10): 4 bytes file number, 4 block, 2 slot, big-endian; both orders are the same.
//          Log rows stand in l<object_id> (written by triggers of captured tables), one row of
//          log_transactions for a committed transaction that logged something. All are written in the data's
//          own transaction.
// Threads  LogWriter belongs to its connection's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim {

class Connection;

using Lsn = std::string;  // 10 bytes.

inline constexpr std::size_t lsn_bytes = 10;

Lsn lsn_of_position(std::int64_t position);
Lsn increment_lsn(std::string_view lsn);
Lsn decrement_lsn(std::string_view lsn);
Lsn zero_lsn();
// "00000027:00000758:0003"
std::string lsn_text(std::string_view lsn);

// What the triggers of captured tables ask for, on one connection (SQL functions log_position(),
// log_seqval(), log_command(), log_transaction(), registered by the constructor).
class LogWriter {
 public:
  explicit LogWriter(Connection& connection);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // The write transaction has begun (the file is locked for others).
  void begin();
  // A new statement of T-SQL, or the second half of a deferred update: the changes that follow have a new
  // command id.
  void next_command();
  // The next logged change takes the seqval of the last one: the insert of a single-row deferred update.
  void repeat_seqval();
  // Takes a position of its own (enabling an instance, markers).
  std::int64_t take_position();
  // Just before COMMIT. True if the transaction has something for the capture job.
  bool commit();
  void rollback();

 private:
  friend struct LogFunctions;
  void load();

  Connection& connection_;
  bool loaded_ = false;
  bool logged_ = false;
  bool moved_ = false;
  bool repeat_ = false;
  std::int64_t transaction_ = 0;
  std::int64_t next_ = 0;
  std::int64_t last_seqval_ = 0;
  std::int64_t command_ = 1;
  std::int64_t begin_time_ = 0;
};

}  // namespace tailrace::sim
