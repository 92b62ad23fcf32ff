// The sign of life of a runner: a session lock and a heartbeat, kept on a connection and a thread of their
// own, so that they go on while the sink is busy in one long statement, and end at once when the process
// does.
//
// Errors   The thread throws nothing: a lost connection is made anew; a moved fence is answered by fenced().
// Threads  Made and destroyed by the sink's thread; fenced() from any.
// Source   docs/rules.md R6a.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "postgres/connection.h"
#include "postgres/settings.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

class Liveness {
 public:
  // Connects and tries the lock. `own_id` is this runner's id: a lock held by an older connection of ours is
  // not another runner.
  Liveness(const Settings& settings, std::string own_id, std::stop_token stop);
  ~Liveness();

  // Waits until the pipeline is known to be free (true) or a live runner has shown itself. Free is: the lock
  // is ours, or its holder is this runner, or has shown no sign of life for `heartbeat_stale`.
  [[nodiscard]] bool wait_until_free(std::stop_token stop);
  // Ends the backends that still hold the lock; for a takeover. Failing to is no error, the fence protects.
  void end_holders();

  // Begins the heartbeat under this fence.
  void start(const Owner& owner);
  // Ends it; `clean` clears the heartbeat, so that the next runner need not wait.
  void stop(bool clean);
  bool fenced() const { return fenced_; }

 private:
  struct Sign {
    bool lock_is_ours = false;
    bool same_runner = false;
    bool stale = false;
    bool beginning = false;
    std::string heartbeat;
  };
  Sign look(std::int64_t watched_milliseconds);
  bool try_lock();
  void beat(const Owner& owner, const std::stop_token& stop);
  void run(const Owner& owner, const std::stop_token& stop);

  const Settings settings_;
  const std::string own_id_;
  std::unique_ptr<Connection> connection_;
  bool locked_ = false;
  std::atomic<bool> fenced_{false};
  std::jthread thread_;
};

}  // namespace tailrace::postgres
