// Bytes as they stand in documents: pairs of hexadecimal digits with blanks where they help.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim::tds::testing {

inline std::string bytes(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string out;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    if (high < 0) {
      high = digit(c);
    } else {
      out.push_back(static_cast<char>(high << 4 | digit(c)));
      high = -1;
    }
  }
  return out;
}

inline std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    if (!out.empty()) out.push_back(' ');
    const auto byte = static_cast<std::uint8_t>(c);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

// ASCII as UTF-16LE.
inline std::string wide(std::string_view ascii) {
  std::string out;
  for (const char c : ascii) {
    out.push_back(c);
    out.push_back('\0');
  }
  return out;
}

}  // namespace tailrace::sim::tds::testing
