// One writer a database: writers queue here, in order, before SQLite's own lock, which would have them poll.
//
// Shape    Who waits at one gate and holds another may close a ring with others that do the same: a deadlock. It is found
//          when the ring closes; the waiter of lowest priority (among equals the one that closed it) is the victim.
// Threads  May be used by any; a gate that is entered is left by the same owner, on whatever thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

namespace tailrace::sim {

enum class GateAnswer : std::uint8_t { entered, timed_out, stopped, deadlock };

// Who enters: a session with all its databases, a job. One wait at a time.
struct GateOwner {
  int priority = 0;  // SET DEADLOCK_PRIORITY: -10 to 10
};

class WriteGate {
 public:
  // No timeout: waits for ever. `owner` must live until leave().
  [[nodiscard]] GateAnswer enter(GateOwner& owner, std::optional<std::chrono::milliseconds> timeout,
                                 std::stop_token stop);
  void leave();

 private:
  struct Waiter {
    GateOwner* owner;
    WriteGate* gate;
    bool victim = false;
  };
  static Waiter* waiting(const GateOwner& owner);
  static void break_ring(Waiter& closing);

  // All gates have one mutex: a ring goes through several.
  static std::mutex mutex_;
  static std::deque<Waiter*> all_waiting_;
  std::condition_variable_any changed_;
  std::deque<Waiter*> queue_;
  GateOwner* inside_ = nullptr;
};

}  // namespace tailrace::sim
