// One writer a database: writers queue here, in order, before SQLite's own lock, which would have them poll.
//
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

enum class GateAnswer : std::uint8_t { entered, timed_out, stopped };

class WriteGate {
 public:
  // No timeout: waits for ever.
  [[nodiscard]] GateAnswer enter(std::optional<std::chrono::milliseconds> timeout, std::stop_token stop);
  void leave();

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t next_ticket_ = 0;
  std::deque<std::uint64_t> waiting_;
  bool inside_ = false;
};

}  // namespace tailrace::sim
