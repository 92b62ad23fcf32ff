// Connecting and waiting.
#include "tds/socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace tailrace::tds {
namespace {

using Clock = Socket::Clock;

Error not_reached(std::string_view reason) {
  return Error(ErrorKind::unavailable, fmt::format("the server is not reached: {}", reason))
      .with("sqlstate", "08001");
}

Error lost(std::string_view reason) {
  return Error(ErrorKind::unavailable, fmt::format("the connection is lost: {}", reason))
      .with("sqlstate", "08S01");
}

int milliseconds_until(Clock::time_point time) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// A connection that is being made.
class Attempt {
 public:
  explicit Attempt(const addrinfo& address)
      : handle_(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (handle_ < 0 || ::connect(handle_, address.ai_addr, address.ai_addrlen) == 0) return;
    if (errno != EINPROGRESS) fail(errno);
  }
  Attempt(Attempt&& other) noexcept
      : handle_(std::exchange(other.handle_, -1)), reason_(std::move(other.reason_)) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() {
    if (handle_ >= 0) ::close(handle_);
  }

  bool is_over() const { return handle_ < 0; }
  const std::string& reason() const { return reason_; }
  int handle() const { return handle_; }
  // Once the socket says that it is decided: whether there is a connection.
  bool succeeded() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(handle_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) fail(error);
    return error == 0;
  }
  int release() { return std::exchange(handle_, -1); }

 private:
  void fail(int error) {
    reason_ = std::strerror(error);
    ::close(handle_);
    handle_ = -1;
  }

  int handle_;
  std::string reason_ = "no socket";
};

// The first of them that connects, or -1; `reason` then says why the last one did not.
int first_of(std::vector<Attempt>& attempts, Clock::time_point deadline, std::string& reason) {
  for (;;) {
    std::vector<pollfd> waiting;
    for (const Attempt& attempt : attempts) {
      if (!attempt.is_over()) waiting.push_back({attempt.handle(), POLLOUT, 0});
    }
    if (waiting.empty()) {
      reason = attempts.back().reason();
      return -1;
    }
    const int ready = ::poll(waiting.data(), waiting.size(), milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      reason = "it does not answer";
      return -1;
    }
    for (Attempt& attempt : attempts) {
      const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const pollfd& each) {
        return each.fd == attempt.handle() && each.revents != 0;
      });
      if (!attempt.is_over() && found != waiting.end() && attempt.succeeded()) return attempt.release();
    }
  }
}

}  // namespace

Socket::Socket() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw Error(ErrorKind::internal, "no eventfd").with("error", std::strerror(errno));
}

Socket::~Socket() {
  close();
  ::close(wake_);
}

void Socket::close() {
  if (handle_ >= 0) ::close(handle_);
  handle_ = -1;
}

void Socket::shut_down() noexcept {
  if (handle_ >= 0) ::shutdown(handle_, SHUT_RDWR);
}

void Socket::connect(const std::string& host, std::uint16_t port, bool all_at_once,
                     Clock::time_point deadline) {
  close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) throw not_reached(::gai_strerror(result));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  std::ptrdiff_t left = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
    ++left;
  std::string reason = "the name has no address";
  std::vector<Attempt> attempts;
  for (const addrinfo* each = found; each != nullptr && handle_ < 0; each = each->ai_next, --left) {
    attempts.emplace_back(*each);
    if (all_at_once && each->ai_next != nullptr) continue;
    // One that does not answer leaves the others their share of the time.
    const Clock::time_point share =
        Clock::now() + std::max((deadline - Clock::now()) / left, Clock::duration(0));
    handle_ = first_of(attempts, share, reason);
    attempts.clear();
  }
  if (handle_ < 0) throw not_reached(reason);
  const int on = 1;
  ::setsockopt(handle_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Socket::keep_alive(std::chrono::seconds idle, std::chrono::seconds interval) const {
  constexpr int questions = 3;
  const auto set = [&](int level, int option, auto value) {
    const int number = static_cast<int>(value);
    if (::setsockopt(handle_, level, option, &number, sizeof number) != 0)
      log::warn("source.keepalive", {{"option", option}, {"error", std::strerror(errno)}});
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idle.count());
  set(IPPROTO_TCP, TCP_KEEPINTVL, interval.count());
  set(IPPROTO_TCP, TCP_KEEPCNT, questions);
  // Without it what is on its way is sent again and again for a quarter of an hour.
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, std::chrono::milliseconds(idle + questions * interval).count());
}

std::optional<std::size_t> Socket::try_read(std::span<std::byte> into) {
  // Who always finds something to read never waits.
  if (interrupted_.load(std::memory_order_acquire)) throw Error(ErrorKind::abandoned, "stopped on request");
  for (;;) {
    const ssize_t count = ::recv(handle_, into.data(), into.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) throw lost(std::strerror(errno));
  }
}

std::optional<std::size_t> Socket::try_write(std::span<const std::byte> bytes) {
  for (;;) {
    const ssize_t count = ::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    if (errno != EINTR) throw lost(std::strerror(errno));
  }
}

void Socket::wait(bool for_reading) {
  Clock::time_point until = Clock::now() + patience_;
  if (deadline_) until = std::min(until, *deadline_);
  for (;;) {
    pollfd waiting[2] = {{wake_, POLLIN, 0},
                         {handle_, static_cast<short>(for_reading ? POLLIN : POLLOUT), 0}};
    const int ready = ::poll(waiting, 2, milliseconds_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) throw lost(std::strerror(errno));
    if (interrupted_.load(std::memory_order_acquire)) throw Error(ErrorKind::abandoned, "stopped on request");
    if (waiting[1].revents != 0) return;
    if (ready == 0 || Clock::now() >= until)
      throw Error(ErrorKind::unavailable, "the server does not answer in time").with("sqlstate", "HYT00");
  }
}

void Socket::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Can fail where the counter is full alone: then it wakes as well.
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

void Socket::rearm() {
  interrupted_.store(false, std::memory_order_release);
  std::uint64_t count = 0;
  // Nothing to read: nobody has interrupted.
  [[maybe_unused]] const ssize_t size = ::read(wake_, &count, sizeof count);
}

}  // namespace tailrace::tds
