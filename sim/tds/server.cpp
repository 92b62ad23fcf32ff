// The simulator's listener.
#include "sim/tds/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "sim/tds/connection.h"

namespace tailrace::sim::tds {

struct Server::Client {
  Client(int socket, std::uint16_t spid, Server& server)
      : connection(socket, spid, server.engine_, server.tls_.get(), server.watch_) {}
  Connection connection;
  std::atomic<bool> ended = false;
  std::thread thread;
};

Server::Server(Engine& engine, const ServerSettings& settings)
    : engine_(engine), most_connections_(settings.most_connections) {
  std::string pem_file = settings.certificate_file;
  if (pem_file.empty()) {
    pem_file = settings.certificate_directory + "/server.pem";
    ensure_self_signed(pem_file);
  }
  tls_ = make_tls_context(pem_file);
  certificate_file_ = settings.certificate_directory + "/certificate.pem";
  export_certificate(pem_file, certificate_file_);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  TAILRACE_ASSERT(wake_ >= 0);
  listen(settings);
}

Server::~Server() {
  if (listener_ >= 0) ::close(listener_);
  if (wake_ >= 0) ::close(wake_);
}

void Server::listen(const ServerSettings& settings) {
  const auto fail = [&settings](std::string_view what) {
    throw Error(ErrorKind::config,
                fmt::format("{} {}:{}: {}", what, settings.host, settings.port, std::strerror(errno)));
  };
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(settings.port);
  if (::inet_pton(AF_INET, settings.host.c_str(), &address.sin_addr) != 1) {
    throw Error(
        ErrorKind::config,
        fmt::format("cannot listen on {}: expected an IPv4 address such as 127.0.0.1", settings.host));
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (listener_ < 0 || ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 128) != 0) {
    fail("cannot listen on");
  }
  socklen_t length = sizeof address;
  if (::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0) fail("cannot listen on");
  port_ = ntohs(address.sin_port);
}

void Server::run(std::stop_token stop) {
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    TAILRACE_ASSERT(::write(wake_, &one, sizeof one) == sizeof one);
  });
  while (!stop.stop_requested()) {
    pollfd watched[] = {{.fd = listener_, .events = POLLIN, .revents = 0},
                        {.fd = wake_, .events = POLLIN, .revents = 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) {
      throw Error(ErrorKind::internal, fmt::format("poll: {}", std::strerror(errno)));
    }
    if (watched[0].revents != 0) accept_one();
    forget_ended();
  }
  for (Client& client : clients_)
    client.connection.abort();
  for (Client& client : clients_)
    client.thread.join();
  clients_.clear();
}

void Server::accept_one() {
  const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) {
    if (errno != EINTR && errno != ECONNABORTED) {
      log::warn("tds.accept.failed", {{"error", std::strerror(errno)}});
    }
    return;
  }
  if (clients_.size() >= most_connections_) {
    forget_ended();
    if (clients_.size() >= most_connections_) {
      log::warn("tds.accept.refused", {{"connections", clients_.size()}});
      ::close(socket);
      return;
    }
  }
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  Client& client = clients_.emplace_back(socket, next_spid_, *this);
  next_spid_ = next_spid_ >= 32767 ? std::uint16_t{51} : static_cast<std::uint16_t>(next_spid_ + 1);
  client.thread = std::thread([&client] {
    client.connection.run();
    client.connection.abort();
    client.ended.store(true);
  });
}

void Server::forget_ended() {
  clients_.remove_if([](Client& client) {
    if (!client.ended.load()) return false;
    client.thread.join();
    return true;
  });
}

}  // namespace tailrace::sim::tds
