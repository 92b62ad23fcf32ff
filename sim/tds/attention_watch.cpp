// Sees what clients do while their statements run.
#include "sim/tds/attention_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/error.h"

namespace tailrace::sim::tds {

AttentionWatch::AttentionWatch() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  TAILRACE_ASSERT(epoll_ >= 0 && wake_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  TAILRACE_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
  thread_ = std::thread([this] { run(); });
}

AttentionWatch::~AttentionWatch() {
  const std::uint64_t one = 1;
  TAILRACE_ASSERT(::write(wake_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(wake_);
  ::close(epoll_);
}

void AttentionWatch::run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == 0) return;
      std::optional<std::stop_source> stop;
      {
        const std::lock_guard lock(mutex_);
        const auto found = watched_.find(id);
        if (found != watched_.end()) stop = found->second;
      }
      // Outside the lock: callbacks of the engine run in here.
      if (stop) stop->request_stop();
    }
  }
}

AttentionWatch::Scope::Scope(AttentionWatch& watch, int socket, std::stop_source stop)
    : watch_(watch), socket_(socket) {
  {
    const std::lock_guard lock(watch.mutex_);
    id_ = watch.next_id_++;
    watch.watched_.emplace(id_, std::move(stop));
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.u64 = id_;
  TAILRACE_ASSERT(::epoll_ctl(watch.epoll_, EPOLL_CTL_ADD, socket, &event) == 0);
}

AttentionWatch::Scope::~Scope() {
  // A socket that was closed in between has left the set by itself.
  ::epoll_ctl(watch_.epoll_, EPOLL_CTL_DEL, socket_, nullptr);
  const std::lock_guard lock(watch_.mutex_);
  watch_.watched_.erase(id_);
}

}  // namespace tailrace::sim::tds
