// The packets of a response as one stretch of bytes.
//
// Shape    A window [position, end) over the data of the packets that have come. more() adds the next packet's data: what
//          was not taken yet is moved up to it, over the packet's header, so only what lies across two packets is ever
//          moved. Pointers into the window are good until the next call that may read.
// Errors   protocol: no packets of a response, or a message that ends inside a value; else those of the source.
// Source   [MS-TDS] 2.2.3.1 (packet header), 2.2.1.5 (a response is of type 0x04).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tailrace::tds {

constexpr std::size_t packet_header_bytes = 8;
constexpr std::uint8_t last_of_message = 0x01;    // In a packet's status.
constexpr std::uint16_t done_attention = 0x0020;  // In that of a DONE: an attention was heard.

// Where bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Waits for at least one byte; answers how many came.
  virtual std::size_t read(std::span<std::byte> into) = 0;
};

class Inbox {
 public:
  // Borrows `source`, which must outlive this.
  explicit Inbox(ByteSource& source);

  // Another connection: what came over the last one is gone.
  void clear();
  // A new message begins behind what was taken of the last one.
  void begin_message();
  // The last packet of the message is in the window.
  bool is_last() const { return last_; }
  // Nothing of the message is left.
  bool is_over() const { return last_ && position_ == end_; }
  // Nor has anything come behind it.
  bool is_empty() const { return is_over() && filled_ == end_; }

  const std::byte* position() const { return buffer_.data() + position_; }
  const std::byte* end() const { return buffer_.data() + end_; }
  std::size_t left() const { return end_ - position_; }
  // `at` lies in the window.
  void seek(const std::byte* at) { position_ = static_cast<std::size_t>(at - buffer_.data()); }
  void advance(std::size_t bytes) { position_ += bytes; }

  // Adds the next packet; false: there is none.
  bool more();
  // So many bytes lie in one piece at position().
  void need(std::size_t bytes) {
    if (left() < bytes) gather(bytes);
  }
  // Any number of bytes, in pieces.
  void skip(std::uint64_t bytes);
  void append_to(std::string& out, std::size_t bytes);
  // Drops what is left of the message without looking at it; answers the status of its last token, which ends every
  // message (DONE: token, status, command, rows; 13 bytes).
  std::uint16_t skip_message();

 private:
  void gather(std::size_t bytes);
  void fill(std::size_t bytes);  // Behind the window.
  void make_room(std::size_t bytes);

  ByteSource& source_;
  std::vector<std::byte> buffer_;
  std::size_t position_ = 0;
  std::size_t end_ = 0;     // Of the window; the next packet's header begins here.
  std::size_t filled_ = 0;  // Of the buffer.
  bool last_ = true;
};

}  // namespace tailrace::tds
