// Calendar arithmetic, parsing and formatting.
// Long: the text forms of dates, both ways, belong together.
#include "sim/tsql/moments.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <vector>

#include "sim/storage/clock.h"
#include "sim/tsql/lexer.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};

bool leap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool valid(const Civil& date) {
  return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= days_in_month(date.year, date.month);
}

// One piece of a date text.
struct Piece {
  enum Kind { number, word, mark } kind;
  std::string_view text;
  std::int64_t value = 0;
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t begin = at;
    if (std::isdigit(byte) != 0) {
      std::int64_t value = 0;
      while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
        if (at - begin < 17) value = value * 10 + (text[at] - '0');
        ++at;
      }
      out.push_back({Piece::number, text.substr(begin, at - begin), value});
    } else if (std::isalpha(byte) != 0) {
      while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0)
        ++at;
      out.push_back({Piece::word, text.substr(begin, at - begin), 0});
    } else {
      ++at;
      out.push_back({Piece::mark, text.substr(begin, 1), 0});
    }
  }
  return out;
}

class MomentParser {
 public:
  MomentParser(std::string_view text, const TypeInfo& type, int style)
      : type_(type), style_(style), pieces_(pieces_of(text)) {}

  MomentError parse(Moment& out) {
    skip_blanks();
    if (at_ >= pieces_.size()) return finish(out);
    if (!looks_like_time() && !date()) return MomentError::syntax;
    if (accept_word("T") || true) skip_blanks();
    if (at_ < pieces_.size() && !zone_next() && !time()) return MomentError::syntax;
    skip_blanks();
    if (at_ < pieces_.size() && !zone()) return MomentError::syntax;
    skip_blanks();
    if (at_ < pieces_.size()) return MomentError::syntax;
    return finish(out);
  }

 private:
  bool mark(std::string_view text, std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::mark &&
           pieces_[at_ + ahead].text == text;
  }
  bool number(std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::number;
  }
  bool word(std::size_t ahead = 0) const {
    return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].kind == Piece::word;
  }
  bool accept_word(std::string_view text) {
    if (!word() || !same_word(pieces_[at_].text, text)) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (mark(" ") || mark("\t"))
      ++at_;
  }
  bool looks_like_time() const {
    if (!number()) return false;
    return mark(":", 1) ||
           (word(1) && (same_word(pieces_[at_ + 1].text, "AM") || same_word(pieces_[at_ + 1].text, "PM")));
  }
  bool zone_next() const { return mark("+") || mark("-") || (word() && same_word(pieces_[at_].text, "Z")); }

  static int month_of(std::string_view text) {
    if (text.size() < 3) return 0;
    for (std::size_t i = 0; i < month_names.size(); ++i) {
      if (same_word(month_names[i], text) || same_word(month_names[i].substr(0, 3), text))
        return static_cast<int>(i) + 1;
    }
    return 0;
  }

  static std::int64_t full_year(const Piece& piece) {
    if (piece.text.size() > 2) return piece.value;
    return piece.value < 50 ? 2000 + piece.value : 1900 + piece.value;
  }

  bool date() {
    if (word()) {  // Mon dd[,] yyyy
      date_.month = month_of(pieces_[at_].text);
      if (date_.month == 0) return false;
      ++at_;
      skip_blanks();
      if (!number()) return false;
      const std::int64_t first = pieces_[at_].value;
      const bool year_only = pieces_[at_].text.size() == 4;
      ++at_;
      if (mark(",")) ++at_;
      skip_blanks();
      if (year_only) {
        date_.year = first;
        return true;
      }
      date_.day = static_cast<int>(std::min<std::int64_t>(first, 99));
      if (!number() || mark(":", 1)) return false;
      date_.year = full_year(pieces_[at_++]);
      return true;
    }
    if (!number()) return false;
    const Piece first = pieces_[at_];
    if (first.text.size() == 8 || first.text.size() == 6) {
      std::int64_t value = first.value;
      date_.day = static_cast<int>(value % 100);
      value /= 100;
      date_.month = static_cast<int>(value % 100);
      value /= 100;
      date_.year = first.text.size() == 8 ? value : value < 50 ? 2000 + value : 1900 + value;
      ++at_;
      return true;
    }
    if (word(1) || (mark(" ", 1) && word(2))) {  // dd Mon yyyy
      ++at_;
      skip_blanks();
      date_.day = static_cast<int>(std::min<std::int64_t>(first.value, 99));
      date_.month = month_of(pieces_[at_].text);
      if (date_.month == 0) return false;
      ++at_;
      skip_blanks();
      if (mark(",")) ++at_;
      skip_blanks();
      if (!number()) return false;
      date_.year = full_year(pieces_[at_++]);
      return true;
    }
    if (first.text.size() == 4 && !(mark("-", 1) || mark("/", 1) || mark(".", 1))) {  // yyyy
      date_.year = first.value;
      ++at_;
      return true;
    }
    return separated_date(first);
  }

  bool separated_date(const Piece& first) {
    if (!(mark("-", 1) || mark("/", 1) || mark(".", 1)) || !number(2)) return false;
    const std::string_view separator = pieces_[at_ + 1].text;
    if (!mark(separator, 3) || !number(4)) return false;
    const Piece second = pieces_[at_ + 2];
    const Piece third = pieces_[at_ + 4];
    at_ += 5;
    const auto small = [](const Piece& piece) {
      return static_cast<int>(std::min<std::int64_t>(piece.value, 99));
    };
    if (first.text.size() == 4) {
      date_ = {first.value, small(second), small(third)};
    } else if (style_ == 103 || style_ == 104 || style_ == 105 || style_ == 3 || style_ == 4 || style_ == 5) {
      date_ = {full_year(third), small(second), small(first)};
    } else {
      date_ = {full_year(third), small(first), small(second)};
    }
    return true;
  }

  bool time() {
    if (!number()) return false;
    std::int64_t hour = pieces_[at_++].value;
    std::int64_t minute = 0;
    std::int64_t second = 0;
    std::int64_t fraction = 0;
    if (mark(":") && number(1)) {
      minute = pieces_[at_ + 1].value;
      at_ += 2;
      if (mark(":") && number(1)) {
        second = pieces_[at_ + 1].value;
        at_ += 2;
        if ((mark(".") || mark(":")) && number(1)) {
          const bool thousandths = mark(":");
          if (!read_fraction(pieces_[at_ + 1].text, thousandths, fraction)) return false;
          at_ += 2;
        }
      }
    } else if (!word()) {
      return false;
    }
    skip_blanks();
    if (accept_word("AM")) {
      if (hour > 12) return false;
      hour %= 12;
    } else if (accept_word("PM")) {
      if (hour > 12) return false;
      hour = hour % 12 + 12;
    }
    if (hour > 23 || minute > 59 || second > 59) range_ = true;
    ticks_ = ((hour * 60 + minute) * 60 + second) * ticks_per_second + fraction;
    return true;
  }

  bool read_fraction(std::string_view digits, bool thousandths, std::int64_t& fraction) const {
    const bool old = type_.type == Type::datetime || type_.type == Type::smalldatetime;
    if (digits.size() > (old ? 3U : 7U)) {
      if (old || digits.size() > 9) return false;
    }
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 7; ++i)
      value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    if (digits.size() > 7 && digits[7] >= '5') value += 1;
    if (thousandths) {
      value = 0;
      for (const char digit : digits)
        value = value * 10 + (digit - '0');
      value *= 10'000;
    }
    fraction = value;
    return true;
  }

  bool zone() {
    if (accept_word("Z")) {
      has_zone_ = true;
      return true;
    }
    if (!(mark("+") || mark("-")) || !number(1) || !mark(":", 2) || !number(3)) return false;
    const int sign = mark("-") ? -1 : 1;
    const std::int64_t minutes = pieces_[at_ + 1].value * 60 + pieces_[at_ + 3].value;
    at_ += 4;
    if (minutes > 14 * 60) return false;
    offset_ = static_cast<std::int16_t>(sign * minutes);
    has_zone_ = true;
    return true;
  }

  MomentError finish(Moment& out) const {
    const bool old = type_.type == Type::datetime || type_.type == Type::smalldatetime;
    if (has_zone_ && old && offset_ != 0) return MomentError::syntax;
    if (!valid(date_) || range_) return old ? MomentError::range : MomentError::syntax;
    out.ticks = days_of(date_) * ticks_per_day + ticks_;
    out.offset_minutes = offset_;
    return MomentError::none;
  }

  const TypeInfo& type_;
  int style_;
  std::vector<Piece> pieces_;
  std::size_t at_ = 0;
  Civil date_{1900, 1, 1};
  std::int64_t ticks_ = 0;
  std::int16_t offset_ = 0;
  bool has_zone_ = false;
  bool range_ = false;
};

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

namespace {

// yyyy-mm-dd[ T]hh:mm:ss[.fraction], as loaders write it: read without taking it to pieces. False: not of that form.
bool parse_iso(std::string_view text, Moment& out) {
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  const Civil date{number(0, 4), number(5, 2), number(8, 2)};
  if (date.month < 1 || date.day < 1 || !valid(date)) return false;
  out = {days_of(date) * ticks_per_day, 0};
  if (text.size() == 10) return true;
  if (text.size() < 19 || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':')
    return false;
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  std::int64_t fraction = 0;
  if (text.size() > 19) {
    const std::size_t digits = text.size() - 20;
    if (text[19] != '.' || digits < 1 || digits > 3)
      return false;  // More digits: the long way knows which type takes them.
    const int value = number(20, digits);
    if (value < 0) return false;
    fraction = value * (digits == 1 ? 1'000'000 : digits == 2 ? 100'000 : 10'000);
  }
  out.ticks += ((hour * 60LL + minute) * 60 + second) * ticks_per_second + fraction;
  return true;
}

}  // namespace

MomentError parse_moment(std::string_view text, const TypeInfo& type, int style, Moment& out) {
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  if (parse_iso(text, out)) return MomentError::none;
  return MomentParser(text, type, style).parse(out);
}

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
