// Texts of dates and times, by the styles of CONVERT.
#include <array>
#include <cstdio>

#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/moments_internal.h"

namespace tailrace::sim::tsql {
namespace {

struct Fields {
  Civil date;
  int hour, minute, second;
  std::int64_t fraction;  // ticks
};

Fields fields_of(std::int64_t ticks) {
  Fields out{};
  std::int64_t days = ticks / ticks_per_day;
  std::int64_t rest = ticks % ticks_per_day;
  if (rest < 0) {
    rest += ticks_per_day;
    --days;
  }
  out.date = civil_of(days);
  out.hour = static_cast<int>(rest / (60 * ticks_per_minute));
  out.minute = static_cast<int>(rest / ticks_per_minute % 60);
  out.second = static_cast<int>(rest / ticks_per_second % 60);
  out.fraction = rest % ticks_per_second;
  return out;
}

template <typename... Arguments>
void print(std::string& out, const char* format, Arguments... arguments) {
  std::array<char, 80> buffer{};
  const int written = std::snprintf(buffer.data(), buffer.size(), format, arguments...);
  out.append(buffer.data(), static_cast<std::size_t>(written));
}

class Formatter {
 public:
  Formatter(const TypeInfo& type, const Moment& moment, std::string& out)
      : type_(type), moment_(moment), fields_(fields_of(moment.ticks)), out_(out) {}

  void iso_date(char separator) {
    if (separator == '\0') {
      print(out_, "%04d%02d%02d", static_cast<int>(fields_.date.year), fields_.date.month, fields_.date.day);
    } else {
      print(out_, "%04d%c%02d%c%02d", static_cast<int>(fields_.date.year), separator, fields_.date.month,
            separator, fields_.date.day);
    }
  }
  void day_month_year(char separator, bool month_first, bool century) {
    const int first = month_first ? fields_.date.month : fields_.date.day;
    const int second = month_first ? fields_.date.day : fields_.date.month;
    const int year = static_cast<int>(fields_.date.year);
    if (century)
      print(out_, "%02d%c%02d%c%04d", first, separator, second, separator, year);
    else
      print(out_, "%02d%c%02d%c%02d", first, separator, second, separator, year % 100);
  }
  void clock(bool seconds_fraction, char point = '.') {
    print(out_, "%02d:%02d:%02d", fields_.hour, fields_.minute, fields_.second);
    if (seconds_fraction) fraction(point);
  }
  int fraction_digits() const {
    switch (type_.type) {
      case Type::datetime:
      case Type::smalldatetime: return 3;
      case Type::date: return 0;
      default: return type_.scale;
    }
  }
  void fraction(char point) {
    const int digits = fraction_digits();
    if (digits == 0) return;
    std::int64_t value = fields_.fraction;
    // A datetime's 1/300 s shows as .000, .003, .007.
    if (digits == 3 && type_.type == Type::datetime) value = (value + 5'000) / 10'000 * 10'000;
    for (int i = digits; i < 7; ++i)
      value /= 10;
    print(out_, "%c%0*lld", point, digits, static_cast<long long>(value));
  }
  void zone(bool blank) {
    if (type_.type != Type::datetimeoffset) return;
    const int offset = moment_.offset_minutes;
    print(out_, "%s%c%02d:%02d", blank ? " " : "", offset < 0 ? '-' : '+',
          (offset < 0 ? -offset : offset) / 60, (offset < 0 ? -offset : offset) % 60);
  }
  void twelve_hours(bool with_seconds) {
    const int hour = fields_.hour % 12 == 0 ? 12 : fields_.hour % 12;
    print(out_, "%2d:%02d", hour, fields_.minute);
    if (with_seconds) {
      print(out_, ":%02d", fields_.second);
      fraction(type_.type == Type::datetime ? ':' : '.');
    }
    out_ += fields_.hour < 12 ? "AM" : "PM";
  }
  void month_day_year() {
    out_ += month_names[static_cast<std::size_t>(fields_.date.month - 1)].substr(0, 3);
    print(out_, " %2d %04d", fields_.date.day, static_cast<int>(fields_.date.year));
  }

  const TypeInfo& type_;
  const Moment& moment_;
  Fields fields_;
  std::string& out_;
};

}  // namespace

bool format_moment(const TypeInfo& type, const Moment& moment, int style, std::string& out) {
  const bool old = type.type == Type::datetime || type.type == Type::smalldatetime;
  const bool has_date = type.type != Type::time;
  const bool has_time = type.type != Type::date;
  if (style < 0) style = old ? 0 : 121;
  Formatter format(type, moment, out);
  const auto canonical = [&](bool fraction, char between, bool blank_zone) {
    if (has_date) format.iso_date('-');
    if (has_date && has_time) out += between;
    if (has_time) format.clock(fraction);
    format.zone(blank_zone);
  };
  switch (style) {
    case 0:
    case 100:
      if (has_date) format.month_day_year();
      if (has_date && has_time) out += ' ';
      if (has_time) format.twelve_hours(false);
      format.zone(true);
      return true;
    case 9:
    case 109:
      if (has_date) format.month_day_year();
      if (has_date && has_time) out += ' ';
      if (has_time) format.twelve_hours(true);
      format.zone(true);
      return true;
    case 1:
    case 101:
      if (!has_date) return false;
      format.day_month_year('/', true, style > 100);
      return true;
    case 2:
    case 102:
      if (!has_date) return false;
      if (style == 2) return false;
      format.iso_date('.');
      return true;
    case 3:
    case 103:
      if (!has_date) return false;
      format.day_month_year('/', false, style > 100);
      return true;
    case 4:
    case 104:
      if (!has_date) return false;
      format.day_month_year('.', false, style > 100);
      return true;
    case 5:
    case 105:
      if (!has_date) return false;
      format.day_month_year('-', false, style > 100);
      return true;
    case 10:
    case 110:
      if (!has_date) return false;
      format.day_month_year('-', true, style > 100);
      return true;
    case 111:
      if (!has_date) return false;
      format.iso_date('/');
      return true;
    case 112:
      if (!has_date) return false;
      format.iso_date('\0');
      return true;
    case 23:
      if (!has_date) return false;
      format.iso_date('-');
      return true;
    case 8:
    case 108:
    case 24:
      if (!has_time) return false;
      format.clock(false);
      return true;
    case 14:
    case 114:
      if (!has_time) return false;
      format.clock(true, old ? ':' : '.');
      return true;
    case 20:
    case 120: canonical(false, ' ', true); return true;
    case 21:
    case 25:
    case 121: canonical(true, ' ', true); return true;
    case 126:
      if (type.type == Type::datetime && moment.ticks % ticks_per_second == 0) {
        canonical(false, 'T', false);
      } else {
        canonical(type.type != Type::smalldatetime, 'T', false);
      }
      return true;
    case 127: {
      if (type.type != Type::datetimeoffset) return format_moment(type, moment, 126, out);
      const Moment utc{moment.ticks - moment.offset_minutes * ticks_per_minute, 0};
      const TypeInfo local{Type::datetime2, 8, 0, type.scale, false};
      if (!format_moment(local, utc, 126, out)) return false;
      out += 'Z';
      return true;
    }
    default: return false;
  }
}

}  // namespace tailrace::sim::tsql
