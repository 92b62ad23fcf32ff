// A cursor over the bytes of one message from a client.
//
// Errors   Reading past the end throws `protocol`: the connection ends.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace tailrace::sim::tds {

static_assert(std::endian::native == std::endian::little, "TDS numbers are copied as they are");

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t left() const { return bytes_.size() - position_; }
  bool at_end() const { return left() == 0; }
  std::size_t position() const { return position_; }

  std::string_view bytes(std::size_t count) {
    if (count > left()) throw Error(ErrorKind::protocol, "a TDS message ends too early");
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }

  template <class Number>
  Number number() {
    static_assert(std::is_arithmetic_v<Number>);
    Number value;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::uint16_t u16_big_endian() {
    const std::uint16_t value = u16();
    return static_cast<std::uint16_t>((value << 8) | (value >> 8));
  }

  std::uint8_t peek() const {
    if (at_end()) throw Error(ErrorKind::protocol, "a TDS message ends too early");
    return static_cast<std::uint8_t>(bytes_[position_]);
  }

 private:
  std::string_view bytes_;
  std::size_t position_ = 0;
};

}  // namespace tailrace::sim::tds
