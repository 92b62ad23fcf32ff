// Dates and times: civil fields to ticks and back, SQL Server's text forms of them, both ways.
//
// Units    Ticks: 100 ns since 0001-01-01, in the value's own (local) time. Days since 0001-01-01.
// Source   Transact-SQL reference: CAST and CONVERT (date and time styles), date and time literals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/storage/type.h"
#include "sim/storage/value.h"

namespace tailrace::sim::tsql {

inline constexpr std::int64_t ticks_per_second = 10'000'000;
inline constexpr std::int64_t ticks_per_minute = 60 * ticks_per_second;
inline constexpr std::int64_t ticks_per_day = 24 * 60 * ticks_per_minute;
inline constexpr std::int64_t days_to_1900 = 693595;
inline constexpr std::int64_t max_days = 3652058;          // 9999-12-31
inline constexpr std::int64_t min_datetime_days = 639905;  // 1753-01-01

struct Civil {
  std::int64_t year = 1900;
  int month = 1;
  int day = 1;
};
std::int64_t days_of(const Civil& date);
Civil civil_of(std::int64_t days);
int days_in_month(std::int64_t year, int month);

// Any date or time as ticks of its own local time, with its offset.
struct Moment {
  std::int64_t ticks = 0;
  std::int16_t offset_minutes = 0;
};
Moment moment_of(const TypeInfo& type, const Cell& cell);
// Into a type's units, rounded as SQL Server rounds. False: out of the type's range.
[[nodiscard]] bool from_moment(const Moment& moment, const TypeInfo& type, Value& out);

enum class MomentError { none, syntax, range };
// A text as a literal or CAST without style. `date_format` is the order of SET DATEFORMAT ("mdy").
MomentError parse_moment(std::string_view text, const TypeInfo& type, int style, Moment& out);

// CONVERT to text. False: the style is not one that is known for the type (281).
[[nodiscard]] bool format_moment(const TypeInfo& type, const Moment& moment, int style, std::string& out);

}  // namespace tailrace::sim::tsql
