// Values as they lie in a row, and what they mean.
//
// Shape    Each takes bytes of exactly the width that the type has; the caller has made sure of it.
// Units    Ticks of 100 ns; days and ticks since 0001-01-01.
// Errors   valid_*: whether the value exists; the others have nothing to complain of.
// Source   [MS-TDS] 2.2.5.5.1 (system data type values), 2.2.5.5.1.8 (date and time).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/int128.h"
#include "tds/bytes.h"

namespace tailrace::tds {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_minute = 60 * ticks_per_second;
constexpr std::int64_t ticks_per_day = 86'400 * ticks_per_second;
constexpr std::int64_t days_to_1900 = 693'595;
constexpr std::int64_t most_days = 3'652'058;  // 9999-12-31.

// Of 1, 2, 4 or 8 bytes; a single one has no sign.
inline std::int64_t integer_of(const std::byte* at, std::size_t width) {
  switch (width) {
    case 1: return load<std::uint8_t>(at);
    case 2: return load<std::int16_t>(at);
    case 4: return load<std::int32_t>(at);
    default: return load<std::int64_t>(at);
  }
}

inline std::int64_t money_of(const std::byte* at) {
  return static_cast<std::int64_t>(std::uint64_t{load<std::uint32_t>(at)} << 32 |
                                   load<std::uint32_t>(at + 4));
}

// A sign and a magnitude of 4, 8, 12 or 16 bytes; `width` counts both.
inline int128 decimal_of(const std::byte* at, std::size_t width) {
  unsigned char raw[16] = {};
  std::memcpy(raw, at + 1, width - 1);
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, raw, 8);
  std::memcpy(&high, raw + 8, 8);
  const uint128 magnitude = uint128{high} << 64 | low;
  return static_cast<int128>(load<std::uint8_t>(at) == 0 ? uint128{0} - magnitude : magnitude);
}

inline std::int64_t days_of(const std::byte* at) {
  return load<std::uint16_t>(at) | std::int64_t{load<std::uint8_t>(at + 2)} << 16;
}

// Of 3, 4 or 5 bytes, in units of 10^-scale seconds.
inline std::int64_t time_of(const std::byte* at, std::size_t width, std::uint8_t scale) {
  constexpr std::int64_t ticks_per_unit[] = {10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  std::int64_t units = load<std::uint16_t>(at) | std::int64_t{load<std::uint8_t>(at + 2)} << 16;
  if (width > 3) units |= std::int64_t{load<std::uint8_t>(at + 3)} << 24;
  if (width > 4) units |= std::int64_t{load<std::uint8_t>(at + 4)} << 32;
  return units * ticks_per_unit[scale];
}

inline bool valid_day(std::int64_t days) {
  return days >= 0 && days <= most_days;
}
inline bool valid_time(std::int64_t ticks) {
  return ticks >= 0 && ticks < ticks_per_day;
}

inline bool valid_datetime(const std::byte* at) {
  return valid_day(load<std::int32_t>(at) + days_to_1900) && load<std::uint32_t>(at + 4) < 86'400 * 300;
}
inline bool valid_smalldatetime(const std::byte* at) {
  return load<std::uint16_t>(at + 2) < 24 * 60;
}

// datetime: days since 1900 and 1/300 s, which everybody shows as milliseconds.
inline std::int64_t datetime_of(const std::byte* at) {
  const std::int64_t days = load<std::int32_t>(at) + days_to_1900;
  const std::int64_t parts = load<std::uint32_t>(at + 4);
  const std::int64_t milliseconds = parts / 300 * 1000 + (parts % 300 * 1000 + 150) / 300;
  return days * ticks_per_day + milliseconds * 10'000;
}

// smalldatetime: days since 1900 and minutes.
inline std::int64_t smalldatetime_of(const std::byte* at) {
  return (load<std::uint16_t>(at) + days_to_1900) * ticks_per_day +
         load<std::uint16_t>(at + 2) * ticks_per_minute;
}

}  // namespace tailrace::tds
