// Responses of a server as they stand in documents: hexadecimal digits, cut into packets, read in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tds/bytes.h"
#include "tds/inbox.h"

namespace tailrace::tds::testing {

// Pairs of digits, with blanks where they help.
inline std::string bytes(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string out;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    if (high < 0) {
      high = digit(c);
    } else {
      out += static_cast<char>(high << 4 | digit(c));
      high = -1;
    }
  }
  return out;
}

// A packet of a response.
inline std::string packet(std::string_view data, bool is_last) {
  const std::size_t size = packet_header_bytes + data.size();
  std::string out = bytes("04 00 00 00 00 00 01 00");
  out[1] = static_cast<char>(is_last ? 1 : 0);
  out[2] = static_cast<char>(size >> 8);
  out[3] = static_cast<char>(size & 0xFF);
  return out + std::string(data);
}

// A message whose packets have so much data each, and the first one `first`, if that is not 0.
inline std::string message(std::string_view data, std::size_t size, std::size_t first = 0) {
  std::string out;
  std::size_t at = 0;
  do {
    const std::size_t next = std::min(data.size() - at, at == 0 && first != 0 ? first : size);
    out += packet(data.substr(at, next), at + next == data.size());
    at += next;
  } while (at < data.size());
  return out;
}

// Gives its bytes away in pieces; behind them the connection is lost.
class Feed : public ByteSource {
 public:
  explicit Feed(std::string all, std::size_t piece = 1u << 20) : all_(std::move(all)), piece_(piece) {}

  std::size_t read(std::span<std::byte> into) override {
    const std::size_t count = std::min({into.size(), piece_, all_.size() - at_});
    if (count == 0) throw Error(ErrorKind::unavailable, "the feed is over");
    std::copy_n(as_bytes(all_).begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  std::string all_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace tailrace::tds::testing
