// Waiting on a condition that nobody else knows: only the time or the stop ends it.
#include "base/wait.h"

#include <condition_variable>
#include <mutex>

namespace tailrace {

bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace tailrace
