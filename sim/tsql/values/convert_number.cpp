// Conversions to numbers: integers, exact and approximate ones.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "sim/tsql/values/convert.h"
#include "sim/tsql/values/convert_internal.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

struct IntegerRange {
  std::int64_t low;
  std::int64_t high;
};

IntegerRange range_of(Type type) {
  switch (type) {
    case Type::tinyint: return {0, 255};
    case Type::smallint: return {-32768, 32767};
    case Type::int_:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    default: return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() &&
         (text.front() == ' ' || text.front() == '\t' || text.front() == '\n' || text.front() == '\r'))
    text.remove_prefix(1);
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

bool arithmetic_overflow(const TypeInfo& from, const Cell& in, const TypeInfo& to, ConversionError& error) {
  const bool small = to.type == Type::tinyint || to.type == Type::smallint;
  if (small && is_integer(from.type)) {
    return fail(error, 220,
                "Arithmetic overflow error for data type " + std::string(type_name(to)) +
                    ", value = " + std::to_string(in.number) + ".");
  }
  if (from.type == Type::float_ || from.type == Type::real) {
    return fail(error, to.type == Type::decimal ? 8115 : 232,
                to.type == Type::decimal
                    ? "Arithmetic overflow error converting " + std::string(type_name(from)) +
                          " to data type numeric."
                    : "Arithmetic overflow error for type " + std::string(type_name(to)) +
                          ", value = " + std::to_string(in.real) + ".");
  }
  const std::string source = from.type == Type::decimal ? "numeric"
                             : is_text(from.type) || (is_integer(from.type) && to.type == Type::decimal)
                                 ? std::string(type_name(from))
                                 : "expression";
  return fail(error, 8115,
              "Arithmetic overflow error converting " + source + " to data type " +
                  (to.type == Type::decimal ? "numeric" : std::string(type_name(to))) + ".");
}

bool text_to_integer(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out,
                     ConversionError& error) {
  const std::string_view text = trimmed(in.text);
  const auto refuse = [&] {
    return fail(error, to.type == Type::bigint ? 8114 : 245,
                to.type == Type::bigint
                    ? "Error converting data type " + std::string(type_name(from)) + " to bigint."
                    : "Conversion failed when converting the " + std::string(type_name(from)) + " value '" +
                          std::string(in.text) + "' to data type " + std::string(type_name(to)) + ".");
  };
  if (to.type == Type::bit) {
    std::string word(text);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
    if (word == "true" || word == "false") {
      out.number = word == "true" ? 1 : 0;
      return true;
    }
  }
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  if (at == text.size() && !text.empty()) return refuse();
  int128 value = 0;
  for (; at < text.size(); ++at) {
    if (text[at] < '0' || text[at] > '9') return refuse();
    if (value < power_of_ten(20)) value = value * 10 + (text[at] - '0');
  }
  if (negative) value = -value;
  if (to.type == Type::bit) {
    out.number = value != 0 ? 1 : 0;
    return true;
  }
  const IntegerRange range = range_of(to.type);
  if (value < range.low || value > range.high) {
    if (to.type == Type::bigint) {
      return fail(error, 8115, "Arithmetic overflow error converting expression to data type bigint.");
    }
    const std::string column = to.type == Type::tinyint    ? "an INT1"
                               : to.type == Type::smallint ? "an INT2"
                                                           : "an int";
    return fail(error, to.type == Type::int_ ? 248 : 244,
                "The conversion of the " + std::string(type_name(from)) + " value '" + std::string(in.text) +
                    "' overflowed " + column + " column." +
                    (to.type == Type::int_ ? "" : " Use a larger integer column."));
  }
  out.number = static_cast<std::int64_t>(value);
  return true;
}

std::int64_t integer_of_bytes(std::string_view bytes, int width) {
  std::uint64_t value = 0;
  const std::size_t take = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(width));
  for (const char byte : bytes.substr(bytes.size() - take))
    value = (value << 8U) | static_cast<unsigned char>(byte);
  switch (width) {
    case 1: return static_cast<std::uint8_t>(value);
    case 2: return static_cast<std::int16_t>(value);
    case 4: return static_cast<std::int32_t>(value);
    default: return static_cast<std::int64_t>(value);
  }
}

}  // namespace

bool to_integer(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out,
                ConversionError& error) {
  if (is_text(from.type)) return text_to_integer(from, in, to, out, error);
  int128 value = 0;
  if (is_integer(from.type)) {
    value = in.number;
  } else if (from.type == Type::decimal) {
    if (to.type == Type::bit) {
      value = in.decimal != 0 ? 1 : 0;
    } else if (!rescale(in.decimal, from.scale, 0, false, value)) {
      return arithmetic_overflow(from, in, to, error);
    }
  } else if (is_money(from.type)) {
    if (to.type == Type::bit)
      value = in.decimal != 0 ? 1 : 0;
    else if (!rescale(in.decimal, 4, 0, true, value))
      return arithmetic_overflow(from, in, to, error);
  } else if (is_float(from.type)) {
    if (to.type == Type::bit) {
      value = in.real != 0.0 ? 1 : 0;
    } else {
      const double cut = std::trunc(in.real);
      if (!(cut >= -9.3e18 && cut <= 9.3e18)) return arithmetic_overflow(from, in, to, error);
      value = static_cast<int128>(cut);
    }
  } else if (is_bytes(from.type)) {
    if (to.type == Type::bit) {
      out.number = std::any_of(in.text.begin(), in.text.end(), [](char byte) { return byte != 0; }) ? 1 : 0;
    } else {
      out.number = integer_of_bytes(in.text, to.length);
    }
    return true;
  } else {  // datetime, smalldatetime: days since 1900, rounded
    const Moment moment = moment_of(from, in);
    const std::int64_t since = moment.ticks - days_to_1900 * ticks_per_day;
    const std::int64_t half = ticks_per_day / 2;
    value = (since >= 0 ? since + half : since - half + 1) / ticks_per_day;
  }
  if (to.type == Type::bit) {
    out.number = value != 0 ? 1 : 0;
    return true;
  }
  const IntegerRange range = range_of(to.type);
  if (value < range.low || value > range.high) return arithmetic_overflow(from, in, to, error);
  out.number = static_cast<std::int64_t>(value);
  return true;
}

namespace {

bool text_to_money(const Cell& in, const TypeInfo& to, Value& out, ConversionError& error) {
  std::string digits;
  for (const char byte : trimmed(in.text)) {
    if (byte != ',' && byte != '$') digits.push_back(byte);
  }
  if (digits.empty()) {
    out.decimal = 0;
    return true;
  }
  const ParseResult result = parse_decimal(digits, 38, 4, out.decimal);
  if (result == ParseResult::syntax) {
    return fail(error, 235, "Cannot convert a char value to money. The char value has incorrect syntax.");
  }
  const int128 limit = to.type == Type::money ? std::numeric_limits<std::int64_t>::max()
                                              : std::numeric_limits<std::int32_t>::max();
  if (result == ParseResult::overflow || out.decimal > limit || out.decimal < -limit - 1) {
    return fail(
        error, 8115,
        "Arithmetic overflow error converting expression to data type " + std::string(type_name(to)) + ".");
  }
  return true;
}

}  // namespace

bool to_exact(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error) {
  const bool money = is_money(to.type);
  const int scale = money ? 4 : to.scale;
  if (is_text(from.type)) {
    if (money) return text_to_money(in, to, out, error);
    const std::string_view text = trimmed(in.text);
    switch (parse_decimal(text, to.precision, to.scale, out.decimal)) {
      case ParseResult::ok: return true;
      case ParseResult::syntax:
        return fail(error, 8114,
                    "Error converting data type " + std::string(type_name(from)) + " to numeric.");
      case ParseResult::overflow: return arithmetic_overflow(from, in, to, error);
    }
  }
  bool fits = true;
  if (is_integer(from.type)) {
    fits = rescale(in.number, 0, scale, true, out.decimal);
  } else if (from.type == Type::decimal) {
    fits = rescale(in.decimal, from.scale, scale, true, out.decimal);
  } else if (is_money(from.type)) {
    fits = rescale(in.decimal, 4, scale, true, out.decimal);
  } else if (is_float(from.type)) {
    fits = from_double(in.real, 38, scale, out.decimal);
  } else if (is_bytes(from.type) && money) {
    out.decimal = integer_of_bytes(in.text, to.length);
  } else {
    const Moment moment = moment_of(from, in);
    const double days =
        static_cast<double>(moment.ticks - days_to_1900 * ticks_per_day) / static_cast<double>(ticks_per_day);
    fits = from_double(days, 38, scale, out.decimal);
  }
  if (money) {
    const int128 limit = to.type == Type::money ? std::numeric_limits<std::int64_t>::max()
                                                : std::numeric_limits<std::int32_t>::max();
    fits = fits && out.decimal <= limit && out.decimal >= -limit - 1;
  } else {
    fits = fits && fits_precision(out.decimal, to.precision);
  }
  return fits || arithmetic_overflow(from, in, to, error);
}

bool to_float(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error) {
  if (is_text(from.type)) {
    const std::string text(trimmed(in.text));
    char* end = nullptr;
    out.real = text.empty() ? 0.0 : std::strtod(text.c_str(), &end);
    const bool odd =
        text.find_first_not_of("0123456789+-.eE") != std::string::npos;  // strtod takes inf, nan, hex
    if (!text.empty() && (odd || end != text.c_str() + text.size() || !std::isfinite(out.real))) {
      return fail(error, 8114,
                  "Error converting data type " + std::string(type_name(from)) + " to " +
                      std::string(type_name(to)) + ".");
    }
  } else if (is_integer(from.type)) {
    out.real = static_cast<double>(in.number);
  } else if (from.type == Type::decimal) {
    out.real = to_double(in.decimal, from.scale);
  } else if (is_money(from.type)) {
    out.real = to_double(in.decimal, 4);
  } else if (is_float(from.type)) {
    out.real = in.real;
  } else if (is_bytes(from.type)) {
    if (in.text.size() != 8 && in.text.size() != 4)
      return fail(error, 8114, "Error converting data type varbinary to float.");
    std::uint64_t bits = 0;
    for (const char byte : in.text)
      bits = (bits << 8U) | static_cast<unsigned char>(byte);
    if (in.text.size() == 8) {
      std::memcpy(&out.real, &bits, 8);
    } else {
      const auto narrow = static_cast<std::uint32_t>(bits);
      float value = 0;
      std::memcpy(&value, &narrow, 4);
      out.real = static_cast<double>(value);
    }
  } else {
    out.real = static_cast<double>(moment_of(from, in).ticks - days_to_1900 * ticks_per_day) /
               static_cast<double>(ticks_per_day);
  }
  if (to.type == Type::real) {
    const auto narrow = static_cast<float>(out.real);
    if (std::isinf(narrow))
      return fail(error, 232,
                  "Arithmetic overflow error for type real, value = " + std::to_string(out.real) + ".");
    out.real = static_cast<double>(narrow);
  }
  return true;
}

}  // namespace tailrace::sim::tsql
