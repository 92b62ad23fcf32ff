// 128-bit decimals, with 256-bit products where a result needs them.
#include "sim/tsql/values/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace tailrace::sim::tsql {
namespace {

const std::array<int128, 39>& powers() {
  static const std::array<int128, 39> table = [] {
    std::array<int128, 39> out{};
    out[0] = 1;
    for (std::size_t i = 1; i < out.size(); ++i)
      out[i] = out[i - 1] * 10;
    return out;
  }();
  return table;
}

struct Wide {  // An unsigned 256-bit number.
  uint128 high = 0;
  uint128 low = 0;
};

Wide wide_product(uint128 a, uint128 b) {
  const uint128 mask = (static_cast<uint128>(1) << 64) - 1;
  const uint128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
  const uint128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const uint128 middle = (p00 >> 64) + (p01 & mask) + (p10 & mask);
  return {p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), (p00 & mask) | (middle << 64)};
}

// Quotient and remainder by long division, bit by bit: rare and never on a row's fast path.
void wide_divide(const Wide& value, uint128 divisor, Wide& quotient, uint128& remainder) {
  quotient = {};
  remainder = 0;
  for (int bit = 255; bit >= 0; --bit) {
    const bool carry = (remainder >> 127) != 0;
    remainder <<= 1;
    const uint128 source = bit >= 128 ? value.high >> (bit - 128) : value.low >> bit;
    remainder |= source & 1;
    if (carry || remainder >= divisor) {
      remainder -= divisor;
      if (bit >= 128)
        quotient.high |= static_cast<uint128>(1) << (bit - 128);
      else
        quotient.low |= static_cast<uint128>(1) << bit;
    }
  }
}

uint128 magnitude(int128 value) {
  return value < 0 ? ~static_cast<uint128>(value) + 1 : static_cast<uint128>(value);
}

bool finish(const Wide& value, bool negative, int128& out) {
  if (value.high != 0 || value.low >= static_cast<uint128>(powers()[38])) return false;
  out = negative ? -static_cast<int128>(value.low) : static_cast<int128>(value.low);
  return true;
}

}  // namespace

int128 power_of_ten(int exponent) {
  return powers()[static_cast<std::size_t>(exponent)];
}

bool fits_precision(int128 value, int precision) {
  return magnitude(value) < static_cast<uint128>(powers()[static_cast<std::size_t>(precision)]);
}

bool rescale(int128 value, int from_scale, int to_scale, bool round, int128& out) {
  if (to_scale == from_scale) {
    out = value;
    return true;
  }
  if (to_scale > from_scale) {
    return finish(wide_product(magnitude(value), static_cast<uint128>(power_of_ten(to_scale - from_scale))),
                  value < 0, out);
  }
  const int128 divisor = power_of_ten(from_scale - to_scale);
  out = value / divisor;
  const int128 rest = value % divisor;
  if (round && magnitude(rest) * 2 >= static_cast<uint128>(divisor)) out += value < 0 ? -1 : 1;
  return true;
}

bool multiply(int128 left, int left_scale, int128 right, int right_scale, int scale, int128& out) {
  const bool negative = (left < 0) != (right < 0);
  Wide product = wide_product(magnitude(left), magnitude(right));
  int drop = left_scale + right_scale - scale;
  while (drop > 0) {
    const int step = std::min(drop, 38);
    const uint128 divisor = static_cast<uint128>(power_of_ten(step));
    Wide quotient;
    uint128 remainder = 0;
    wide_divide(product, divisor, quotient, remainder);
    drop -= step;
    if (drop == 0 && remainder * 2 >= divisor) {
      quotient.low += 1;
      if (quotient.low == 0) quotient.high += 1;
    }
    product = quotient;
  }
  return finish(product, negative, out);
}

bool divide(int128 left, int left_scale, int128 right, int right_scale, int scale, int128& out) {
  const bool negative = (left < 0) != (right < 0);
  int shift = scale - left_scale + right_scale;
  uint128 dividend = magnitude(left);
  uint128 divisor = magnitude(right);
  Wide scaled{0, dividend};
  if (shift >= 0) {
    if (shift > 38) {
      // Two steps: a product that overflows 256 bits overflows the result too, unless the divisor is large.
      scaled = wide_product(dividend, static_cast<uint128>(power_of_ten(38)));
      if (scaled.high != 0) return false;
      scaled = wide_product(scaled.low, static_cast<uint128>(power_of_ten(shift - 38)));
    } else {
      scaled = wide_product(dividend, static_cast<uint128>(power_of_ten(shift)));
    }
  } else {
    const Wide product = wide_product(divisor, static_cast<uint128>(power_of_ten(-shift)));
    if (product.high != 0) {
      out = 0;
      return true;
    }
    divisor = product.low;
  }
  Wide quotient;
  uint128 remainder = 0;
  wide_divide(scaled, divisor, quotient, remainder);
  return finish(quotient, negative, out);  // SQL Server cuts the quotient.
}

void append_decimal(std::string& out, int128 value, int scale) {
  std::array<char, 48> digits{};
  std::size_t at = digits.size();
  uint128 rest = magnitude(value);
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale > 0) digits[--at] = '.';
    digits[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (value < 0) digits[--at] = '-';
  out.append(digits.data() + at, digits.size() - at);
}

ParseResult parse_decimal(std::string_view text, int precision, int scale, int128& out) {
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  int128 value = 0;
  int fraction = -1;
  int digits = 0;
  bool round_up = false;
  bool any = false;
  for (; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte == '.') {
      if (fraction >= 0) return ParseResult::syntax;
      fraction = 0;
      continue;
    }
    if (byte < '0' || byte > '9') return ParseResult::syntax;
    any = true;
    if (fraction >= 0 && fraction >= scale) {
      if (fraction == scale) round_up = byte >= '5';
      ++fraction;
      continue;
    }
    if (value != 0 || byte != '0') ++digits;
    if (digits > 38) return ParseResult::overflow;
    value = value * 10 + (byte - '0');
    if (fraction >= 0) ++fraction;
  }
  if (!any) return ParseResult::syntax;
  int present = std::min(std::max(fraction, 0), scale);
  for (; present < scale; ++present) {
    if (value > powers()[37]) return ParseResult::overflow;
    value *= 10;
  }
  if (round_up) value += 1;
  if (!fits_precision(value, precision)) return ParseResult::overflow;
  out = negative ? -value : value;
  return ParseResult::ok;
}

double to_double(int128 value, int scale) {
  if (scale == 0 && magnitude(value) < (static_cast<uint128>(1) << 63))
    return static_cast<double>(static_cast<std::int64_t>(value));
  std::string text;
  append_decimal(text, value, scale);
  return std::strtod(text.c_str(), nullptr);
}

bool from_double(double value, int precision, int scale, int128& out) {
  if (!std::isfinite(value) || std::fabs(value) >= 1e38) return false;
  // 17 significant digits, as SQL Server converts, then rounded to the scale.
  std::array<char, 400> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.16e", value);
  char* exponent_text = std::find(buffer.data(), buffer.data() + buffer.size(), 'e');
  const int exponent = std::atoi(exponent_text + 1);
  std::string digits;
  for (const char* at = buffer.data(); at != exponent_text; ++at) {
    if (*at >= '0' && *at <= '9') digits.push_back(*at);
  }
  std::string text = value < 0 ? "-" : "";
  if (exponent >= 0) {
    while (static_cast<int>(digits.size()) <= exponent)
      digits.push_back('0');
    text += digits.substr(0, static_cast<std::size_t>(exponent) + 1) + "." +
            digits.substr(static_cast<std::size_t>(exponent) + 1);
  } else {
    text += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  }
  if (text.back() == '.') text.pop_back();
  return parse_decimal(text, precision, scale, out) == ParseResult::ok;
}

}  // namespace tailrace::sim::tsql
