// A queue at each gate: whoever leaves lets the next one in; one that gives up leaves a hole that is skipped.
#include "sim/storage/write_gate.h"

#include <algorithm>

namespace tailrace::sim {

std::mutex WriteGate::mutex_;
std::deque<WriteGate::Waiter*> WriteGate::all_waiting_;

WriteGate::Waiter* WriteGate::waiting(const GateOwner& owner) {
  const auto found = std::find_if(all_waiting_.begin(), all_waiting_.end(),
                                  [&](const Waiter* waiter) { return waiter->owner == &owner; });
  return found == all_waiting_.end() ? nullptr : *found;
}

// Those before one in its queue wait for the same owner as it does: the owners inside alone make rings.
void WriteGate::break_ring(Waiter& closing) {
  Waiter* victim = &closing;
  for (Waiter* at = &closing;;) {
    if (at->victim || at->gate->inside_ == nullptr) return;
    if (at->gate->inside_ == closing.owner) break;
    at = waiting(*at->gate->inside_);
    if (at == nullptr) return;
    if (at->owner->priority < victim->owner->priority) victim = at;
  }
  victim->victim = true;
  victim->gate->changed_.notify_all();
}

GateAnswer WriteGate::enter(GateOwner& owner, std::optional<std::chrono::milliseconds> timeout,
                            std::stop_token stop) {
  std::unique_lock lock(mutex_);
  Waiter waiter{&owner, this};
  queue_.push_back(&waiter);
  all_waiting_.push_back(&waiter);
  break_ring(waiter);
  const auto my_turn = [&] { return waiter.victim || (inside_ == nullptr && queue_.front() == &waiter); };
  bool over = false;
  if (timeout) {
    over = changed_.wait_for(lock, stop, *timeout, my_turn);
  } else {
    over = changed_.wait(lock, stop, my_turn);
  }
  queue_.erase(std::find(queue_.begin(), queue_.end(), &waiter));
  all_waiting_.erase(std::find(all_waiting_.begin(), all_waiting_.end(), &waiter));
  if (over && !waiter.victim) {
    inside_ = &owner;
    return GateAnswer::entered;
  }
  changed_.notify_all();  // The one behind may be first now.
  if (waiter.victim) return GateAnswer::deadlock;
  return stop.stop_requested() ? GateAnswer::stopped : GateAnswer::timed_out;
}

void WriteGate::leave() {
  {
    const std::scoped_lock lock(mutex_);
    inside_ = nullptr;
  }
  changed_.notify_all();
}

}  // namespace tailrace::sim
