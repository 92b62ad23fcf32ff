// Ends what does not end by itself.
#include "sim/fuzz/watchdog.h"

#include <cstdio>
#include <cstdlib>

namespace tailrace::sim::fuzz {

Watchdog::Watchdog(std::chrono::milliseconds patience, std::chrono::milliseconds grace)
    : patience_(patience), grace_(grace), thread_([this](const std::stop_token& end) { watch(end); }) {}

Watchdog::~Watchdog() {
  thread_.request_stop();
}

void Watchdog::run(const std::string& what, const std::function<void(std::stop_token)>& body) {
  {
    const std::scoped_lock lock(mutex_);
    what_ = what;
    stop_ = std::stop_source();
    ++turn_;
  }
  changed_.notify_all();
  const auto ended = [this] {
    {
      const std::scoped_lock lock(mutex_);
      ++turn_;
    }
    changed_.notify_all();
  };
  try {
    body(stop_.get_token());
  } catch (...) {
    ended();
    throw;
  }
  ended();
}

void Watchdog::watch(const std::stop_token& end) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, end, [this] { return turn_ % 2 == 1; })) {
    const std::uint64_t turn = turn_;
    const auto over = [this, turn] { return turn_ != turn; };
    if (changed_.wait_for(lock, end, patience_, over) || end.stop_requested()) continue;
    std::stop_source stop = stop_;
    lock.unlock();  // Callbacks of the engine run in here.
    stop.request_stop();
    lock.lock();
    if (changed_.wait_for(lock, end, grace_, over) || end.stop_requested()) continue;
    std::fprintf(stderr, "HANG: goes on after it was stopped: %s\n", what_.c_str());
    std::abort();
  }
}

}  // namespace tailrace::sim::fuzz
