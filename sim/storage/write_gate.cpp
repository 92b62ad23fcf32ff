// A queue of tickets: whoever leaves lets the next one in; one that gives up leaves a hole that is skipped.
#include "sim/storage/write_gate.h"

#include <algorithm>

namespace tailrace::sim {

GateAnswer WriteGate::enter(std::optional<std::chrono::milliseconds> timeout, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  waiting_.push_back(ticket);
  const auto my_turn = [&] { return !inside_ && waiting_.front() == ticket; };
  bool entered = false;
  if (timeout) {
    entered = changed_.wait_for(lock, stop, *timeout, my_turn);
  } else {
    entered = changed_.wait(lock, stop, my_turn);
  }
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), ticket));
  if (!entered) {
    changed_.notify_all();  // The one behind may be first now.
    return stop.stop_requested() ? GateAnswer::stopped : GateAnswer::timed_out;
  }
  inside_ = true;
  return GateAnswer::entered;
}

void WriteGate::leave() {
  {
    const std::scoped_lock lock(mutex_);
    inside_ = false;
  }
  changed_.notify_all();
}

}  // namespace tailrace::sim
