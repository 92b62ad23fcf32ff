// Conversions to text and to bytes.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/utf.h"
#include "sim/tsql/values/convert_internal.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

void append_hex(std::string& out, std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char raw : bytes) {
    const auto byte = static_cast<unsigned char>(raw);
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 0xFU]);
  }
}

// An exponent of at least three digits, as SQL Server prints it.
std::string with_long_exponent(std::string text) {
  const std::size_t at = text.find('e');
  if (at == std::string::npos) return text;
  std::string digits = text.substr(at + 2);
  while (digits.size() < 3)
    digits.insert(digits.begin(), '0');
  return text.substr(0, at + 2) + digits;
}

std::string float_text(double value, bool single, int style) {
  std::array<char, 64> buffer{};
  switch (style) {
    case 1: std::snprintf(buffer.data(), buffer.size(), "%.7e", value); break;
    case 2: std::snprintf(buffer.data(), buffer.size(), "%.15e", value); break;
    case 3: std::snprintf(buffer.data(), buffer.size(), single ? "%.8e" : "%.16e", value); break;
    default: std::snprintf(buffer.data(), buffer.size(), "%.6g", value); break;
  }
  return with_long_exponent(buffer.data());
}

std::string money_text(int128 value, int style) {
  std::string out;
  if (style == 2 || style == 126) {
    append_decimal(out, value, 4);
    return out;
  }
  int128 cents = 0;
  if (!rescale(value, 4, 2, true, cents)) cents = 0;
  append_decimal(out, cents, 2);
  if (style == 1) {
    std::size_t at = out.size() - 3;
    while (at > (out.front() == '-' ? 4U : 3U)) {
      at -= 3;
      out.insert(at, ",");
    }
  }
  return out;
}

bool has_only_blanks(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) { return byte == ' '; });
}

// The same for code pages other than 1252: there the length counts bytes of the code page.
bool fit_code_page_text(std::string& text, const TypeInfo& to, ConversionUse use) {
  const auto limit = static_cast<std::size_t>(to.length);
  std::size_t at = 0;
  std::size_t bytes = 0;
  while (at < text.size()) {
    std::size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0U) == 0x80U)
      ++next;
    const std::size_t more = to_code_page(std::string_view(text).substr(at, next - at), to.code_page).size();
    if (bytes + more > limit) break;
    bytes += more;
    at = next;
  }
  if (use == ConversionUse::assignment && !has_only_blanks(std::string_view(text).substr(at))) return false;
  text.resize(at);
  if (is_fixed_length(to.type)) text.append(limit - bytes, ' ');
  return true;
}

// Cuts `text` to the target's length, pads it for fixed lengths. False: more than blanks would be lost in an
// assignment.
bool fit_text(std::string& text, const TypeInfo& to, ConversionUse use) {
  if (to.length < 0) return true;
  const std::int64_t limit = units_of(to);
  if (to.code_page != 0) return fit_code_page_text(text, to, use);
  std::int64_t units = static_cast<std::int64_t>(text.size());
  if (units > limit || is_fixed_length(to.type)) units = utf16_length(text);
  if (units > limit) {
    std::u16string all = to_utf16(text);
    const std::string rest = from_utf16(std::u16string_view(all).substr(static_cast<std::size_t>(limit)));
    if (use == ConversionUse::assignment && !has_only_blanks(rest)) return false;
    all.resize(static_cast<std::size_t>(limit));
    text = from_utf16(all);
  } else if (is_fixed_length(to.type)) {
    text.append(static_cast<std::size_t>(limit - units), ' ');
  }
  return true;
}

bool too_small(const TypeInfo& from, const TypeInfo& to, ConversionError& error) {
  if (from.type == Type::uniqueidentifier) {
    return fail(error, 8170, "Insufficient result space to convert uniqueidentifier value to char.");
  }
  if (is_money(from.type)) {
    return fail(
        error, 234,
        "There is insufficient result space to convert a money value to " + std::string(type_name(to)) + ".");
  }
  const std::string source = from.type == Type::decimal ? "numeric"
                             : is_integer(from.type)    ? "expression"
                                                        : std::string(type_name(from));
  return fail(
      error, 8115,
      "Arithmetic overflow error converting " + source + " to data type " + std::string(type_name(to)) + ".");
}

}  // namespace

bool to_text(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
             ConversionError& error, ConversionUse use) {
  out.text.clear();
  const bool wide = is_wide_text(to.type);
  bool exact = true;  // The text is a number's: it must not be cut.
  if (is_text(from.type)) {
    out.text.assign(in.text);
    if (!wide && (is_wide_text(from.type) || from.code_page != to.code_page))
      make_code_page_text(out.text, to.code_page);
    exact = false;
  } else if (is_integer(from.type)) {
    std::array<char, 24> buffer{};
    const auto [end, code] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), in.number);
    (void)code;
    out.text.assign(buffer.data(), end);
    if (to.length >= 0 && static_cast<std::int64_t>(out.text.size()) > units_of(to) && !wide &&
        use == ConversionUse::cast && from.type != Type::bigint) {
      out.text = "*";
    }
  } else if (from.type == Type::decimal) {
    append_decimal(out.text, in.decimal, from.scale);
  } else if (is_money(from.type)) {
    out.text = money_text(in.decimal, style);
  } else if (is_float(from.type)) {
    out.text = float_text(in.real, from.type == Type::real, style);
  } else if (is_temporal(from.type)) {
    if (!format_moment(from, moment_of(from, in), style, out.text)) {
      return fail(error, 281,
                  std::to_string(style) + " is not a valid style number when converting from " +
                      std::string(type_name(from)) + " to a character string.");
    }
    exact = false;
  } else if (is_bytes(from.type)) {
    exact = false;
    if (style == 1 || style == 2) {
      if (style == 1) out.text = "0x";
      append_hex(out.text, in.text);
    } else if (wide) {
      const std::string_view even = in.text.substr(0, in.text.size() / 2 * 2);
      append_utf8_from_utf16le(out.text, std::as_bytes(std::span<const char>(even.data(), even.size())));
    } else {
      out.text = from_code_page(in.text, to.code_page);
    }
  } else {
    out.text = format_guid(in.text);
  }
  if (exact && to.length >= 0 && static_cast<std::int64_t>(out.text.size()) > units_of(to))
    return too_small(from, to, error);
  if (!fit_text(out.text, to, use)) {
    return fail(error, 8152, "String or binary data would be truncated.");
  }
  return true;
}

bool to_bytes(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
              ConversionError& error, ConversionUse use) {
  out.text.clear();
  bool from_left = true;  // Which end is kept when the target is shorter: numbers keep their low bytes.
  const auto big_endian = [&](std::uint64_t value, int width) {
    for (int shift = (width - 1) * 8; shift >= 0; shift -= 8)
      out.text.push_back(static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU));
  };
  if (is_bytes(from.type) || from.type == Type::uniqueidentifier) {
    out.text.assign(in.text);
  } else if (is_text(from.type)) {
    if (style == 1 || style == 2) {
      std::string_view hex = in.text;
      while (!hex.empty() && hex.back() == ' ')
        hex.remove_suffix(1);
      const bool prefixed = hex.starts_with("0x") || hex.starts_with("0X");
      const auto digit = [](char byte) {
        return byte >= '0' && byte <= '9'   ? byte - '0'
               : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
               : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                            : -1;
      };
      bool good = prefixed == (style == 1);
      if (style == 1 && prefixed) hex.remove_prefix(2);
      good = good && hex.size() % 2 == 0 &&
             std::all_of(hex.begin(), hex.end(), [&](char byte) { return digit(byte) >= 0; });
      if (!good)
        return fail(error, 8114,
                    "Error converting data type " + std::string(type_name(from)) + " to varbinary.");
      for (std::size_t i = 0; i < hex.size(); i += 2)
        out.text.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
    } else if (is_wide_text(from.type)) {
      for (const char16_t unit : to_utf16(in.text)) {
        out.text.push_back(static_cast<char>(unit & 0xFF));
        out.text.push_back(static_cast<char>(unit >> 8));
      }
    } else {
      out.text = to_code_page(in.text, from.code_page);
    }
  } else if (is_integer(from.type)) {
    big_endian(static_cast<std::uint64_t>(in.number), from.length);
    from_left = false;
  } else if (is_money(from.type)) {
    big_endian(static_cast<std::uint64_t>(static_cast<std::int64_t>(in.decimal)), from.length);
    from_left = false;
  } else if (from.type == Type::float_) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &in.real, 8);
    big_endian(bits, 8);
    from_left = false;
  } else if (from.type == Type::real) {
    const auto narrow = static_cast<float>(in.real);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &narrow, 4);
    big_endian(bits, 4);
    from_left = false;
  } else {
    return fail(error, 529,
                "Explicit conversion from data type " + std::string(type_name(from)) + " to " +
                    std::string(type_name(to)) + " is not allowed.");
  }
  if (to.length < 0) return true;
  const auto limit = static_cast<std::size_t>(to.length);
  if (out.text.size() > limit) {
    if (use == ConversionUse::assignment && from_left)
      return fail(error, 8152, "String or binary data would be truncated.");
    out.text = from_left ? out.text.substr(0, limit) : out.text.substr(out.text.size() - limit);
  } else if (to.type == Type::binary && out.text.size() < limit) {
    if (from_left)
      out.text.append(limit - out.text.size(), '\0');
    else
      out.text.insert(0, limit - out.text.size(), '\0');
  }
  return true;
}

}  // namespace tailrace::sim::tsql
