// Decimals as Connect's Decimal carries them: the unscaled number as big-endian two's complement, as short as it can be.
//
// Errors  data, where a text is no number, or has more digits than the scale allows.
// Source  org.apache.kafka.connect.data.Decimal; Java's BigInteger.toByteArray and BigDecimal.toString.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/int128.h"

namespace tailrace::record {

// Longer numbers are refused as text: making it takes quadratic time. 4,000 bytes are 9,600 digits.
constexpr std::size_t max_decimal_bytes = 4'000;

// Writes at most 16 bytes and answers one past the last.
inline char* write_decimal(char* out, int128 unscaled) {
  // The sign's bits in front that say nothing new: all of them but one.
  const auto bits = static_cast<uint128>(unscaled < 0 ? ~unscaled : unscaled);
  const auto high = static_cast<std::uint64_t>(bits >> 64);
  const auto low = static_cast<std::uint64_t>(bits);
  const int zeros = high != 0 ? __builtin_clzll(high) : 64 + (low != 0 ? __builtin_clzll(low) : 64);
  const int bytes = (128 - zeros) / 8 + 1;
  for (int i = bytes - 1; i >= 0; --i)
    *out++ = static_cast<char>(static_cast<std::uint8_t>(unscaled >> (8 * i)));
  return out;
}
std::string decimal_bytes(int128 unscaled);
// Nothing where it takes more than 128 bits. No bytes at all are no number either.
std::optional<int128> decimal_number(std::string_view bytes);

// As BigDecimal.toString writes it: 1.50, and 1E-8 where there are more than six zeros behind the point.
std::string decimal_text(std::string_view bytes, std::int32_t scale);
// Of a JSON number, which may have an exponent; trailing zeros are added up to the scale.
std::string decimal_bytes_of_text(std::string_view text, std::int32_t scale);

}  // namespace tailrace::record
