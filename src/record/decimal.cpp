// Decimals: two's complement of any length, and their texts.
#include "record/decimal.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include "base/error.h"

namespace tailrace::record {
namespace {

constexpr std::uint32_t billion = 1'000'000'000;
constexpr std::size_t max_digits = 9'600;

[[noreturn]] void refuse_decimal(std::string_view why) {
  throw Error(ErrorKind::data, "Not a decimal of its schema: " + std::string(why) + ".");
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// A number without its sign, in limbs of 32 bits, the lowest first.
using Limbs = std::vector<std::uint32_t>;

Limbs magnitude_of(std::string_view bytes, bool negative) {
  Limbs limbs((bytes.size() + 3) / 4, 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t place = bytes.size() - 1 - i;
    const std::uint32_t byte = negative ? static_cast<std::uint8_t>(~byte_at(bytes, i)) : byte_at(bytes, i);
    limbs[place / 4] |= byte << (8 * (place % 4));
  }
  for (std::size_t i = 0; negative && i < limbs.size(); ++i) {
    if (++limbs[i] != 0) break;  // The carry goes on while a limb runs over.
  }
  // 0x80 00 00 00 turned around is one bit more than its bytes had: it is in the limb, or in one that is not there.
  if (negative && bytes.size() % 4 == 0 &&
      std::all_of(limbs.begin(), limbs.end(), [](auto l) { return l == 0; })) {
    limbs.push_back(1);
  }
  return limbs;
}

std::uint32_t divide(Limbs& limbs, std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    rest = rest << 32 | limbs[i];
    limbs[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  while (!limbs.empty() && limbs.back() == 0)
    limbs.pop_back();
  return static_cast<std::uint32_t>(rest);
}

void multiply_and_add(Limbs& limbs, std::uint32_t factor, std::uint32_t summand) {
  std::uint64_t carry = summand;
  for (std::uint32_t& limb : limbs) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
}

// Without sign and leading zeros; "0" for zero.
std::string digits_of(std::string_view bytes, bool negative) {
  Limbs limbs = magnitude_of(bytes, negative);
  std::string reversed;
  while (!limbs.empty()) {
    std::uint32_t part = divide(limbs, billion);
    for (int i = 0; i < 9; ++i, part /= 10)
      reversed += static_cast<char>('0' + part % 10);
  }
  while (!reversed.empty() && reversed.back() == '0')
    reversed.pop_back();
  if (reversed.empty()) return "0";
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::string bytes_of_digits(std::string_view digits, bool negative) {
  Limbs limbs;
  for (const char digit : digits)
    multiply_and_add(limbs, 10, static_cast<std::uint32_t>(digit - '0'));
  std::string bytes;  // The lowest first.
  std::uint32_t carry = 1;
  for (std::size_t i = 0; i <= limbs.size() * 4; ++i) {
    const std::uint32_t limb = i / 4 < limbs.size() ? limbs[i / 4] : 0;
    std::uint32_t byte = limb >> (8 * (i % 4)) & 0xFF;
    if (negative) {
      byte = (~byte & 0xFF) + carry;
      carry = byte >> 8;
    }
    bytes += static_cast<char>(byte);
  }
  // The sign's bytes that say nothing new.
  while (bytes.size() > 1) {
    const bool next_is_negative = (bytes[bytes.size() - 2] & 0x80) != 0;
    const auto top = static_cast<std::uint8_t>(bytes.back());
    if (top != (next_is_negative ? 0xFF : 0x00)) break;
    bytes.pop_back();
  }
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

// A text's parts: digits without the point, and how many of them are behind it.
struct Parts {
  bool negative = false;
  std::string digits;
  std::int64_t scale = 0;
};

std::int64_t exponent_of(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  std::int64_t exponent = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, exponent);
  if (error != std::errc() || at != end) refuse_decimal("its exponent is no number");
  if (exponent > 100'000 || exponent < -100'000) refuse_decimal("its exponent is too large");
  return exponent;
}

Parts parts_of(std::string_view text) {
  Parts parts;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    parts.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (const std::size_t at = text.find_first_of("eE"); at != std::string_view::npos) {
    parts.scale = -exponent_of(text.substr(at + 1));
    text = text.substr(0, at);
  }
  const std::size_t point = text.find('.');
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (text[i] < '0' || text[i] > '9') refuse_decimal("it is no number");
    parts.digits += text[i];
  }
  if (parts.digits.empty()) refuse_decimal("it is no number");
  if (point != std::string_view::npos) parts.scale += static_cast<std::int64_t>(text.size() - point - 1);
  return parts;
}

}  // namespace

std::string decimal_bytes(int128 unscaled) {
  char bytes[16];
  return {bytes, write_decimal(bytes, unscaled)};
}

std::optional<int128> decimal_number(std::string_view bytes) {
  if (bytes.empty()) return {};
  const char sign = (bytes.front() & 0x80) != 0 ? '\xFF' : '\0';
  while (bytes.size() > 16 && bytes.front() == sign && ((bytes[1] ^ sign) & 0x80) == 0)
    bytes.remove_prefix(1);
  if (bytes.size() > 16) return {};
  auto bits = static_cast<uint128>(sign == '\0' ? int128{0} : int128{-1});
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bits = bits << 8 | byte_at(bytes, i);
  return static_cast<int128>(bits);
}

std::string decimal_text(std::string_view bytes, std::int32_t scale) {
  if (bytes.empty()) refuse_decimal("it has no bytes");
  if (bytes.size() > max_decimal_bytes)
    refuse_decimal("it is longer than " + std::to_string(max_decimal_bytes) + " bytes");
  const bool negative = (bytes.front() & 0x80) != 0;
  std::string digits = digits_of(bytes, negative);
  const auto count = static_cast<std::int64_t>(digits.size());
  const std::int64_t adjusted = count - 1 - std::int64_t{scale};
  std::string text = negative ? "-" : "";
  if (scale >= 0 && adjusted >= -6) {
    if (scale == 0) return text + digits;
    if (count <= scale) digits.insert(0, static_cast<std::size_t>(scale - count + 1), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), 1, '.');
    return text + digits;
  }
  if (count > 1) digits.insert(1, 1, '.');
  text += digits;
  if (adjusted != 0) text += (adjusted > 0 ? "E+" : "E") + std::to_string(adjusted);
  return text;
}

std::string decimal_bytes_of_text(std::string_view text, std::int32_t scale) {
  Parts parts = parts_of(text);
  const std::size_t first = std::min(parts.digits.find_first_not_of('0'), parts.digits.size() - 1);
  parts.digits.erase(0, first);
  std::int64_t missing = std::int64_t{scale} - parts.scale;
  // Digits behind the scale may only be zeros.
  while (missing < 0 && parts.digits.size() > 1 && parts.digits.back() == '0') {
    parts.digits.pop_back();
    ++missing;
  }
  if (parts.digits == "0") return {'\0'};
  if (missing < 0) refuse_decimal("it has more digits behind the point than its scale");
  if (parts.digits.size() + static_cast<std::size_t>(missing) > max_digits)
    refuse_decimal("it has too many digits");
  parts.digits.append(static_cast<std::size_t>(missing), '0');
  return bytes_of_digits(parts.digits, parts.negative);
}

}  // namespace tailrace::record
