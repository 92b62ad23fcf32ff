// The conversions.
#include "intake/cells.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/utf.h"
#include "intake/moment.h"
#include "record/decimal.h"

namespace tailrace::intake {
namespace {

using record::Value;
using Fault = std::optional<RowFaultCode>;
using Place = CellWriter::Place;

constexpr Fault done = std::nullopt;
constexpr std::int64_t days_to_1970 = 719'162;  // From 0001-01-01.
constexpr std::int64_t last_day = 3'652'058;    // 9999-12-31.
constexpr std::int64_t ticks_per_day = 864'000'000'000;
constexpr std::int64_t ticks_per_minute = 600'000'000;

template <class T>
const T& of(const Value& value) {
  const T* const found = value.as<T>();
  if (found == nullptr) throw Error(ErrorKind::data, "a value is of another type than its schema says");
  return *found;
}

Fault unfit(Place at) {
  at.batch.set_null(at.row, at.column);
  return RowFaultCode::unfit_value;
}

Fault put_integer_in(Place at, std::int64_t number) {
  at.batch.put(at.row, at.column).integer = number;
  return done;
}

Fault put_boolean(const CellWriter&, Place at, const Value& value) {
  return put_integer_in(at, of<bool>(value) ? 1 : 0);
}

Fault put_integer(const CellWriter& writer, Place at, const Value& value) {
  const std::int64_t number = of<std::int64_t>(value);
  const auto within = [number](std::int64_t low, std::int64_t high) {
    return number >= low && number <= high;
  };
  bool fits = true;
  switch (writer.type().kind) {
    case TypeKind::tinyint: fits = within(0, 255); break;
    case TypeKind::smallint:
      fits = within(std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max());
      break;
    case TypeKind::int_:
      fits = within(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
      break;
    default: break;
  }
  return fits ? put_integer_in(at, number) : unfit(at);
}

Fault put_float32(const CellWriter&, Place at, const Value& value) {
  at.batch.put(at.row, at.column).float32 = of<float>(value);
  return done;
}

Fault put_float64(const CellWriter&, Place at, const Value& value) {
  at.batch.put(at.row, at.column).float64 = of<double>(value);
  return done;
}

constexpr std::array<int128, 39> powers_of_ten = [] {
  std::array<int128, 39> out{};
  out[0] = 1;
  for (std::size_t i = 1; i < out.size(); ++i)
    out[i] = out[i - 1] * 10;
  return out;
}();

int precision_of(const ColumnType& type) {
  if (type.kind == TypeKind::money) return 19;
  if (type.kind == TypeKind::smallmoney) return 10;
  return type.precision;
}

int scale_of(const ColumnType& type) {
  return type.kind == TypeKind::money || type.kind == TypeKind::smallmoney ? 4 : type.scale;
}

bool is_shorter(int128 number, int digits) {
  const int128 limit = powers_of_ten[static_cast<std::size_t>(digits)];
  return number < limit && number > -limit;
}

Fault put_unscaled(const CellWriter& writer, Place at, int128 number, int scale) {
  const int wanted = scale_of(writer.type());
  const int precision = precision_of(writer.type());
  for (; scale > wanted; --scale) {
    if (number % 10 != 0) return unfit(at);
    number /= 10;
  }
  // Checked before it grows: 38 digits are all that fit.
  if (!is_shorter(number, std::max(0, precision - (wanted - scale)))) return unfit(at);
  at.batch.put(at.row, at.column).decimal = number * powers_of_ten[static_cast<std::size_t>(wanted - scale)];
  return done;
}

Fault put_decimal(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<int128> number = record::decimal_number(of<std::string>(value));
  if (!number) return unfit(at);
  return put_unscaled(writer, at, *number, writer.field().scale);
}

// decimal.handling.mode: string.
Fault put_decimal_text(const CellWriter& writer, Place at, const Value& value) {
  const std::string& text = of<std::string>(value);
  const int scale = scale_of(writer.type());
  try {
    const std::optional<int128> number = record::decimal_number(record::decimal_bytes_of_text(text, scale));
    if (!number) return unfit(at);
    return put_unscaled(writer, at, *number, scale);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    return unfit(at);
  }
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Fault put_text(const CellWriter& writer, Place at, const Value& value) {
  const std::string& text = of<std::string>(value);
  const std::int32_t length = writer.type().length;
  at.batch.set_null(at.row, at.column);
  if (text.find('\0') != std::string::npos) return RowFaultCode::zero_in_text;
  if (!is_valid_utf8(text)) return RowFaultCode::invalid_text;
  if (length > 0 && text.size() > static_cast<std::size_t>(length) &&
      code_points(text) > static_cast<std::size_t>(length))
    return RowFaultCode::unfit_value;
  at.batch.put_text(at.row, at.column, text);
  return done;
}

Fault put_bytes(const CellWriter&, Place at, const Value& value) {
  at.batch.put_text(at.row, at.column, of<std::string>(value));
  return done;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 8-4-4-4-12, in either case.
Fault put_uuid(const CellWriter&, Place at, const Value& value) {
  constexpr std::size_t uuid_characters = 36;
  const std::string& text = of<std::string>(value);
  if (text.size() != uuid_characters) return unfit(at);
  std::array<std::uint8_t, 16> bytes{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return unfit(at);
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return unfit(at);
    bytes[digits / 2] = static_cast<std::uint8_t>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  std::copy(bytes.begin(), bytes.end(), at.batch.put(at.row, at.column).uuid);
  return done;
}

Fault put_days_in(Place at, std::int64_t days) {
  if (days < 0 || days > last_day) return unfit(at);
  return put_integer_in(at, days);
}

Fault put_days(const CellWriter&, Place at, const Value& value) {
  return put_days_in(at, of<std::int64_t>(value) + days_to_1970);
}

// Digits of a second that the type does not have.
bool is_finer(const ColumnType& type, std::int64_t ticks) {
  int digits = type.scale;
  // datetime's own steps of 1/300 s come as milliseconds.
  if (type.kind == TypeKind::datetime) digits = 3;
  if (type.kind == TypeKind::smalldatetime) digits = 0;
  std::int64_t step = 1;
  for (; digits < 7; ++digits)
    step *= 10;
  return ticks % step != 0;
}

Fault put_ticks(const CellWriter& writer, Place at, std::int64_t ticks, std::int64_t end) {
  if (ticks < 0 || ticks >= end || is_finer(writer.type(), ticks)) return unfit(at);
  return put_integer_in(at, ticks);
}

// `per_tick` units are one tick, or one unit is `ticks_a_unit`.
struct Unit {
  std::int64_t ticks = 1;
  std::int64_t per_tick = 1;
};

constexpr Unit unit_of(Meaning meaning) {
  switch (meaning) {
    case Meaning::milliseconds:
    case Meaning::time_milliseconds: return {10'000, 1};
    case Meaning::microseconds:
    case Meaning::time_microseconds: return {10, 1};
    default: return {1, 100};
  }
}

// Nothing where it is between two ticks, or too far away for 64 bits of them.
std::optional<std::int64_t> ticks_of(Meaning meaning, std::int64_t number) {
  const Unit unit = unit_of(meaning);
  if (number % unit.per_tick != 0) return std::nullopt;
  std::int64_t out = 0;
  if (__builtin_mul_overflow(number / unit.per_tick, unit.ticks, &out)) return std::nullopt;
  return out;
}

Fault put_time(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<std::int64_t> ticks = ticks_of(writer.field().meaning, of<std::int64_t>(value));
  return ticks ? put_ticks(writer, at, *ticks, ticks_per_day) : unfit(at);
}

Fault put_timestamp(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<std::int64_t> ticks = ticks_of(writer.field().meaning, of<std::int64_t>(value));
  std::int64_t sum = 0;
  if (!ticks || __builtin_add_overflow(*ticks, days_to_1970 * ticks_per_day, &sum)) return unfit(at);
  return put_ticks(writer, at, sum, (last_day + 1) * ticks_per_day);
}

std::optional<Moment> moment_of(const Value& value) {
  return parse_moment(of<std::string>(value));
}

Fault put_moment_as_date(const CellWriter&, Place at, const Value& value) {
  const std::optional<Moment> moment = moment_of(value);
  if (!moment || !moment->days || moment->ticks.value_or(0) != 0) return unfit(at);
  return put_days_in(at, *moment->days);
}

Fault put_moment_as_time(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<Moment> moment = moment_of(value);
  if (!moment || moment->days || !moment->ticks) return unfit(at);
  return put_ticks(writer, at, *moment->ticks, ticks_per_day);
}

// What has no zone at the source is written as UTC.
Fault put_moment_as_timestamp(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<Moment> moment = moment_of(value);
  if (!moment || !moment->days || !moment->ticks || moment->minutes.value_or(0) != 0) return unfit(at);
  return put_ticks(writer, at, *moment->days * ticks_per_day + *moment->ticks,
                   (last_day + 1) * ticks_per_day);
}

Fault put_moment_with_offset(const CellWriter& writer, Place at, const Value& value) {
  const std::optional<Moment> moment = moment_of(value);
  if (!moment || !moment->days || !moment->ticks || !moment->minutes) return unfit(at);
  if (is_finer(writer.type(), *moment->ticks)) return unfit(at);
  auto& cell = at.batch.put(at.row, at.column).offset_time;
  cell.ticks = *moment->days * ticks_per_day + *moment->ticks - *moment->minutes * ticks_per_minute;
  cell.minutes = *moment->minutes;
  return done;
}

CellWriter::Function text_function(CellKind kind) {
  switch (kind) {
    case CellKind::text: return put_text;
    case CellKind::uuid: return put_uuid;
    case CellKind::decimal: return put_decimal_text;
    default: return nullptr;
  }
}

CellWriter::Function moment_function(CellKind kind) {
  switch (kind) {
    case CellKind::date: return put_moment_as_date;
    case CellKind::time: return put_moment_as_time;
    case CellKind::timestamp: return put_moment_as_timestamp;
    case CellKind::timestamp_offset: return put_moment_with_offset;
    case CellKind::text: return put_text;
    default: return nullptr;
  }
}

CellWriter::Function function_of(Meaning meaning, CellKind kind) {
  const auto only = [kind](CellKind wanted, CellWriter::Function function) {
    return kind == wanted ? function : nullptr;
  };
  switch (meaning) {
    case Meaning::boolean: return only(CellKind::boolean, put_boolean);
    case Meaning::integer: return only(CellKind::integer, put_integer);
    case Meaning::float32: return only(CellKind::float32, put_float32);
    case Meaning::float64: return only(CellKind::float64, put_float64);
    case Meaning::decimal: return only(CellKind::decimal, put_decimal);
    case Meaning::text: return text_function(kind);
    case Meaning::bytes: return only(CellKind::bytes, put_bytes);
    case Meaning::days: return only(CellKind::date, put_days);
    case Meaning::time_milliseconds:
    case Meaning::time_microseconds:
    case Meaning::time_nanoseconds: return only(CellKind::time, put_time);
    case Meaning::milliseconds:
    case Meaning::microseconds:
    case Meaning::nanoseconds: return only(CellKind::timestamp, put_timestamp);
    case Meaning::moment_text: return moment_function(kind);
  }
  return nullptr;
}

}  // namespace

bool can_write(const FieldMeaning& field, const ColumnType& type) {
  return function_of(field.meaning, type.cell_kind()) != nullptr;
}

CellWriter::CellWriter(const FieldMeaning& field, const Column& column)
    : field_(field), type_(column.type), function_(function_of(field.meaning, column.type.cell_kind())) {
  if (function_ == nullptr)
    throw Error(ErrorKind::config,
                "the records' values are not of the type of the target's column, " + column.type.sql_name())
        .with("column", column.name);
}

}  // namespace tailrace::intake
