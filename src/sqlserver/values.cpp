// Values from ODBC's structures.
#include "sqlserver/values.h"

#include <chrono>
#include <cstring>

#include "base/error.h"

namespace tailrace::sqlserver {
namespace {

template <class T>
T read_at(std::span<const std::byte> raw, std::size_t at) {
  T value;
  std::memcpy(&value, raw.data() + at, sizeof(T));
  return value;
}

std::int64_t clock_ticks(unsigned hour, unsigned minute, unsigned second, std::uint32_t nanoseconds) {
  return ((static_cast<std::int64_t>(hour) * 60 + minute) * 60 + second) * ticks_per_second +
         nanoseconds / 100;
}

}  // namespace

std::int64_t days_of(int year, unsigned month, unsigned day) {
  namespace chrono = std::chrono;
  constexpr chrono::sys_days first{chrono::year{1} / chrono::January / 1};
  const chrono::year_month_day date{chrono::year{year}, chrono::month{month}, chrono::day{day}};
  if (!date.ok() || year < 1 || year > 9999) throw Error(ErrorKind::protocol, "a date that does not exist");
  return (chrono::sys_days{date} - first).count();
}

std::int64_t ticks_of(std::span<const std::byte> raw) {
  const std::int64_t days =
      days_of(read_at<std::int16_t>(raw, 0), read_at<std::uint16_t>(raw, 2), read_at<std::uint16_t>(raw, 4));
  return days * ticks_per_day + clock_ticks(read_at<std::uint16_t>(raw, 6), read_at<std::uint16_t>(raw, 8),
                                            read_at<std::uint16_t>(raw, 10), read_at<std::uint32_t>(raw, 12));
}

std::int64_t time_ticks_of(std::span<const std::byte> raw) {
  return clock_ticks(read_at<std::uint16_t>(raw, 0), read_at<std::uint16_t>(raw, 2),
                     read_at<std::uint16_t>(raw, 4), read_at<std::uint32_t>(raw, 8));
}

OffsetTime offset_time_of(std::span<const std::byte> raw) {
  const int minutes = read_at<std::int16_t>(raw, 16) * 60 + read_at<std::int16_t>(raw, 18);
  const std::int64_t local = ticks_of(raw.first(16));
  return {local - std::int64_t{minutes} * 60 * ticks_per_second, static_cast<std::int16_t>(minutes)};
}

std::optional<int128> decimal_of(std::string_view text, int scale) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int128 value = 0;
  int digits = 0;
  int behind = -1;  // Digits behind the point; -1: no point yet.
  bool any = false;
  for (const char c : text) {
    if (c == '.' && behind < 0) {
      behind = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    any = true;
    if (behind >= 0 && ++behind > scale) {
      if (c != '0') return std::nullopt;
      continue;
    }
    if (value != 0 || c != '0') ++digits;
    if (digits > 38) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (!any) return std::nullopt;
  for (int i = behind < 0 ? 0 : behind; i < scale; ++i) {
    if (value != 0 && ++digits > 38) return std::nullopt;
    value *= 10;
  }
  return negative ? -value : value;
}

void uuid_of(std::span<const std::byte> raw, std::uint8_t (&out)[16]) {
  const std::uint32_t first = __builtin_bswap32(read_at<std::uint32_t>(raw, 0));
  const std::uint16_t second = __builtin_bswap16(read_at<std::uint16_t>(raw, 4));
  const std::uint16_t third = __builtin_bswap16(read_at<std::uint16_t>(raw, 6));
  std::memcpy(out, &first, 4);
  std::memcpy(out + 4, &second, 2);
  std::memcpy(out + 6, &third, 2);
  std::memcpy(out + 8, raw.data() + 8, 8);
}

}  // namespace tailrace::sqlserver
