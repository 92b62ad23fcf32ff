// The first error of several threads, and the stop of all of them.
//
// Threads  set() from any thread; rethrow() after all are joined.
#pragma once

#include <exception>
#include <mutex>
#include <stop_token>

namespace tailrace {

class FirstError {
 public:
  // Keeps the current exception if it is the first, and stops everybody.
  void set_current() {
    keep_current();
    stop_.request_stop();
  }
  // Keeps it, and lets the others finish what they have.
  void keep_current() {
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = std::current_exception();
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }
  bool is_set() const {
    const std::lock_guard lock(mutex_);
    return first_ != nullptr;
  }
  // Requested by an error or by request_stop().
  std::stop_token stop() const { return stop_.get_token(); }
  void request_stop() { stop_.request_stop(); }

 private:
  mutable std::mutex mutex_;
  std::exception_ptr first_;
  std::stop_source stop_;
};

}  // namespace tailrace
