// Joining packets.
#include "tds/inbox.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

constexpr std::size_t usual_bytes = 128u << 10;
// What has to lie in one piece is a value of known width or a description of columns; long values come in pieces.
constexpr std::size_t most_bytes = 64u << 20;

constexpr std::uint8_t response_packet = 0x04;
constexpr std::size_t done_bytes = 13;
constexpr std::uint8_t last_token = 0xFD;

}  // namespace

Inbox::Inbox(ByteSource& source) : source_(source), buffer_(usual_bytes) {}

void Inbox::clear() {
  position_ = end_ = filled_ = 0;
  last_ = true;
}

void Inbox::begin_message() {
  TAILRACE_ASSERT(is_over());
  last_ = false;
}

void Inbox::make_room(std::size_t bytes) {
  if (buffer_.size() - filled_ >= std::max(bytes, usual_bytes / 2)) return;
  std::memmove(buffer_.data(), buffer_.data() + position_, filled_ - position_);
  end_ -= position_;
  filled_ -= position_;
  position_ = 0;
  if (buffer_.size() - filled_ >= bytes) return;
  if (filled_ + bytes > most_bytes)
    throw Error(ErrorKind::protocol, "SQL Server sends a token without an end");
  buffer_.resize(std::max(buffer_.size() * 2, filled_ + bytes));
}

void Inbox::fill(std::size_t bytes) {
  while (filled_ - end_ < bytes) {
    make_room(bytes - (filled_ - end_));
    const std::size_t count = source_.read(std::span(buffer_).subspan(filled_));
    TAILRACE_ASSERT(count > 0);
    filled_ += count;
  }
}

bool Inbox::more() {
  if (last_) return false;
  fill(packet_header_bytes);
  const std::byte* header = buffer_.data() + end_;
  const std::size_t length = load<std::uint8_t>(header + 2) << 8u | load<std::uint8_t>(header + 3);
  if (load<std::uint8_t>(header) != response_packet || length < packet_header_bytes)
    throw Error(ErrorKind::protocol, "what answers does not speak TDS: a packet is no packet of a response");
  last_ = (load<std::uint8_t>(header + 1) & last_of_message) != 0;
  fill(length);
  std::memmove(buffer_.data() + position_ + packet_header_bytes, buffer_.data() + position_,
               end_ - position_);
  position_ += packet_header_bytes;
  end_ += length;
  return true;
}

void Inbox::gather(std::size_t bytes) {
  while (left() < bytes) {
    if (!more()) throw Error(ErrorKind::protocol, "a response of SQL Server ends inside a token");
  }
}

void Inbox::skip(std::uint64_t bytes) {
  for (;;) {
    const std::size_t some = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left()));
    position_ += some;
    bytes -= some;
    if (bytes == 0) return;
    need(1);
  }
}

void Inbox::append_to(std::string& out, std::size_t bytes) {
  for (;;) {
    const std::size_t some = std::min(bytes, left());
    out.append(reinterpret_cast<const char*>(position()), some);
    position_ += some;
    bytes -= some;
    if (bytes == 0) return;
    need(1);
  }
}

std::uint16_t Inbox::skip_message() {
  do {
    if (left() > done_bytes) position_ = end_ - done_bytes;
  } while (more());
  const std::size_t kept = left();
  const std::byte* token = position();
  position_ = end_;
  if (kept < done_bytes || load<std::uint8_t>(token + kept - done_bytes) != last_token) return 0;
  return load<std::uint16_t>(token + kept - done_bytes + 1);
}

}  // namespace tailrace::tds
