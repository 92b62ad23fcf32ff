// One client's socket: TDS packets in and out, in plain or in TLS.
//
// Shape    Messages in (whole, gathered from their packets), bytes of one message out (cut into packets).
// Errors   protocol: the client's bytes break the framing.  unavailable: TLS could not be agreed upon.
//          A client that is gone is a value: false.
// Threads  Belongs to the connection's thread; only abort() may be called from another one.
// Source   [MS-TDS] 2.2.3 (packets), 3.3.5.1 (TLS in PRELOGIN packets, then records of their own).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "sim/tds/byte_buffer.h"
#include "sim/tds/wire.h"

struct ssl_ctx_st;

namespace tailrace::sim::tds {

struct Message {
  PacketType type = PacketType::batch;
  std::uint8_t status = 0;  // Of the first packet: the reset bits.
  bool ignored = false;     // The client took it back before it was complete.
  std::string bytes;
};

class Channel {
 public:
  // Owns the socket.
  Channel(int socket, std::uint16_t spid);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  int socket() const { return socket_; }
  std::uint16_t spid() const { return spid_; }

  // False: the client has hung up.
  [[nodiscard]] bool read_message(Message& message, std::size_t most_bytes);
  // Bytes have been read from the socket that no message has taken yet.
  bool has_unread_input() const;

  // Sends the full packets of `pending` (the start of a message) and keeps the rest, which is never empty.
  [[nodiscard]] bool send_full_packets(ByteBuffer& pending, std::uint32_t packet_bytes);
  // Sends all of it, the last packet with the end-of-message bit.
  [[nodiscard]] bool send_message_end(ByteBuffer& pending, std::uint32_t packet_bytes);
  // All of it, but not the end: for a connection that is cut.
  [[nodiscard]] bool send_unfinished(ByteBuffer& pending, std::uint32_t packet_bytes);

  void start_tls(ssl_ctx_st* context);
  // After a login-only encryption: what follows is plain.
  void stop_tls();

  // Reads fail after this long; 0: never.
  void limit_wait(std::uint32_t seconds);
  // Cuts the connection: both ends see it, reads and writes under way end.
  void abort();
  // Closes with a TCP reset. A reset throws away what the client's machine has not taken yet, so the client is given
  // a moment to take it.
  void reset();

 private:
  struct Tls;
  struct Header {
    PacketType type;
    std::uint8_t status;
    std::size_t payload_bytes;
  };

  bool read_header(Header& header, bool at_start);
  bool read_exactly(char* out, std::size_t bytes);
  bool read_plain(char* out, std::size_t bytes);
  bool read_tls(char* out, std::size_t bytes);
  std::size_t receive(char* out, std::size_t most);
  bool send_packets(const ByteBuffer& pending, std::size_t packets, std::uint32_t packet_bytes, bool last);
  bool send_bytes(std::string_view bytes);
  bool send_tls_output();
  void wait_until_taken() const;
  bool send_handshake_output(Tls& tls);
  // True when the handshake is done.
  bool handshake_step(Tls& tls);

  int socket_;
  const std::uint16_t spid_;
  std::uint8_t next_packet_ = 1;
  std::array<char, 8192> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string scratch_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace tailrace::sim::tds
