// A server that answers one connection by a script: what no server of ours does, and what a real one may do.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "base/error.h"
#include "tds/testing/feed.h"

namespace tailrace::tds::testing {

struct Packet {
  std::uint8_t type = 0;
  std::string data;
};

// The server's end of a connection, plain or in TLS.
class Peer {
 public:
  explicit Peer(int handle) : handle_(handle) {}
  ~Peer() {
    ::SSL_free(tls_);
    ::close(handle_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void accept_tls(SSL_CTX* context) {
    tls_ = ::SSL_new(context);
    ::SSL_set_fd(tls_, handle_);
    if (::SSL_accept(tls_) != 1) throw Error(ErrorKind::unavailable, "no handshake");
  }
  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(tls_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  // The next packet; one of type 0 at the client's end.
  Packet packet() {
    const std::string header = take(8);
    if (header.size() < 8) return {};
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(header[2])) << 8 |
                      static_cast<unsigned char>(header[3]);
    return {static_cast<std::uint8_t>(header[0]), take(size - 8)};
  }
  void send(const std::string& raw) {
    if (tls_ != nullptr) {
      ::SSL_write(tls_, raw.data(), static_cast<int>(raw.size()));
    } else {
      EXPECT_EQ(::send(handle_, raw.data(), raw.size(), MSG_NOSIGNAL), static_cast<ssize_t>(raw.size()));
    }
  }
  void answer(const std::string& data) { send(message(data, 4'000)); }

 private:
  std::string take(std::size_t size) {
    std::string out(size, '\0');
    std::size_t at = 0;
    while (at < size) {
      const ssize_t count = tls_ != nullptr ? ::SSL_read(tls_, out.data() + at, static_cast<int>(size - at))
                                            : ::recv(handle_, out.data() + at, size - at, 0);
      if (count <= 0) return {};
      at += static_cast<std::size_t>(count);
    }
    return out;
  }

  int handle_;
  SSL* tls_ = nullptr;
};

// Takes one connection and runs the script on it, in a thread of its own.
class Listener {
 public:
  explicit Listener(std::function<void(Peer&)> script) : handle_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(handle_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(handle_, 4), 0);
    EXPECT_EQ(::getsockname(handle_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, script = std::move(script)] {
      const int client = ::accept(handle_, nullptr, nullptr);
      if (client < 0) return;
      Peer peer(client);
      script(peer);
    });
  }
  ~Listener() {
    ::shutdown(handle_, SHUT_RDWR);
    thread_ = {};
    ::close(handle_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  std::uint16_t port() const { return port_; }
  // The script is through: what it has written may be read.
  void wait() { thread_.join(); }

 private:
  int handle_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

inline const char* const done = "FD 00 00 00 00 00 00 00 00 00 00 00 00";
inline const char* const login_ack = "AD 0C 00 01 74 00 00 04 01 41 00 10 00 03 E8";

inline std::string prelogin_answer(const char* encryption) {
  return bytes("00 00 0B 00 06 01 00 11 00 01 FF 10 00 03 E8 00 00") + bytes(encryption);
}

// PRELOGIN without encryption, and a login that is accepted; `more` comes with it.
inline Packet let_in(Peer& peer, const std::string& more = {}) {
  EXPECT_EQ(peer.packet().type, 0x12);
  peer.answer(prelogin_answer("02"));
  Packet login = peer.packet();
  EXPECT_EQ(login.type, 0x10);
  peer.answer(more + bytes(login_ack) + bytes(done));
  return login;
}

}  // namespace tailrace::tds::testing
