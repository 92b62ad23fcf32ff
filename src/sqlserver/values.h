// How SQL Server's values lie in ODBC's buffers, and what they become in a cell.
//
// Units   Ticks of 100 ns; days and ticks since 0001-01-01.
// Source  ODBC 3.8: SQL_TIMESTAMP_STRUCT; SQL_SS_TIME2_STRUCT and SQL_SS_TIMESTAMPOFFSET_STRUCT as both drivers give
//         them for SQL_C_BINARY. [MS-DTYP] 2.3.4.2 for the byte order of a GUID.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/int128.h"

namespace tailrace::sqlserver {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_day = 86'400 * ticks_per_second;

// Days since 0001-01-01 of a date of the proleptic Gregorian calendar.
std::int64_t days_of(int year, unsigned month, unsigned day);

// A timestamp structure of 16 bytes.
std::int64_t ticks_of(std::span<const std::byte> timestamp);
// A time structure of 12 bytes, as ticks since midnight.
std::int64_t time_ticks_of(std::span<const std::byte> time);

struct OffsetTime {
  std::int64_t utc_ticks = 0;
  std::int16_t minutes = 0;
};
// A timestamp-with-offset structure of 20 bytes; its date and time are local.
OffsetTime offset_time_of(std::span<const std::byte> offset_time);

// Digits with an optional sign and point (-1.50, .5) as unscaled number of `scale` digits behind the point. Nothing:
// not a number, or not exact in that scale.
std::optional<int128> decimal_of(std::string_view text, int scale);

// 16 bytes as SQL Server sends them, into the order of the text form.
void uuid_of(std::span<const std::byte> raw, std::uint8_t (&out)[16]);

}  // namespace tailrace::sqlserver
