// The scripted server: one connection after the other.
#include "net/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <stdexcept>

namespace tailrace::net::testing {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

std::string head_of(const ScriptedAnswer& with) {
  return "HTTP/1.1 " + std::to_string(with.status) +
         " Scripted\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\nConnection: "
         "close\r\nContent-Length: " +
         std::to_string(with.body.size()) + "\r\n\r\n";
}

// The request is whole: its header, and as much body as that says.
bool is_whole(const std::string& request) {
  const std::size_t end = request.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::size_t length = request.find("Content-Length: ");
  if (length == std::string::npos || length > end) return true;
  return request.size() - end - 4 >= std::stoul(request.substr(length + 16));
}

}  // namespace

class ScriptedServer::Connection {
 public:
  Connection(int socket, const std::optional<ServerTls>& tls) : socket_(socket) {
    if (!tls) return;
    context_.reset(SSL_CTX_new(TLS_server_method()));
    must(SSL_CTX_use_certificate_chain_file(context_.get(), tls->certificate_file.c_str()) == 1,
         "certificate");
    must(SSL_CTX_use_PrivateKey_file(context_.get(), tls->key_file.c_str(), SSL_FILETYPE_PEM) == 1, "key");
    if (!tls->client_ca_file.empty()) {
      must(SSL_CTX_load_verify_locations(context_.get(), tls->client_ca_file.c_str(), nullptr) == 1, "CA");
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    accepted_ = SSL_accept(ssl_.get()) == 1;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (ssl_ && accepted_) SSL_shutdown(ssl_.get());
    if (!accepted_) drain();
    ::close(socket_);
  }

  bool accepted() const { return accepted_; }
  int read(char* to, int count) {
    return ssl_ ? SSL_read(ssl_.get(), to, count)
                : static_cast<int>(::recv(socket_, to, static_cast<size_t>(count), 0));
  }
  void write(const std::string& bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const int count = static_cast<int>(bytes.size() - at);
      const int done = ssl_ ? SSL_write(ssl_.get(), bytes.data() + at, count)
                            : static_cast<int>(::send(socket_, bytes.data() + at, static_cast<size_t>(count),
                                                      MSG_NOSIGNAL));
      if (done <= 0) return;  // The client has gone: that may be the test.
      at += static_cast<std::size_t>(done);
    }
  }

 private:
  // Closed with bytes that nobody has read, it would be reset, and the alert that says why be lost.
  void drain() const {
    ::shutdown(socket_, SHUT_WR);
    char bytes[4096];
    while (::recv(socket_, bytes, sizeof bytes, 0) > 0) {
    }
  }

  int socket_;
  bool accepted_ = true;
  std::unique_ptr<SSL_CTX, ContextDeleter> context_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
};

ScriptedServer::ScriptedServer(Script script, std::optional<ServerTls> tls)
    : script_(std::move(script)), tls_(std::move(tls)) {
  must(!script_.empty(), "a script of nothing");
  std::signal(SIGPIPE, SIG_IGN);  // A client that has gone, under TLS.
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  must(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  must(::listen(listener_, 16) == 0, "listen");
  must(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  must(::pipe(stop_pipe_) == 0, "pipe");
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  ::close(stop_pipe_[1]);
  thread_.join();
  ::close(stop_pipe_[0]);
  ::close(listener_);
}

std::string ScriptedServer::url() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedServer::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; });
}

void ScriptedServer::serve() {
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) continue;
    // A client that says nothing does not hold the server.
    const timeval patience{5, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::size_t next = 0;
    {
      const std::lock_guard lock(mutex_);
      next = std::min(requests_.size(), script_.size() - 1);
    }
    answer(socket, script_[next]);
  }
}

void ScriptedServer::answer(int socket, const ScriptedAnswer& with) {
  Connection connection(socket, tls_);
  if (!connection.accepted()) return;
  std::string request;
  while (!is_whole(request)) {
    char bytes[4096];
    const int count = connection.read(bytes, sizeof bytes);
    if (count <= 0) return;
    request.append(bytes, static_cast<std::size_t>(count));
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  changed_.notify_all();
  if (with.silent) {
    pollfd stopped{stop_pipe_[0], POLLIN, 0};
    while (::poll(&stopped, 1, -1) < 0) {
    }
    return;
  }
  if (with.hangs_up) return;
  const std::string body = with.body.substr(0, with.cut_after.value_or(with.body.size()));
  connection.write(with.garbage ? body : head_of(with) + body);
}

}  // namespace tailrace::net::testing
