// Calendar arithmetic, and dates and times as ticks in the units of their types.
#include "sim/tsql/values/moments.h"

#include <array>

#include "sim/storage/clock.h"
#include "sim/tsql/values/moments_internal.h"

namespace tailrace::sim::tsql {
namespace {

bool leap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

std::int64_t round_to(std::int64_t value, std::int64_t unit) {
  return (value + unit / 2) / unit * unit;
}

std::int64_t unit_of_scale(int scale) {
  std::int64_t unit = ticks_per_second;
  for (int i = 0; i < scale; ++i)
    unit /= 10;
  return unit;
}

}  // namespace

bool valid(const Civil& date) {
  return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= days_in_month(date.year, date.month);
}

int days_in_month(std::int64_t year, int month) {
  static constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// Days from civil, shifted so that 0001-01-01 is 0.
std::int64_t days_of(const Civil& date) {
  const std::int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 306;
}

Civil civil_of(std::int64_t days) {
  const std::int64_t z = days + 306;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const std::int64_t doe = z - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const int day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

Moment moment_of(const TypeInfo& type, const Cell& cell) {
  const std::int64_t base = days_to_1900 * ticks_per_day;
  switch (type.type) {
    case Type::date: return {cell.number * ticks_per_day, 0};
    case Type::time: return {base + cell.number, 0};
    case Type::smalldatetime: return {base + cell.number * ticks_per_minute, 0};
    case Type::datetime: return {ticks_from_datetime(cell.number), 0};
    case Type::datetimeoffset:
      return {cell.number + cell.offset_minutes * ticks_per_minute, cell.offset_minutes};
    default: return {cell.number, 0};
  }
}

bool from_moment(const Moment& moment, const TypeInfo& type, Value& out) {
  out.null = false;
  out.offset_minutes = 0;
  const std::int64_t base = days_to_1900 * ticks_per_day;
  const std::int64_t end = (max_days + 1) * ticks_per_day;
  const std::int64_t unit = unit_of_scale(type.scale);
  switch (type.type) {
    case Type::date:
      out.number = moment.ticks / ticks_per_day;
      return moment.ticks >= 0 && moment.ticks < end;
    case Type::time: out.number = round_to(moment.ticks % ticks_per_day, unit) % ticks_per_day; return true;
    case Type::smalldatetime: {
      const std::int64_t minutes = moment.ticks - base;
      if (minutes < 0) return false;
      // By way of datetime's 300ths of a second: 29.999 s is half a minute.
      constexpr std::int64_t per_minute = 300 * 60;
      constexpr std::int64_t third = ticks_per_second / 100;  // Three of them.
      out.number = ((minutes * 3 + third / 2) / third + per_minute / 2) / per_minute;
      return out.number < 65536LL * 1440;
    }
    case Type::datetime:
      if (moment.ticks < min_datetime_days * ticks_per_day || moment.ticks >= end) return false;
      out.number = datetime_from_ticks(moment.ticks);
      return true;
    case Type::datetime2:
      if (moment.ticks < 0 || moment.ticks >= end) return false;
      out.number = round_to(moment.ticks, unit);
      if (out.number >= end) out.number = end - unit;
      return true;
    case Type::datetimeoffset: {
      std::int64_t local = round_to(moment.ticks, unit);
      if (local >= end) local = end - unit;
      out.number = local - moment.offset_minutes * ticks_per_minute;
      out.offset_minutes = moment.offset_minutes;
      return moment.ticks >= 0 && moment.ticks < end && out.number >= 0 && out.number < end;
    }
    default: return false;
  }
}

}  // namespace tailrace::sim::tsql
