// Numbers and texts of the protocol, out of byte ranges and into byte strings.
//
// Units   Little-endian unless a name says otherwise; text is UTF-16LE, its length in units.
// Errors  Reader: protocol, where the bytes end too early.
// Source  [MS-TDS] 2.2.5.1 (data buffer types), 2.2.5.2.3 (B_VARCHAR, US_VARCHAR).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/utf.h"

namespace tailrace::tds {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie on the wire");

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// Of a part that lies in one piece. Views it gives are of the bytes it was given.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t taken() const { return at_; }
  // What it threw for was the end of the bytes.
  bool is_short() const { return is_short_; }
  template <class T>
  T number() {
    return load<T>(bytes(sizeof(T)).data());
  }
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::uint16_t u16_big() {
    const std::uint16_t value = u16();
    return static_cast<std::uint16_t>(value << 8 | value >> 8);
  }
  std::span<const std::byte> bytes(std::size_t count) {
    if (left() < count) {
      is_short_ = true;
      throw Error(ErrorKind::protocol, "a message of SQL Server ends too early");
    }
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  // Text of so many UTF-16 units, as UTF-8.
  std::string text(std::size_t units) {
    std::string out;
    append_utf8_from_utf16le(out, bytes(units * 2));
    return out;
  }
  std::string short_text() { return text(u8()); }  // B_VARCHAR
  std::string long_text() { return text(u16()); }  // US_VARCHAR

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool is_short_ = false;
};

class Writer {
 public:
  template <class T>
  void number(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void u8(unsigned value) { out_ += static_cast<char>(value); }
  void u16(std::size_t value) { number(static_cast<std::uint16_t>(value)); }
  void u32(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  void u64(std::uint64_t value) { number(value); }
  void u16_big(std::size_t value) {
    u8(static_cast<unsigned>(value >> 8 & 0xFF));
    u8(static_cast<unsigned>(value & 0xFF));
  }
  void bytes(std::string_view raw) { out_ += raw; }
  // Then nothing is left behind in memory that it grew out of.
  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  std::size_t size() const { return out_.size(); }
  const std::string& str() const { return out_; }
  std::string& str() { return out_; }

 private:
  std::string out_;
};

}  // namespace tailrace::tds
