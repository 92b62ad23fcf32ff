// UTF-16LE <-> UTF-8.
#include "base/utf.h"

#include <bit>
#include <cstring>

#include "base/error.h"

namespace tailrace {
namespace {

static_assert(std::endian::native == std::endian::little, "four units are taken for one number");

std::uint32_t unit_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) | static_cast<std::uint32_t>(bytes[at + 1]) << 8;
}

// Four units at once: most text is ASCII.
std::uint64_t four_units_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t four = 0;
  std::memcpy(&four, bytes.data() + at, sizeof four);
  return four;
}

bool are_ascii_without_zero(std::uint64_t four) {
  constexpr std::uint64_t above_ascii = 0xFF80FF80FF80FF80;
  constexpr std::uint64_t ones = 0x0001000100010001;
  constexpr std::uint64_t tops = 0x8000800080008000;
  // One below a zero has its top bit set; one below another ASCII unit has not.
  return ((four & above_ascii) | ((four - ones) & tops)) == 0;
}

char* put_four(char* out, std::uint64_t four) {
  four = (four | four >> 8) & 0x0000FFFF0000FFFF;
  const auto packed = static_cast<std::uint32_t>(four | four >> 16);
  std::memcpy(out, &packed, sizeof packed);
  return out + sizeof packed;
}

struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 0;  // 0: not UTF-8.
};

Decoded decode(std::string_view text, std::size_t at, bool surrogates_allowed) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  std::uint32_t code = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3Fu);
  }
  if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10FFFF))) return {};
  if (!surrogates_allowed && code >= 0xD800 && code <= 0xDFFF) return {};
  return {code, length};
}

}  // namespace

char* write_utf8_from_utf16le(char* out, std::span<const std::byte> bytes, TextFaults& faults) {
  const std::size_t end = bytes.size() & ~std::size_t{1};
  if (end != bytes.size()) faults.odd_length = true;
  for (std::size_t at = 0; at < end;) {
    while (end - at >= 8) {
      const std::uint64_t four = four_units_at(bytes, at);
      if (!are_ascii_without_zero(four)) break;
      out = put_four(out, four);
      at += 8;
    }
    if (at == end) break;
    std::uint32_t code = unit_at(bytes, at);
    at += 2;
    if (code < 0x80) {
      if (code == 0) faults.zero = true;
      *out++ = static_cast<char>(code);
      continue;
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
      const std::uint32_t low = at < end ? unit_at(bytes, at) : 0;
      if (code <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      } else {
        faults.lone_surrogate = true;
      }
    }
    out = write_utf8(out, code);
  }
  return out;
}

TextFaults append_utf8_from_utf16le(std::string& out, std::span<const std::byte> bytes) {
  TextFaults faults;
  const std::size_t before = out.size();
  out.resize(before + bytes.size() / 2 * 3);
  const char* end = write_utf8_from_utf16le(out.data() + before, bytes, faults);
  out.resize(static_cast<std::size_t>(end - out.data()));
  return faults;
}

std::string utf16le_from_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 2);
  const auto unit = [&](std::uint32_t value) {
    out += static_cast<char>(value & 0xFF);
    out += static_cast<char>(value >> 8);
  };
  for (std::size_t at = 0; at < text.size();) {
    const Decoded decoded = decode(text, at, /*surrogates_allowed=*/true);
    if (decoded.length == 0) {
      throw Error(ErrorKind::protocol, "text is not UTF-8").with("byte", std::to_string(at));
    }
    at += decoded.length;
    if (decoded.code < 0x10000) {
      unit(decoded.code);
    } else {
      unit(0xD800 + ((decoded.code - 0x10000) >> 10));
      unit(0xDC00 + ((decoded.code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded decoded = decode(text, at, /*surrogates_allowed=*/false);
    if (decoded.length == 0) return false;
    at += decoded.length;
  }
  return true;
}

}  // namespace tailrace
