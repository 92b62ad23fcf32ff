// Reading T-SQL literals as Debezium does.
#include "debezium/column_default.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "debezium/binary_text.h"
#include "debezium/moment.h"
#include "model/key_text.h"
#include "record/decimal.h"

namespace tailrace::debezium {
namespace {

using record::Schema;
using record::Value;

// Java's substring: nothing where it would throw.
std::optional<std::string_view> part_of_text(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > end || end > text.size()) return {};
  return text.substr(begin, end - begin);
}

std::optional<std::string_view> without_ends(std::string_view text, std::size_t front, std::size_t back) {
  if (text.size() < back) return {};
  return part_of_text(text, front, text.size() - back);
}

bool is_null_word(std::string_view text) {
  constexpr std::string_view word = "NULL";
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((text[i] & ~0x20) != word[i]) return false;
  }
  return true;
}

// What stands between the last opening parenthesis and the first closing one.
std::optional<std::string_view> inside_parentheses(std::string_view text) {
  const std::size_t open = text.rfind('(');
  const std::size_t close = text.find(')');
  const auto inside = part_of_text(text, open == std::string_view::npos ? 0 : open + 1,
                                   close == std::string_view::npos ? text.size() : close);
  return inside && !is_null_word(*inside) ? inside : std::nullopt;
}

std::optional<Value> whole_number(std::string_view text, TypeKind kind) {
  auto inside = inside_parentheses(text);
  if (!inside) return {};
  if (kind == TypeKind::bigint && inside->ends_with('.')) inside->remove_suffix(1);
  std::string_view digits = *inside;
  if (digits.starts_with('+')) {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) return {};
  }
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return {};
  const int bits = kind == TypeKind::bigint ? 64 : kind == TypeKind::int_ ? 32 : 16;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() >> (64 - bits);
  if (number > most || number < -most - 1) return {};
  return Value::integer(number);
}

std::optional<double> float_number(std::string_view text) {
  double number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

std::optional<Value> real_number(std::string_view text, TypeKind kind) {
  const auto inside = inside_parentheses(text);
  if (!inside) return {};
  if (kind == TypeKind::float_) {
    const auto number = float_number(*inside);
    return number ? std::optional(Value::float64(*number)) : std::nullopt;
  }
  std::string_view digits = *inside;
  float number = 0;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size()) return {};
  return Value::float32(number);
}

bool is_decimal_text(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.find_first_of("0123456789") != std::string_view::npos &&
         text.find_first_not_of("0123456789.") == std::string_view::npos && text.find('.') == text.rfind('.');
}

// ((1.50)): the digits as they are written; in precise mode with as many as the column has.
std::optional<Value> decimal_number(std::string_view text, CellForm form, std::uint8_t scale) {
  auto inside = without_ends(text, 2, 2);
  if (!inside || !is_decimal_text(*inside)) return {};
  if (inside->starts_with('+')) inside->remove_prefix(1);
  if (form == CellForm::decimal_double) {
    const auto number = float_number(*inside);
    return number ? std::optional(Value::float64(*number)) : std::nullopt;
  }
  std::string digits(*inside);
  if (digits.ends_with('.')) digits.pop_back();
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  if (digits[first] == '.') digits.insert(first, 1, '0');
  if (form == CellForm::decimal_text) return Value::text(digits);
  const std::size_t point = digits.find('.');
  if (point != std::string::npos && digits.size() - point - 1 > scale) return {};
  return Value::bytes(record::decimal_bytes_of_text(digits, scale));
}

// The digits that follow, exactly so many; false where they are not there.
bool take_digits(std::string_view& text, std::size_t count, std::int64_t& number) {
  if (text.size() < count) return false;
  number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char letter) {
  if (!text.starts_with(letter)) return false;
  text.remove_prefix(1);
  return true;
}

// YYYY-MM-DD, as days since 0001-01-01.
std::optional<std::int64_t> take_date(std::string_view& text) {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) || !take(text, '-') ||
      !take_digits(text, 2, day)) {
    return {};
  }
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{static_cast<int>(year)},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year == 0) return {};
  return sys_days{date}.time_since_epoch().count() + days_to_1970;
}

// hh:mm[:ss[.fffffff]], as ticks.
std::optional<std::int64_t> take_time(std::string_view& text) {
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  std::int64_t seconds = 0;
  if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes)) return {};
  if (take(text, ':') && !take_digits(text, 2, seconds)) return {};
  std::int64_t fraction = 0;
  if (take(text, '.')) {
    std::int64_t unit = ticks_a_second;
    std::int64_t digit = 0;
    if (text.empty()) return {};
    while (unit > 1 && take_digits(text, 1, digit)) {
      unit /= 10;
      fraction += digit * unit;
    }
  }
  if (hours > 23 || minutes > 59 || seconds > 59) return {};
  return ((hours * 60 + minutes) * 60 + seconds) * ticks_a_second + fraction;
}

std::optional<int> take_offset(std::string_view& text) {
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (!take(text, '-') && !take(text, '+')) return {};
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes) || hours > 14)
    return {};
  const auto offset = static_cast<int>(hours * 60 + minutes);
  return negative ? -offset : offset;
}

struct Moment {
  std::int64_t ticks = 0;  // Local.
  int offset_minutes = 0;
};

std::optional<Moment> moment_of(std::string_view text) {
  const auto days = take_date(text);
  if (!days) return {};
  Moment moment{.ticks = *days * ticks_a_day};
  if (text.empty()) return moment;
  if (!take(text, ' ') && !take(text, 'T')) return {};
  const auto time = take_time(text);
  if (!time) return {};
  moment.ticks += *time;
  take(text, ' ');
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return {};
  moment.offset_minutes = *offset;
  return moment;
}

// Of datetime: the nearest three-hundredth of a second, which it shows as .000, .003 or .007.
std::int64_t rounded_datetime(std::int64_t ticks) {
  const std::int64_t day = ticks / ticks_a_day;
  const std::int64_t hundredths = (ticks % ticks_a_day * 300 + ticks_a_second / 2) / ticks_a_second;
  const std::int64_t milliseconds = (hundredths * 10 + 1) / 3;
  return day * ticks_a_day + milliseconds * (ticks_a_second / 1000);
}

std::int64_t rounded(std::int64_t ticks, TypeKind kind) {
  constexpr std::int64_t minute = 60 * ticks_a_second;
  if (kind == TypeKind::datetime) return rounded_datetime(ticks);
  if (kind == TypeKind::smalldatetime) return (ticks + minute / 2) / minute * minute;
  return ticks;
}

std::optional<Value> timestamp_value(const Moment& moment, TypeKind kind, CellForm form) {
  const std::int64_t ticks = rounded(moment.ticks, kind);
  const std::int64_t since = ticks - ticks_to_1970;
  switch (form) {
    case CellForm::timestamp_ms: return Value::integer(floor_divide(since, 10'000));
    case CellForm::timestamp_us: return Value::integer(floor_divide(since, 10));
    case CellForm::timestamp_ns: {
      const auto nanoseconds = nanoseconds_of(ticks);
      return nanoseconds ? std::optional(Value::integer(*nanoseconds)) : std::nullopt;
    }
    case CellForm::timestamp_text: return Value::text(std::string(MomentText::timestamp(ticks).view()));
    case CellForm::offset_text: {
      const std::int64_t utc = ticks - moment.offset_minutes * 60 * ticks_a_second;
      return Value::text(std::string(MomentText::timestamp(utc, moment.offset_minutes).view()));
    }
    default: return {};
  }
}

std::optional<Value> time_value(std::string_view text, CellForm form) {
  const auto ticks = take_time(text);
  if (!ticks || !text.empty()) return {};
  switch (form) {
    case CellForm::time_ms: return Value::integer(*ticks / 10'000);
    case CellForm::time_us: return Value::integer(*ticks / 10);
    case CellForm::time_ns: return Value::integer(*ticks * 100);
    case CellForm::time_text: return Value::text(std::string(MomentText::time(*ticks).view()));
    default: return {};
  }
}

// ('2019-02-03'), which Debezium lets the server read; here in the form that every language setting reads alike.
std::optional<Value> moment_value(std::string_view text, TypeKind kind, CellForm form) {
  const auto inside = without_ends(text, 2, 2);
  if (!inside) return {};
  if (kind == TypeKind::time) return time_value(*inside, form);
  const auto moment = moment_of(*inside);
  if (!moment) return {};
  if (kind != TypeKind::date) return timestamp_value(*moment, kind, form);
  const std::int64_t days = moment->ticks / ticks_a_day;
  if (form == CellForm::date_text) return Value::text(std::string(MomentText::date(days).view()));
  return Value::integer(days - days_to_1970);
}

std::optional<Value> text_value(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t last = text.rfind('\'');
  const auto quoted = part_of_text(text, first == std::string_view::npos ? 0 : first + 1,
                                   last == std::string_view::npos ? text.size() : last);
  if (!quoted) return {};
  const auto inside = inside_parentheses(*quoted);
  return inside ? std::optional(Value::text(std::string(*inside))) : std::nullopt;
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// (0x0102)
std::optional<Value> bytes_value(std::string_view text, CellForm form) {
  const auto digits = without_ends(text, 3, 1);
  if (!digits || digits->size() % 2 != 0) return {};
  std::string bytes;
  for (std::size_t i = 0; i < digits->size(); i += 2) {
    const int high = hex_digit((*digits)[i]);
    const int low = hex_digit((*digits)[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  ByteBuffer out;
  switch (form) {
    case CellForm::bytes: return Value::bytes(bytes);
    case CellForm::hex: put_hex_text(out, bytes); break;
    default: put_base64_text(out, bytes, form == CellForm::base64_url);
  }
  return Value::text(out.str());
}

}  // namespace

std::optional<Value> default_of(const Column& column, CellForm form, const Schema& schema) {
  const std::string_view text = column.fallback;
  if (text.empty()) return {};
  const TypeKind kind = column.type.kind;
  std::optional<Value> found;
  switch (kind) {
    case TypeKind::bit: found = Value::boolean(text == "((1))"); break;
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::int_:
    case TypeKind::bigint: found = whole_number(text, kind); break;
    case TypeKind::decimal:
    case TypeKind::money:
    case TypeKind::smallmoney: found = decimal_number(text, form, scale_of(column.type)); break;
    case TypeKind::real:
    case TypeKind::float_: found = real_number(text, kind); break;
    case TypeKind::date:
    case TypeKind::time:
    case TypeKind::smalldatetime:
    case TypeKind::datetime:
    case TypeKind::datetime2:
    case TypeKind::datetimeoffset: found = moment_value(text, kind, form); break;
    case TypeKind::char_:
    case TypeKind::varchar:
    case TypeKind::nchar:
    case TypeKind::nvarchar:
    case TypeKind::text:
    case TypeKind::ntext: found = text_value(text); break;
    case TypeKind::binary:
    case TypeKind::varbinary:
    case TypeKind::image: found = bytes_value(text, form); break;
    case TypeKind::uniqueidentifier:
    case TypeKind::rowversion:
    case TypeKind::xml:
    case TypeKind::sql_variant:
    case TypeKind::hierarchyid:
    case TypeKind::geometry:
    case TypeKind::geography: break;
  }
  if (found && !record::fits(schema, *found)) found.reset();
  return found;
}

}  // namespace tailrace::debezium
