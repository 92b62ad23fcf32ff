// One client's socket: packets and TLS.
#include "sim/tds/channel.h"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace tailrace::sim::tds {
namespace {

constexpr std::size_t most_handshake_bytes = 64 * 1024;

std::string tls_error(std::string_view what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return std::string(what) + ": " + text;
}

void write_header(char* at, PacketType type, bool last, std::size_t packet_bytes, std::uint16_t spid,
                  std::uint8_t number) {
  at[0] = static_cast<char>(type);
  at[1] = last ? 1 : 0;
  at[2] = static_cast<char>(packet_bytes >> 8);
  at[3] = static_cast<char>(packet_bytes);
  at[4] = static_cast<char>(spid >> 8);
  at[5] = static_cast<char>(spid);
  at[6] = static_cast<char>(number);
  at[7] = 0;
}

}  // namespace

struct Channel::Tls {
  SSL* ssl = nullptr;
  BIO* in = nullptr;   // Owned by ssl.
  BIO* out = nullptr;  // Owned by ssl.
  Tls() = default;
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  ~Tls() { SSL_free(ssl); }
};

Channel::Channel(int socket, std::uint16_t spid) : socket_(socket), spid_(spid) {}

Channel::~Channel() {
  ::close(socket_);
}

bool Channel::read_message(Message& message, std::size_t most_bytes) {
  message.bytes.clear();
  message.ignored = false;
  for (bool first = true;; first = false) {
    Header header{};
    if (!read_header(header, first)) return false;
    // An attention may come in the middle of a request: it takes the place of what has come so far.
    if (!first && header.type == PacketType::attention) {
      message.bytes.clear();
      first = true;
    }
    if (first) {
      message.type = header.type;
      message.status = header.status;
    } else if (header.type != message.type) {
      throw Error(ErrorKind::protocol, "a TDS message changes its packet type");
    }
    const std::size_t before = message.bytes.size();
    if (before + header.payload_bytes > most_bytes) {
      throw Error(ErrorKind::protocol, "a TDS message is larger than the server takes");
    }
    message.bytes.resize(before + header.payload_bytes);
    if (!read_exactly(message.bytes.data() + before, header.payload_bytes)) return false;
    if (header.status & packet_status::end_of_message) {
      message.ignored = (header.status & packet_status::ignore) != 0;
      return true;
    }
  }
}

bool Channel::read_header(Header& header, bool at_start) {
  char bytes[packet_header_bytes];
  if (!read_exactly(bytes, sizeof bytes)) return false;
  const auto at = [&bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::size_t length = static_cast<std::size_t>(at(2)) << 8 | at(3);
  if (length < packet_header_bytes || length > largest_packet_bytes + 1) {
    throw Error(ErrorKind::protocol, "a TDS packet's length is impossible");
  }
  if (at_start && (at(0) == 0 || at(0) > 0x12)) {
    throw Error(ErrorKind::protocol, "a TDS packet's type is unknown");
  }
  header = {static_cast<PacketType>(at(0)), at(1), length - packet_header_bytes};
  return true;
}

bool Channel::has_unread_input() const {
  if (input_end_ != input_begin_) return true;
  return tls_ && (SSL_pending(tls_->ssl) > 0 || BIO_pending(tls_->in) > 0);
}

bool Channel::read_exactly(char* out, std::size_t bytes) {
  return tls_ ? read_tls(out, bytes) : read_plain(out, bytes);
}

bool Channel::read_plain(char* out, std::size_t bytes) {
  while (bytes != 0) {
    if (input_begin_ == input_end_) {
      input_begin_ = 0;
      input_end_ = receive(input_.data(), input_.size());
      if (input_end_ == 0) return false;
    }
    const std::size_t taken = std::min(bytes, input_end_ - input_begin_);
    std::memcpy(out, input_.data() + input_begin_, taken);
    input_begin_ += taken;
    out += taken;
    bytes -= taken;
  }
  return true;
}

bool Channel::read_tls(char* out, std::size_t bytes) {
  while (bytes != 0) {
    std::size_t taken = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(tls_->ssl, out, bytes, &taken);
    if (result == 1) {
      out += taken;
      bytes -= taken;
      continue;
    }
    const int error = SSL_get_error(tls_->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN) return false;
    if (error != SSL_ERROR_WANT_READ) throw Error(ErrorKind::protocol, tls_error("TLS record refused"));
    if (BIO_pending(tls_->out) > 0 && !send_tls_output()) return false;
    if (input_begin_ == input_end_) {
      input_begin_ = 0;
      input_end_ = receive(input_.data(), input_.size());
      if (input_end_ == 0) return false;
    }
    BIO_write(tls_->in, input_.data() + input_begin_, static_cast<int>(input_end_ - input_begin_));
    input_begin_ = input_end_ = 0;
  }
  return true;
}

// 0: the client is gone, was silent for too long, or the connection was aborted.
std::size_t Channel::receive(char* out, std::size_t most) {
  for (;;) {
    const ssize_t got = ::recv(socket_, out, most, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

bool Channel::send_full_packets(ByteBuffer& pending, std::uint32_t packet_bytes) {
  const std::size_t payload = packet_bytes - packet_header_bytes;
  if (pending.size() <= payload) return true;
  const std::size_t packets = (pending.size() - 1) / payload;
  if (!send_packets(pending, packets, packet_bytes, false)) return false;
  pending.drop_front(packets * payload);
  return true;
}

bool Channel::send_message_end(ByteBuffer& pending, std::uint32_t packet_bytes) {
  const std::size_t payload = packet_bytes - packet_header_bytes;
  const std::size_t packets = std::max<std::size_t>(1, (pending.size() + payload - 1) / payload);
  const bool sent = send_packets(pending, packets, packet_bytes, true);
  pending.clear();
  next_packet_ = 1;
  return sent;
}

bool Channel::send_unfinished(ByteBuffer& pending, std::uint32_t packet_bytes) {
  const std::size_t payload = packet_bytes - packet_header_bytes;
  const std::size_t packets = (pending.size() + payload - 1) / payload;
  const bool sent = packets == 0 || send_packets(pending, packets, packet_bytes, false);
  pending.clear();
  return sent;
}

bool Channel::send_packets(const ByteBuffer& pending, std::size_t packets, std::uint32_t packet_bytes,
                           bool last) {
  const std::size_t payload = packet_bytes - packet_header_bytes;
  scratch_.resize(packets * packet_bytes);
  char* at = scratch_.data();
  std::size_t sent = 0;
  for (std::size_t i = 0; i < packets; ++i) {
    const std::size_t bytes = std::min(payload, pending.size() - sent);
    write_header(at, PacketType::reply, last && i + 1 == packets, bytes + packet_header_bytes, spid_,
                 next_packet_++);
    if (bytes != 0) std::memcpy(at + packet_header_bytes, pending.data() + sent, bytes);
    at += packet_header_bytes + bytes;
    sent += bytes;
  }
  const std::string_view bytes(scratch_.data(), static_cast<std::size_t>(at - scratch_.data()));
  if (!tls_) return send_bytes(bytes);
  std::size_t written = 0;
  ERR_clear_error();
  if (SSL_write_ex(tls_->ssl, bytes.data(), bytes.size(), &written) != 1 || written != bytes.size())
    return false;
  return send_tls_output();
}

bool Channel::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Channel::send_tls_output() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(tls_->out, &bytes);
  const bool sent = send_bytes({bytes, static_cast<std::size_t>(size)});
  BIO_reset(tls_->out);
  return sent;
}

// The handshake's records travel in PRELOGIN packets.
bool Channel::send_handshake_output(Tls& tls) {
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(tls.out, &bytes));
  constexpr std::size_t payload = default_packet_bytes - packet_header_bytes;
  std::string packets;
  std::uint8_t number = 1;
  for (std::size_t sent = 0; sent < size; sent += payload) {
    const std::size_t count = std::min(payload, size - sent);
    char header[packet_header_bytes];
    write_header(header, PacketType::prelogin, sent + count == size, count + packet_header_bytes, spid_,
                 number++);
    packets.append(header, sizeof header).append(bytes + sent, count);
  }
  BIO_reset(tls.out);
  return send_bytes(packets);
}

void Channel::start_tls(ssl_ctx_st* context) {
  auto tls = std::make_unique<Tls>();
  tls->ssl = SSL_new(context);
  TAILRACE_ASSERT(tls->ssl != nullptr);
  tls->in = BIO_new(BIO_s_mem());
  tls->out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls->ssl, tls->in, tls->out);
  SSL_set_accept_state(tls->ssl);
  // tls_ is set at the end only: until then packets are read in plain.
  Message packet;
  do {
    if (!read_message(packet, most_handshake_bytes)) {
      throw Error(ErrorKind::unavailable, "the client hung up during the TLS handshake");
    }
    if (packet.type != PacketType::prelogin) {
      throw Error(ErrorKind::protocol, "a TLS handshake was expected in PRELOGIN packets");
    }
    BIO_write(tls->in, packet.bytes.data(), static_cast<int>(packet.bytes.size()));
  } while (!handshake_step(*tls));
  tls_ = std::move(tls);
}

bool Channel::handshake_step(Tls& tls) {
  ERR_clear_error();
  const int result = SSL_do_handshake(tls.ssl);
  const int error = SSL_get_error(tls.ssl, result);
  const bool sent = send_handshake_output(tls);
  if (result != 1 && error != SSL_ERROR_WANT_READ) {
    throw Error(ErrorKind::unavailable, tls_error("TLS handshake failed"));
  }
  if (!sent) throw Error(ErrorKind::unavailable, "the client hung up during the TLS handshake");
  return result == 1;
}

void Channel::stop_tls() {
  if (has_unread_input()) throw Error(ErrorKind::protocol, "bytes follow the encrypted login");
  tls_.reset();
}

void Channel::limit_wait(std::uint32_t seconds) {
  const timeval limit{.tv_sec = static_cast<time_t>(seconds), .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void Channel::abort() {
  ::shutdown(socket_, SHUT_RDWR);
}

void Channel::wait_until_taken() const {
  constexpr int most_waits = 2000;
  constexpr int wait_ms = 1;  // There is no event for an empty send queue; a hang-up ends the wait at once.
  for (int i = 0; i < most_waits; ++i) {
    int untaken_bytes = 0;
    if (::ioctl(socket_, SIOCOUTQ, &untaken_bytes) != 0 || untaken_bytes == 0) return;
    pollfd watched{.fd = socket_, .events = POLLRDHUP, .revents = 0};
    if (::poll(&watched, 1, wait_ms) != 0) return;
  }
}

// By disconnecting: a descriptor that were closed here would soon be another client's, and still be watched as ours.
void Channel::reset() {
  wait_until_taken();
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  ::connect(socket_, &nobody, sizeof nobody);
}

}  // namespace tailrace::sim::tds
