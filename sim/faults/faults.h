// Faults that tests order and counters that tests read.
//
// Shape    One Faults for the server. The engine asks before_statement() once a batch or RPC (with its SQL text), and
//          on_row() for each row that goes to a client. Orders match when the text contains their text (without
//          regard to case; empty matches all) and are used up by their count.
// Threads  Everything may be called from any thread; without orders before_statement() costs one atomic read.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sim/storage/sql_error.h"

namespace tailrace::sim {

// What is to happen to one statement (a batch or an RPC).
struct StatementFault {
  std::chrono::milliseconds delay{0};  // Already waited when before_statement() returns.
  Outcome error;                       // The statement fails with this instead of running.
  std::optional<std::uint64_t>
      reset_after_rows;  // ResultSink::reset_connection() after so many rows (0: at once).
  // The statement runs and commits, then the connection is cut before the answer: a lost COMMIT answer.
  bool reset_after_statement = false;
  // Batches that run first, in a session of their own.
  struct OrderedBatch {
    std::string database;
    std::string sql;
  };
  std::vector<OrderedBatch> before;
};

class Faults {
 public:
  // Waits for a delay that was ordered (`stop` ends it), and answers what else is to happen.
  StatementFault before_statement(std::string_view sql, std::stop_token stop);

  // Logins refused for a while: error 18456.
  bool login_refused(std::string_view user);

  void order_error(const SqlError& error, std::string_view text, std::int64_t times);
  void order_delay(std::chrono::milliseconds delay, std::string_view text, std::int64_t times);
  void order_reset(std::uint64_t after_rows, std::string_view text, std::int64_t times);
  void order_reset_after_statement(std::string_view text, std::int64_t times);
  // `sql` runs in `database` before the statement that matches for the (skip + 1)th time, and `times` - 1 after it.
  void order_before(std::string_view text, std::string_view database, std::string_view sql,
                    std::int64_t times, std::int64_t skip);
  // All sessions that are there, but the one that says it, are cut at their next request, as a failover does.
  std::uint64_t next_session() { return next_session_.fetch_add(1); }  // A number for a new session.
  void disconnect_others(std::uint64_t own_session);
  bool disconnected(std::uint64_t session) const {
    return session < oldest_session_.load(std::memory_order_relaxed) && session != kept_session_.load();
  }

  void refuse_logins(std::string_view user, std::chrono::milliseconds duration);  // Empty user: all.
  void clear();

  // Counters since the last reset_counters().
  void count_rows(std::string_view object,
                  std::uint64_t rows);  // "shop.dbo.orders": rows sent from this table.
  void count_statement() { statements_.fetch_add(1, std::memory_order_relaxed); }
  void count_round_trip(bool rpc) { (rpc ? rpcs_ : batches_).fetch_add(1, std::memory_order_relaxed); }
  void count_login() { logins_.fetch_add(1, std::memory_order_relaxed); }
  struct Counter {
    std::string name;
    std::uint64_t value = 0;
  };
  std::vector<Counter> counters();
  void reset_counters();

 private:
  struct Order {
    enum class Kind : std::uint8_t { error, delay, reset, reset_after_statement, before } kind;
    std::string text;
    std::int64_t times;
    SqlError error;
    std::chrono::milliseconds delay{0};
    std::uint64_t after_rows = 0;
    StatementFault::OrderedBatch batch;
    std::int64_t skip = 0;
  };
  struct Refusal {
    std::string user;
    std::chrono::steady_clock::time_point until;
  };
  void add(Order order);

  std::mutex mutex_;
  std::atomic<std::int64_t> order_count_{0};
  std::atomic<std::uint64_t> next_session_{1}, oldest_session_{0}, kept_session_{0};
  std::vector<Order> orders_;
  std::vector<Refusal> refusals_;
  std::map<std::string, std::uint64_t, std::less<>> rows_;
  std::atomic<std::uint64_t> statements_{0}, batches_{0}, rpcs_{0}, logins_{0};
};

}  // namespace tailrace::sim
