// UTF-16LE and UTF-8, with the two things that PostgreSQL's text cannot hold told apart from good text.
//
// Source  The Unicode Standard 3.9 (D91, D92); WTF-8 for lone surrogates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tailrace {

// What a piece of text has that a strict UTF-8 text without U+0000 cannot have.
struct TextFaults {
  bool lone_surrogate = false;
  bool zero = false;
  bool odd_length = false;  // Half a UTF-16 unit at the end.
};

// Appends UTF-16LE bytes as UTF-8 to `out` (a std::string or anything with append(const char*, size_t)). A
// lone surrogate becomes its three WTF-8 bytes and is reported; U+0000 becomes one zero byte and is reported.
TextFaults append_utf8_from_utf16le(std::string& out, std::span<const std::byte> utf16le);
// At most 3 bytes are written per unit; returns one past the last byte written.
char* write_utf8_from_utf16le(char* out, std::span<const std::byte> utf16le, TextFaults& faults);

// One character, which is no surrogate where the text is to be UTF-8: at most four bytes; answers one past the last.
// Here, because a call for each letter would be felt.
inline char* write_utf8(char* out, std::uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

// The other way; WTF-8 in, bytes that are not UTF-8 throw `protocol`.
std::string utf16le_from_utf8(std::string_view utf8);

bool is_valid_utf8(std::string_view text);

}  // namespace tailrace
