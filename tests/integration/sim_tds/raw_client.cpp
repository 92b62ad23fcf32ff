// A client of bare packets.
#include "tests/integration/sim_tds/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"

namespace tailrace::sim::tds::testing {
namespace {

std::string u16(std::size_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}

}  // namespace

RawClient::RawClient(std::uint16_t port) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  TAILRACE_ASSERT(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

RawClient::~RawClient() {
  hang_up();
}

void RawClient::hang_up() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // The server has hung up: the next read tells.
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawClient::send_packet(std::uint8_t type, std::string_view payload, std::uint8_t status) {
  const std::size_t length = payload.size() + 8;
  std::string packet = {static_cast<char>(type),
                        static_cast<char>(status),
                        static_cast<char>(length >> 8),
                        static_cast<char>(length),
                        0,
                        0,
                        1,
                        0};
  send(packet.append(payload));
}

void RawClient::log_in(std::string_view password) {
  std::string hidden = wide(password);
  for (char& c : hidden) {
    const auto byte = static_cast<std::uint8_t>(c);
    c = static_cast<char>(static_cast<std::uint8_t>(byte << 4 | byte >> 4) ^ 0xA5);
  }
  std::string message = bytes(
      "00 00 00 00 04 00 00 74 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00 E0 03 00 00 E0 01 00 00 09 04 "
      "00 00");
  message += u16(94) + u16(0);                // Host.
  message += u16(94) + u16(2);                // User.
  message += u16(98) + u16(password.size());  // Password.
  message.resize(94, '\0');
  message += wide("sa") + hidden;
  message[0] = static_cast<char>(message.size());
  send_packet(0x10, message);
  TAILRACE_ASSERT(read_message().find("\xAD") != std::string::npos);
}

void RawClient::send_batch(std::string_view ascii, std::uint8_t status) {
  send_packet(1, bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00") + wide(ascii),
              status);
}

bool RawClient::read_exactly(char* out, std::size_t bytes) {
  while (bytes != 0) {
    const ssize_t got = ::recv(socket_, out, bytes, 0);
    if (got <= 0) {
      error_ = got < 0 ? errno : 0;
      return false;
    }
    out += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

std::string RawClient::read_packet(bool& last) {
  last = true;
  char header[8];
  if (!read_exactly(header, sizeof header)) return {};
  last = (header[1] & 1) != 0;
  const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(header[2])) << 8 |
                             static_cast<std::uint8_t>(header[3]);
  std::string payload(length - sizeof header, '\0');
  if (!read_exactly(payload.data(), payload.size())) {
    last = true;
    return {};
  }
  return payload;
}

std::string RawClient::read_message() {
  std::string message;
  for (bool last = false; !last;)
    message += read_packet(last);
  return message;
}

std::uint16_t last_done_status(std::string_view payload) {
  TAILRACE_ASSERT(payload.size() >= 13);
  const std::string_view done = payload.substr(payload.size() - 13);
  const auto token = static_cast<std::uint8_t>(done[0]);
  TAILRACE_ASSERT(token == 0xFD || token == 0xFE);
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(done[1]) | static_cast<std::uint8_t>(done[2])
                                                                             << 8);
}

}  // namespace tailrace::sim::tds::testing
