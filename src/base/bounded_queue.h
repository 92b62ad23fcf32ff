// A queue between two stages whose limit is in bytes.
//
// Shape    One item may be larger than the limit: it is let in alone.
// Threads  Any number of producers and consumers. Waiting ends with the stop token, with close(), or with room/items.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace tailrace {

// ended: closed, or stopped first.
enum class QueueResult { done, timed_out, ended };

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // False if stopped or closed first: then the item was not taken.
  [[nodiscard]] bool push(T item, std::size_t bytes, std::stop_token stop) {
    return push_until(item, bytes, std::chrono::steady_clock::time_point::max(), stop) == QueueResult::done;
  }

  // As push, but gives up at the deadline; `item` is moved from only when the answer is `done`.
  [[nodiscard]] QueueResult push_until(T& item, std::size_t bytes,
                                       std::chrono::steady_clock::time_point deadline, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return closed_ || held_bytes_ == 0 || held_bytes_ + bytes <= limit_bytes_; };
    if (!wait(room_, lock, deadline, stop, ready))
      return stop.stop_requested() ? QueueResult::ended : QueueResult::timed_out;
    if (closed_ || stop.stop_requested()) return QueueResult::ended;
    items_.emplace_back(std::move(item), bytes);
    held_bytes_ += bytes;
    lock.unlock();
    filled_.notify_one();
    return QueueResult::done;
  }

  // Nothing when the queue is closed and empty, or when stopped first.
  std::optional<T> pop(std::stop_token stop) {
    std::optional<T> item;
    static_cast<void>(pop_until(item, std::chrono::steady_clock::time_point::max(), stop));
    return item;
  }

  [[nodiscard]] QueueResult pop_until(std::optional<T>& item, std::chrono::steady_clock::time_point deadline,
                                      std::stop_token stop) {
    item.reset();
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return closed_ || !items_.empty(); };
    if (!wait(filled_, lock, deadline, stop, ready))
      return stop.stop_requested() ? QueueResult::ended : QueueResult::timed_out;
    if (stop.stop_requested() || items_.empty()) return QueueResult::ended;
    item.emplace(std::move(items_.front().first));
    held_bytes_ -= items_.front().second;
    items_.pop_front();
    lock.unlock();
    room_.notify_all();
    return QueueResult::done;
  }

  // No more items come; what is queued can still be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
    room_.notify_all();
  }

  std::size_t held_bytes() const {
    const std::lock_guard lock(mutex_);
    return held_bytes_;
  }

 private:
  template <class Ready>
  static bool wait(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock,
                   std::chrono::steady_clock::time_point deadline, std::stop_token& stop,
                   const Ready& ready) {
    // wait_until(max) overflows in libstdc++'s conversion between clocks.
    if (deadline == std::chrono::steady_clock::time_point::max()) return changed.wait(lock, stop, ready);
    return changed.wait_until(lock, stop, deadline, ready);
  }

  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable_any room_;
  std::condition_variable_any filled_;
  std::deque<std::pair<T, std::size_t>> items_;
  std::size_t held_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace tailrace
