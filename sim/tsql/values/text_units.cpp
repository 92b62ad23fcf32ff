// Text as UTF-16 units and as bytes of code pages.
#include <algorithm>
#include <array>

#include "sim/storage/code_page.h"
#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

namespace {

// The code point at `at`, which moves on; WTF-8, assumed well formed.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (at + length > text.size()) {
    at = text.size();
    return 0xFFFD;
  }
  char32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  at += length;
  return point;
}

void append_code_point(std::string& out, char32_t point) {
  const auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    push(point);
  } else if (point < 0x800) {
    push(0xC0 | (point >> 6));
    push(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    push(0xE0 | (point >> 12));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  } else {
    push(0xF0 | (point >> 18));
    push(0x80 | ((point >> 12) & 0x3F));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  }
}

// Code page 1252, bytes 0x80 to 0x9F; what it leaves open maps to itself.
constexpr std::array<char32_t, 32> high_points{
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

int byte_of(char32_t point) {
  if (point < 0x80 || (point >= 0xA0 && point <= 0xFF)) return static_cast<int>(point);
  const auto* found = std::find(high_points.begin(), high_points.end(), point);
  return found == high_points.end() ? -1 : 0x80 + static_cast<int>(found - high_points.begin());
}

}  // namespace

std::int64_t utf16_length(std::string_view utf8) {
  std::int64_t units = 0;
  for (const char byte : utf8) {
    const auto value = static_cast<unsigned char>(byte);
    if ((value & 0xC0U) != 0x80U) units += value >= 0xF0U ? 2 : 1;
  }
  return units;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t point = next_code_point(utf8, at);
    if (point < 0x10000) {
      out.push_back(static_cast<char16_t>(point));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return out;
}

std::string from_utf16(std::u16string_view units) {
  std::string out;
  out.reserve(units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    char32_t point = units[i];
    if (point >= 0xD800 && point < 0xDC00 && i + 1 < units.size() && units[i + 1] >= 0xDC00 &&
        units[i + 1] < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (units[++i] - 0xDC00U);
    }
    append_code_point(out, point);
  }
  return out;
}

std::string to_code_page(std::string_view utf8, std::uint16_t page) {
  if (is_ascii(utf8)) return std::string(utf8);
  if (page != 0) return encode_code_page(utf8, page);
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t point = next_code_point(utf8, at);
    const int byte = byte_of(point);
    if (byte >= 0) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.append(point >= 0x10000 ? "??" : "?");
    }
  }
  return out;
}

std::string from_code_page(std::string_view bytes, std::uint16_t page) {
  if (is_ascii(bytes)) return std::string(bytes);
  if (page != 0) return decode_code_page(bytes, page);
  std::string out;
  for (const char raw : bytes) {
    const auto byte = static_cast<unsigned char>(raw);
    append_code_point(out, byte >= 0x80 && byte < 0xA0 ? high_points[byte - 0x80U] : byte);
  }
  return out;
}

void make_code_page_text(std::string& utf8, std::uint16_t page) {
  if (is_ascii(utf8)) return;
  utf8 = from_code_page(to_code_page(utf8, page), page);
}

}  // namespace tailrace::sim::tsql
