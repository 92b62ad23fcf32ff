// Date and time functions.
#include <algorithm>
#include <array>
#include <map>
#include <regex>

#include "sim/tsql/operations/operations.h"
#include "sim/tsql/parse/lexer.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

std::int64_t floor_div(std::int64_t value, std::int64_t unit) {
  return value >= 0 ? value / unit : -((-value + unit - 1) / unit);
}

// 0001-01-01 was a Monday; 1 is Sunday (DATEFIRST 7).
std::int64_t weekday(std::int64_t days) {
  return (days + 1) % 7 + 1;
}

std::int64_t part_value(DatePart part, const Moment& moment) {
  const std::int64_t days = floor_div(moment.ticks, ticks_per_day);
  const std::int64_t rest = moment.ticks - days * ticks_per_day;
  const Civil date = civil_of(days);
  const std::int64_t new_year = days_of({date.year, 1, 1});
  switch (part) {
    case part_year: return date.year;
    case part_quarter: return (date.month + 2) / 3;
    case part_month: return date.month;
    case part_dayofyear: return days - new_year + 1;
    case part_day: return date.day;
    case part_week: return (days - new_year + weekday(new_year) - 1) / 7 + 1;
    case part_weekday: return weekday(days);
    case part_hour: return rest / (60 * ticks_per_minute);
    case part_minute: return rest / ticks_per_minute % 60;
    case part_second: return rest / ticks_per_second % 60;
    case part_millisecond: return rest % ticks_per_second / 10'000;
    case part_microsecond: return rest % ticks_per_second / 10;
    case part_nanosecond: return rest % ticks_per_second * 100;
    case part_tzoffset: return moment.offset_minutes;
    case part_iso_week: {
      const std::int64_t thursday = days - (days % 7) + 3;
      return (thursday - days_of({civil_of(thursday).year, 1, 1})) / 7 + 1;
    }
    default: return 0;
  }
}

// Boundaries of a part since a fixed day: DATEDIFF counts those crossed.
std::int64_t boundary(DatePart part, const Moment& moment) {
  const std::int64_t ticks = moment.ticks;
  const std::int64_t days = floor_div(ticks, ticks_per_day);
  const Civil date = civil_of(days);
  switch (part) {
    case part_year: return date.year;
    case part_quarter: return date.year * 4 + (date.month - 1) / 3;
    case part_month: return date.year * 12 + date.month - 1;
    case part_week: return floor_div(days + 1, 7);
    case part_hour: return floor_div(ticks, 60 * ticks_per_minute);
    case part_minute: return floor_div(ticks, ticks_per_minute);
    case part_second: return floor_div(ticks, ticks_per_second);
    case part_millisecond: return floor_div(ticks, 10'000);
    case part_microsecond: return floor_div(ticks, 10);
    case part_nanosecond: return ticks;  // In hundreds; the caller multiplies.
    default: return days;
  }
}

bool add_part(Moment& moment, DatePart part, std::int64_t count) {
  if (count > 4'000'000'000'000'000LL || count < -4'000'000'000'000'000LL) return false;
  const auto add_months = [&](std::int64_t add) {
    const std::int64_t days = floor_div(moment.ticks, ticks_per_day);
    const std::int64_t rest = moment.ticks - days * ticks_per_day;
    Civil date = civil_of(days);
    const std::int64_t total = date.year * 12 + date.month - 1 + add;
    if (total < 12 || total >= 120'000) return false;
    date.year = total / 12;
    date.month = static_cast<int>(total % 12) + 1;
    date.day = std::min(date.day, days_in_month(date.year, date.month));
    moment.ticks = days_of(date) * ticks_per_day + rest;
    return true;
  };
  std::int64_t unit = 0;
  switch (part) {
    case part_year: return add_months(count * 12);
    case part_quarter: return add_months(count * 3);
    case part_month: return add_months(count);
    case part_week: unit = 7 * ticks_per_day; break;
    case part_hour: unit = 60 * ticks_per_minute; break;
    case part_minute: unit = ticks_per_minute; break;
    case part_second: unit = ticks_per_second; break;
    case part_millisecond: unit = 10'000; break;
    case part_microsecond: unit = 10; break;
    case part_nanosecond: moment.ticks += (count + (count >= 0 ? 50 : -50)) / 100; return true;
    case part_tzoffset:
    case part_iso_week:
    case part_none: return false;
    default: unit = ticks_per_day; break;
  }
  const int128 ticks = int128{moment.ticks} + int128{count} * unit;
  if (ticks < 0 || ticks >= int128{(max_days + 1)} * ticks_per_day) return false;
  moment.ticks = static_cast<std::int64_t>(ticks);
  return true;
}

bool date_from_parts(OperationCall& call) {
  const auto number = [&](std::size_t i) { return call.args[i].number; };
  const Civil date{number(0), static_cast<int>(std::clamp<std::int64_t>(number(1), -1, 99)),
                   static_cast<int>(std::clamp<std::int64_t>(number(2), -1, 99))};
  const bool good = date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 &&
                    date.day >= 1 && date.day <= days_in_month(date.year, date.month);
  const auto refuse = [&] {
    return call.fail(289, "Cannot construct data type " + std::string(type_name(call.op.result)) +
                              ", some of the arguments have values which are not valid.");
  };
  if (!good) return refuse();
  Moment moment{days_of(date) * ticks_per_day, 0};
  if (call.args.size() > 3) {
    if (number(3) < 0 || number(3) > 23 || number(4) < 0 || number(4) > 59 || number(5) < 0 || number(5) > 59)
      return refuse();
    moment.ticks += ((number(3) * 60 + number(4)) * 60 + number(5)) * ticks_per_second;
    if (call.args.size() > 6) {
      std::int64_t fraction = number(6);
      const int digits = call.op.result.type == Type::datetime ? 3 : call.op.result.scale;
      for (int i = digits; i < 7; ++i)
        fraction *= 10;
      if (fraction < 0 || fraction >= ticks_per_second) return refuse();
      moment.ticks += fraction;
    }
  }
  return from_moment(moment, call.op.result, call.out) || refuse();
}

}  // namespace

DatePart date_part(std::string_view name) {
  static const std::map<std::string, DatePart, std::less<>> parts{
      {"YEAR", part_year},       {"YY", part_year},
      {"YYYY", part_year},       {"QUARTER", part_quarter},
      {"QQ", part_quarter},      {"Q", part_quarter},
      {"MONTH", part_month},     {"MM", part_month},
      {"M", part_month},         {"DAYOFYEAR", part_dayofyear},
      {"DY", part_dayofyear},    {"Y", part_dayofyear},
      {"DAY", part_day},         {"DD", part_day},
      {"D", part_day},           {"WEEK", part_week},
      {"WK", part_week},         {"WW", part_week},
      {"WEEKDAY", part_weekday}, {"DW", part_weekday},
      {"W", part_weekday},       {"HOUR", part_hour},
      {"HH", part_hour},         {"MINUTE", part_minute},
      {"MI", part_minute},       {"N", part_minute},
      {"SECOND", part_second},   {"SS", part_second},
      {"S", part_second},        {"MILLISECOND", part_millisecond},
      {"MS", part_millisecond},  {"MICROSECOND", part_microsecond},
      {"MCS", part_microsecond}, {"NANOSECOND", part_nanosecond},
      {"NS", part_nanosecond},   {"TZOFFSET", part_tzoffset},
      {"TZ", part_tzoffset},     {"ISO_WEEK", part_iso_week},
      {"ISOWK", part_iso_week},  {"ISOWW", part_iso_week}};
  const auto found = parts.find(upper(name));
  return found == parts.end() ? part_none : found->second;
}

bool op_date(OperationCall& call) {
  const std::string& name = call.op.text;
  const auto part = static_cast<DatePart>(call.op.style);
  if (name == "DATEADD") {
    Moment moment = moment_of(call.op.args[1], call.args[1]);
    const auto refuse = [&] {
      return call.fail(517, "Adding a value to a '" + std::string(type_name(call.op.result)) +
                                "' column caused an overflow.");
    };
    if (!add_part(moment, part, call.args[0].number)) return refuse();
    return from_moment(moment, call.op.result, call.out) || refuse();
  }
  if (name == "DATEDIFF" || name == "DATEDIFF_BIG") {
    // Offsets count: datetimeoffsets are compared in UTC.
    const auto utc = [&](std::size_t i) {
      Moment moment = moment_of(call.op.args[i], call.args[i]);
      moment.ticks -= moment.offset_minutes * ticks_per_minute;
      return moment;
    };
    int128 difference = int128{boundary(part, utc(1))} - boundary(part, utc(0));
    if (part == part_nanosecond) difference *= 100;
    if (name == "DATEDIFF" && difference != static_cast<std::int32_t>(difference)) {
      return call.fail(
          535,
          "The datediff function resulted in an overflow. The number of dateparts separating two date/time "
          "instances is too large. Try to use datediff with a less precise datepart.");
    }
    call.out.number = static_cast<std::int64_t>(difference);
    return true;
  }
  if (name == "DATEPART") {
    call.out.number = part_value(part, moment_of(call.op.args[0], call.args[0]));
    return true;
  }
  if (name == "DATENAME") {
    const Moment moment = moment_of(call.op.args[0], call.args[0]);
    const std::int64_t value = part_value(part, moment);
    if (part == part_month)
      call.out.text = months[static_cast<std::size_t>(value - 1)];
    else if (part == part_weekday)
      call.out.text = weekdays[static_cast<std::size_t>(value - 1)];
    else
      call.out.text = std::to_string(value);
    return true;
  }
  if (name == "FROMPARTS") return date_from_parts(call);
  if (name == "EOMONTH") {
    Moment moment = moment_of(call.op.args[0], call.args[0]);
    if (call.args.size() > 1 && !add_part(moment, part_month, call.args[1].number))
      return call.fail(517, "Adding a value to a 'date' column caused an overflow.");
    Civil date = civil_of(moment.ticks / ticks_per_day);
    date.day = days_in_month(date.year, date.month);
    call.out.number = days_of(date);
    return true;
  }
  // TODATETIMEOFFSET, SWITCHOFFSET: the second argument is minutes or '+hh:mm'.
  std::int64_t offset = 0;
  if (is_text(call.op.args[1].type)) {
    const std::string_view text = call.args[1].text;
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
      return call.fail(9812, "The timezone provided to builtin function " +
                                 std::string(name == "SWITCHOFFSET" ? "switchoffset" : "todatetimeoffset") +
                                 " is invalid.");
    }
    offset = ((text[1] - '0') * 10 + (text[2] - '0')) * 60 + (text[4] - '0') * 10 + (text[5] - '0');
    if (text[0] == '-') offset = -offset;
  } else {
    offset = call.args[1].number;
  }
  if (offset < -840 || offset > 840) {
    return call.fail(9812, "The timezone provided to builtin function " +
                               std::string(name == "SWITCHOFFSET" ? "switchoffset" : "todatetimeoffset") +
                               " is invalid.");
  }
  Moment moment = moment_of(call.op.args[0], call.args[0]);
  if (name == "SWITCHOFFSET") moment.ticks += (offset - moment.offset_minutes) * ticks_per_minute;
  moment.offset_minutes = static_cast<std::int16_t>(offset);
  if (!from_moment(moment, call.op.result, call.out))
    return call.fail(9813, "The resulting datetimeoffset value is out of range.");
  return true;
}

bool op_now(OperationCall& call) {
  const bool utc = call.op.text.starts_with("UTC");
  Moment moment{utc ? call.context.utc_ticks : call.context.local_ticks, 0};
  if (call.op.result.type == Type::datetimeoffset) moment.offset_minutes = call.context.offset_minutes;
  return from_moment(moment, call.op.result, call.out) || call.null();
}

}  // namespace tailrace::sim::tsql
