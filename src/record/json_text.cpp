// JSON's strings, numbers and base64.
#include "record/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace tailrace::record {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr char pair_mark = 'p';

// 0: as it is; 'u': \u00XX; pair_mark: the first byte of four; else the letter behind the backslash.
constexpr std::array<char, 256> escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i)
    table[i] = 'u';
  table['\b'] = 'b';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\f'] = 'f';
  table['\r'] = 'r';
  table['"'] = '"';
  table['\\'] = '\\';
  for (std::size_t i = 0xF0; i < 0xF8; ++i)
    table[i] = pair_mark;
  return table;
}();

constexpr std::array<std::int8_t, 256> base64_values = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < base64_digits.size(); ++i)
    table[static_cast<std::uint8_t>(base64_digits[i])] = static_cast<std::int8_t>(i);
  return table;
}();

// The shortest digits; where one is enough, the closest two, as long as they are still this number: 4.9E-324, not 5.0E-324.
template <class Number>
const char* java_digits(char* begin, char* limit, Number value) {
  const char* const end = std::to_chars(begin, limit, value, std::chars_format::scientific).ptr;
  if (std::find(begin, const_cast<char*>(end), '.') != end) return end;
  char two[40];
  const char* const two_end =
      std::to_chars(two, two + sizeof two, value, std::chars_format::scientific, 1).ptr;
  Number again{};
  std::from_chars(two, two_end, again);
  return again == value ? std::copy(static_cast<const char*>(two), two_end, begin) : end;
}

void put_escaped(ByteBuffer& out, std::uint32_t unit) {
  out.put_bytes("\\u");
  for (int shift = 12; shift >= 0; shift -= 4)
    out.put_byte(hex_digits[unit >> shift & 15]);
}

void put_surrogates(ByteBuffer& out, std::string_view four) {
  std::uint32_t point = static_cast<std::uint8_t>(four[0]) & 7U;
  for (const char c : four.substr(1))
    point = point << 6 | (static_cast<std::uint8_t>(c) & 63U);
  point -= 0x10000;
  put_escaped(out, 0xD800 + (point >> 10 & 0x3FF));
  put_escaped(out, 0xDC00 + (point & 0x3FF));
}

template <class Number>
void put_java_number(ByteBuffer& out, Number value) {
  if (!std::isfinite(value)) {
    out.put_bytes(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  char digits[40];
  const char* const end = java_digits(digits, digits + sizeof digits, value);
  std::string_view text(digits, static_cast<std::size_t>(end - digits));
  if (text.front() == '-') {
    out.put_byte('-');
    text.remove_prefix(1);
  }
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const bool plus = text[mark + 1] == '+';
  std::from_chars(text.data() + mark + (plus ? 2 : 1), text.data() + text.size(), exponent);
  std::string shown(1, text[0]);  // Its digits without the point.
  if (mark > 2) shown += text.substr(2, mark - 2);
  if (shown.size() == 2 && shown[1] == '0') shown.pop_back();

  if (exponent < -3 || exponent >= 7) {
    if (shown.size() == 1) shown += '0';
    shown.insert(1, 1, '.');
    shown += 'E' + std::to_string(exponent);
  } else if (exponent < 0) {
    shown.insert(0, "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0'));
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (shown.size() <= whole) shown.append(whole + 1 - shown.size(), '0');
    shown.insert(whole, 1, '.');
  }
  out.put_bytes(value == 0 ? "0.0" : shown);
}

}  // namespace

void put_json_string(ByteBuffer& out, std::string_view text, Supplementary supplementary) {
  out.put_byte('"');
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const char escape = escapes[byte];
    if (escape == 0 ||
        (escape == pair_mark && (supplementary == Supplementary::plain || i + 4 > text.size())))
      continue;
    out.put_bytes(text.substr(begin, i - begin));
    if (escape == pair_mark) {
      put_surrogates(out, text.substr(i, 4));
      i += 3;
    } else if (escape == 'u') {
      put_escaped(out, byte);
    } else {
      out.put_byte('\\');
      out.put_byte(escape);
    }
    begin = i + 1;
  }
  out.put_bytes(text.substr(begin));
  out.put_byte('"');
}

void put_integer(ByteBuffer& out, std::int64_t value) {
  char* const at = out.room(20);
  out.end_at(std::to_chars(at, at + 20, value).ptr);
}

void put_double(ByteBuffer& out, double value) {
  put_java_number(out, value);
}

void put_float(ByteBuffer& out, float value) {
  put_java_number(out, value);
}

void put_base64(ByteBuffer& out, std::string_view bytes) {
  char* at = out.extend((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<std::uint8_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      *at++ = k <= count ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
  }
}

bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i)
      text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return false;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char digit : text) {
    const std::int8_t value = base64_values[static_cast<std::uint8_t>(digit)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFF);
  }
  return true;
}

std::string text_of_latin1(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

bool latin1_of_text(std::string_view text, std::string& bytes) {
  bytes.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x80) {
      bytes += text[i];
      continue;
    }
    if ((byte != 0xC2 && byte != 0xC3) || i + 1 == text.size()) return false;
    bytes += static_cast<char>((byte & 0x03) << 6 | (static_cast<std::uint8_t>(text[++i]) & 0x3F));
  }
  return true;
}

}  // namespace tailrace::record
