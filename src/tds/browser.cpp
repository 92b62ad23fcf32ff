// Asking the browser service.
#include "tds/browser.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "base/error.h"
#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

constexpr char service_port[] = "1434";
constexpr std::uint8_t ask_instance = 0x04;
constexpr std::uint8_t answer_token = 0x05;

Error not_found(const std::string& instance, std::string_view reason) {
  return Error(ErrorKind::unavailable, fmt::format("the instance {} is not found: {}", instance, reason))
      .with("sqlstate", "08001");
}

struct FreeList {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

class Datagrams {
 public:
  explicit Datagrams(const addrinfo& peer) : handle_(::socket(peer.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    is_open_ = handle_ >= 0 && ::connect(handle_, peer.ai_addr, peer.ai_addrlen) == 0;
  }
  ~Datagrams() {
    if (handle_ >= 0) ::close(handle_);
  }
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  bool is_open() const { return is_open_; }
  int handle() const { return handle_; }

 private:
  int handle_;
  bool is_open_ = false;
};

// One question and the wait for its answer; 0: none.
std::uint16_t ask(const Datagrams& peer, const std::string& question, std::chrono::milliseconds patience) {
  if (::send(peer.handle(), question.data(), question.size(), MSG_NOSIGNAL) < 0) return 0;
  pollfd waiting{peer.handle(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return 0;
  std::array<std::byte, 4096> answer{};
  const ssize_t size = ::recv(peer.handle(), answer.data(), answer.size(), 0);
  return size <= 0 ? std::uint16_t{0}
                   : port_in_answer(std::span(answer).first(static_cast<std::size_t>(size)));
}

}  // namespace

std::uint16_t port_in_answer(std::span<const std::byte> answer) {
  if (answer.size() < 3 || std::to_integer<std::uint8_t>(answer[0]) != answer_token) return 0;
  // Name;value;Name;value;... and an empty name at the end.
  std::string_view text = as_text(answer.subspan(3));
  const auto next = [&] {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
  };
  while (!text.empty()) {
    const std::string_view name = next();
    const std::string_view value = next();
    if (name != "tcp") continue;
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
    return error == std::errc() ? port : std::uint16_t{0};
  }
  return 0;
}

std::uint16_t port_of_instance(const std::string& host, const std::string& instance,
                               std::chrono::steady_clock::time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo(host.c_str(), service_port, &hints, &found);
  if (result != 0) throw not_found(instance, ::gai_strerror(result));
  const std::unique_ptr<addrinfo, FreeList> addresses(found);
  const std::string question = static_cast<char>(ask_instance) + instance + '\0';
  // Datagrams get lost: each address is asked until the time is over.
  constexpr std::chrono::milliseconds patience{1'000};
  while (std::chrono::steady_clock::now() < deadline) {
    const auto began = std::chrono::steady_clock::now();
    bool has_waited = false;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      const Datagrams peer(*each);
      if (!peer.is_open()) continue;
      if (const std::uint16_t port = ask(peer, question, patience)) return port;
      has_waited = has_waited || std::chrono::steady_clock::now() - began >= patience;
    }
    if (!has_waited) throw not_found(instance, "nobody answers at the browser service (UDP 1434)");
  }
  throw not_found(instance, "the browser service (UDP 1434) does not answer");
}

}  // namespace tailrace::tds
