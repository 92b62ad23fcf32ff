// Text of values that have their place in the cell.
#include "postgres/shown_text.h"

#include <fmt/format.h>

#include <cstdlib>

#include "model/key_text.h"

namespace tailrace::postgres {
namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_minute = 60 * ticks_per_second;
constexpr std::int64_t ticks_per_day = 1'440 * ticks_per_minute;

// 12:34:56.789, with so many digits behind the second.
std::string clock_text(std::int64_t ticks, int digits) {
  const std::int64_t seconds = ticks / ticks_per_second;
  std::string out = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  const std::string fraction = fmt::format("{:07}", ticks % ticks_per_second);
  if (digits > 0) out += "." + fraction.substr(0, static_cast<std::size_t>(digits));
  return out;
}

std::string moment_text(std::int64_t ticks, int digits) {
  return date_text(ticks / ticks_per_day) + " " + clock_text(ticks % ticks_per_day, digits);
}

std::string offset_text(const Cell& cell, int digits) {
  const int minutes = cell.offset_time.minutes;
  return moment_text(cell.offset_time.ticks + minutes * ticks_per_minute, digits) +
         fmt::format(" {}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

std::string uuid_text(const Cell& cell) {
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += fmt::format("{:02x}", static_cast<unsigned>(cell.uuid[i]));
  }
  return out;
}

}  // namespace

std::string shown_text(const Cell& cell, const ColumnType& type) {
  switch (type.kind) {
    case TypeKind::decimal: return decimal_text(cell.decimal, type.scale);
    case TypeKind::money:
    case TypeKind::smallmoney: return decimal_text(cell.decimal, 4);
    case TypeKind::date: return date_text(cell.integer);
    case TypeKind::time: return clock_text(cell.integer, type.scale);
    case TypeKind::smalldatetime: return moment_text(cell.integer, 0);
    // Thirds of ten milliseconds: .003 is 33,333 ticks, .007 is 66,667.
    case TypeKind::datetime: return moment_text((cell.integer + 5'000) / 10'000 * 10'000, 3);
    case TypeKind::datetime2: return moment_text(cell.integer, type.scale);
    case TypeKind::datetimeoffset: return offset_text(cell, type.scale);
    case TypeKind::uniqueidentifier: return uuid_text(cell);
    default: return fmt::format("{}", cell.integer);
  }
}

}  // namespace tailrace::postgres
