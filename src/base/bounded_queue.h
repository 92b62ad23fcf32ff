// A queue between two stages whose limit is in bytes.
//
// Shape    One item may be larger than the limit: it is let in alone.
// Threads  Any number of producers and consumers. Waiting ends with the stop token, with close(), or with
// room/items.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace tailrace {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // False if stopped or closed first: then the item was not taken.
  [[nodiscard]] bool push(T item, std::size_t bytes, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, stop,
               [&] { return closed_ || held_bytes_ == 0 || held_bytes_ + bytes <= limit_bytes_; });
    if (stop.stop_requested() || closed_) return false;
    items_.emplace_back(std::move(item), bytes);
    held_bytes_ += bytes;
    lock.unlock();
    filled_.notify_one();
    return true;
  }

  // Nothing when the queue is closed and empty, or when stopped first.
  std::optional<T> pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return closed_ || !items_.empty(); });
    if (stop.stop_requested() || items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front().first));
    held_bytes_ -= items_.front().second;
    items_.pop_front();
    lock.unlock();
    room_.notify_all();
    return item;
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
  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable_any room_;
  std::condition_variable_any filled_;
  std::deque<std::pair<T, std::size_t>> items_;
  std::size_t held_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace tailrace
