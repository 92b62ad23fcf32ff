// Text between the simulator and the wire.
#include "sim/tds/text.h"

#include <array>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/utf.h"

namespace tailrace::sim::tds {
namespace {

// Code page 1252, bytes 80 to 9F.
constexpr std::array<char16_t, 32> upper_controls = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

constexpr std::uint64_t high_bits = 0x8080808080808080u;

std::uint8_t byte_at(const char* at) {
  return static_cast<std::uint8_t>(*at);
}

// One code point; `at` moves behind it. The engine's text must be well formed.
inline std::uint32_t next_code_point(const char*& at, const char* end) {
  const std::uint8_t lead = byte_at(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const std::ptrdiff_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  TAILRACE_ASSERT(lead >= 0xC2 && end - at >= length);
  std::uint32_t code = lead & (0x7Fu >> length);
  for (std::ptrdiff_t i = 1; i < length; ++i) {
    // Else the text would have another length than was announced, and the client would lose its place.
    TAILRACE_ASSERT((byte_at(at + i) & 0xC0) == 0x80);
    code = code << 6 | (byte_at(at + i) & 0x3Fu);
  }
  at += length;
  return code;
}

inline char* put_unit(char* out, std::uint32_t unit) {
  const auto narrow = static_cast<std::uint16_t>(unit);
  std::memcpy(out, &narrow, sizeof narrow);
  return out + sizeof narrow;
}

char byte_of_1252(std::uint32_t code) {
  if (code < 0x80 || (code >= 0xA0 && code <= 0xFF)) return static_cast<char>(code);
  for (std::size_t i = 0; i < upper_controls.size(); ++i) {
    if (upper_controls[i] == code) return static_cast<char>(0x80 + i);
  }
  return '?';
}

bool next_eight_are_ascii(const char* at, const char* end) {
  if (end - at < 8) return false;
  std::uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  return (eight & high_bits) == 0;
}

}  // namespace

std::size_t utf16_units(std::string_view utf8) {
  std::size_t units = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<std::uint8_t>(c);
    units += static_cast<std::size_t>((byte & 0xC0) != 0x80) + static_cast<std::size_t>(byte >= 0xF0);
  }
  return units;
}

char* write_utf16le(char* out, std::string_view utf8) {
  const char* at = utf8.data();
  const char* end = at + utf8.size();
  while (at != end) {
    if (next_eight_are_ascii(at, end)) {
      for (int i = 0; i < 8; ++i) {
        out[2 * i] = at[i];
        out[2 * i + 1] = 0;
      }
      at += 8;
      out += 16;
      continue;
    }
    const std::uint32_t code = next_code_point(at, end);
    if (code < 0x10000) {
      out = put_unit(out, code);
    } else {
      out = put_unit(out, 0xD800 + ((code - 0x10000) >> 10));
      out = put_unit(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::size_t code_page_1252_bytes(std::string_view utf8) {
  // A character outside the BMP is two UTF-16 units to SQL Server and becomes two question marks.
  return utf16_units(utf8);
}

char* write_code_page_1252(char* out, std::string_view utf8) {
  const char* at = utf8.data();
  const char* end = at + utf8.size();
  while (at != end) {
    if (next_eight_are_ascii(at, end)) {
      std::memcpy(out, at, 8);
      at += 8;
      out += 8;
      continue;
    }
    const std::uint32_t code = next_code_point(at, end);
    *out++ = byte_of_1252(code);
    if (code >= 0x10000) *out++ = '?';
  }
  return out;
}

void append_utf8_from_1252(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      out.push_back(c);
      continue;
    }
    const std::uint32_t code = byte < 0xA0 ? upper_controls[byte - 0x80u] : byte;
    if (code < 0x800) {
      out.push_back(static_cast<char>(0xC0 | code >> 6));
    } else {
      out.push_back(static_cast<char>(0xE0 | code >> 12));
      out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    }
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

std::string utf8_from_utf16le(std::string_view utf16le) {
  std::string out;
  const auto* bytes = reinterpret_cast<const std::byte*>(utf16le.data());
  if (append_utf8_from_utf16le(out, std::span(bytes, utf16le.size())).odd_length) {
    throw Error(ErrorKind::protocol, "a UTF-16 text has an odd number of bytes");
  }
  return out;
}

std::string_view first_utf16_units(std::string_view utf8, std::size_t units) {
  if (utf8.size() <= units) return utf8;
  const char* at = utf8.data();
  const char* end = at + utf8.size();
  while (at != end) {
    const char* before = at;
    const std::size_t taken = next_code_point(at, end) >= 0x10000 ? 2 : 1;
    if (taken > units) return utf8.substr(0, static_cast<std::size_t>(before - utf8.data()));
    units -= taken;
  }
  return utf8;
}

std::optional<std::string> utf8_from_collation(std::string_view bytes, std::string_view collation) {
  std::uint32_t flags_and_language = 0;
  std::memcpy(&flags_and_language, collation.data(), sizeof flags_and_language);
  if (flags_and_language & 0x04000000u) {  // fUTF8
    if (!is_valid_utf8(bytes)) return std::nullopt;
    return std::string(bytes);
  }
  const std::uint32_t language = flags_and_language & 0xFFFFu;
  // Languages whose Windows collations use code page 1252: the primary languages of Western Europe, and those
  // clients that send no collation at all.
  constexpr std::array<std::uint32_t, 18> western = {0x00, 0x03, 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0F,
                                                     0x10, 0x13, 0x14, 0x16, 0x1D, 0x21, 0x2D, 0x36, 0x38};
  const auto sort_id = static_cast<std::uint8_t>(collation[4]);
  bool known = (sort_id >= 50 && sort_id <= 54) || (sort_id >= 183 && sort_id <= 186);
  if (sort_id == 0) {
    for (const std::uint32_t primary : western)
      known = known || (language & 0x3FFu) == primary;
  }
  if (!known) return std::nullopt;
  std::string out;
  out.reserve(bytes.size());
  append_utf8_from_1252(out, bytes);
  return out;
}

void put_b_varchar(ByteBuffer& out, std::string_view utf8) {
  const std::string_view cut = first_utf16_units(utf8, 255);
  const std::size_t units = utf16_units(cut);
  out.u8(static_cast<std::uint8_t>(units));
  out.commit(write_utf16le(out.reserve(units * 2), cut));
}

void put_us_varchar(ByteBuffer& out, std::string_view utf8, std::size_t most_units) {
  const std::string_view cut = first_utf16_units(utf8, most_units);
  const std::size_t units = utf16_units(cut);
  out.u16(static_cast<std::uint16_t>(units));
  out.commit(write_utf16le(out.reserve(units * 2), cut));
}

}  // namespace tailrace::sim::tds
