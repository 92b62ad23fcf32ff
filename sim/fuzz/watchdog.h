// Ends what does not end by itself: asks it to stop as an attention does, and takes it for a hang when it goes on.
//
// Errors   A hang ends the process (abort): nothing else ends a thread that listens to nobody.
// Threads  A thread of its own; run() is called from one thread at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace tailrace::sim::fuzz {

class Watchdog {
 public:
  // Asked to stop after `patience`; a hang `grace` later.
  Watchdog(std::chrono::milliseconds patience, std::chrono::milliseconds grace);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // `what` is told if it hangs.
  void run(const std::string& what, const std::function<void(std::stop_token)>& body);

 private:
  void watch(const std::stop_token& end);

  const std::chrono::milliseconds patience_;
  const std::chrono::milliseconds grace_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t turn_ = 0;  // Odd while a body runs.
  std::stop_source stop_;
  std::string what_;
  std::jthread thread_;
};

}  // namespace tailrace::sim::fuzz
