// The proxy: one poll loop per connection.
#include "tests/support/answer_cutter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string_view>

namespace tailrace::testing {
namespace {

// The statement with its end, for READ COMMITTED is another thing.
const std::string commit_message("COMMIT\0", 7);

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string receive(int from) {
  std::array<char, 65536> buffer{};
  const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

}  // namespace

AnswerCutter::AnswerCutter(int server_port)
    : server_port_(server_port), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = local(0);
  socklen_t length = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("the proxy cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

AnswerCutter::~AnswerCutter() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  for (std::thread& thread : threads_)
    thread.join();
}

void AnswerCutter::accept_loop() {
  while (!ending_) {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, client] { forward(client); });
  }
}

void AnswerCutter::forward(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = local(server_port_);
  bool open = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  while (open && !ending_) {
    std::array<pollfd, 2> sides{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (poll(sides.data(), sides.size(), 50) == 0) continue;
    if (sides[1].revents != 0) {
      const std::string bytes = receive(server);
      open = !bytes.empty() && send_all(client, bytes);
    }
    if (!open || sides[0].revents == 0) continue;
    const std::string bytes = receive(client);
    open = !bytes.empty();
    const bool commit = bytes.find(commit_message) != std::string::npos;
    const When when = commit ? when_.exchange(When::never) : When::never;
    if (when == When::before_request) {
      ++cuts_;
      break;
    }
    open = open && send_all(server, bytes);
    if (when == When::never) continue;
    ++cuts_;
    // As a lost host: the server is not told that its client is gone before it has answered.
    if (when == When::after_answer) receive(server);
    close(client);
    if (when == When::after_request) receive(server);
    close(server);
    return;
  }
  close(client);
  close(server);
}

}  // namespace tailrace::testing
