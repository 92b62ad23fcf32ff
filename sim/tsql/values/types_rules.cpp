// Rules between types: precedence, common types, results of arithmetic, which conversions there are.
#include <algorithm>

#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

int precedence(Type type) {
  switch (type) {
    case Type::datetimeoffset: return 1;
    case Type::datetime2: return 2;
    case Type::datetime: return 3;
    case Type::smalldatetime: return 4;
    case Type::date: return 5;
    case Type::time: return 6;
    case Type::float_: return 7;
    case Type::real: return 8;
    case Type::decimal: return 9;
    case Type::money: return 10;
    case Type::smallmoney: return 11;
    case Type::bigint: return 12;
    case Type::int_: return 13;
    case Type::smallint: return 14;
    case Type::tinyint: return 15;
    case Type::bit: return 16;
    case Type::uniqueidentifier: return 17;
    case Type::nvarchar: return 18;
    case Type::nchar: return 19;
    case Type::varchar: return 20;
    case Type::char_: return 21;
    case Type::varbinary: return 22;
    case Type::binary: return 23;
  }
  return 99;
}

std::optional<TypeInfo> as_decimal(const TypeInfo& type) {
  switch (type.type) {
    case Type::bit: return decimal_type(1, 0);
    case Type::tinyint: return decimal_type(3, 0);
    case Type::smallint: return decimal_type(5, 0);
    case Type::int_: return decimal_type(10, 0);
    case Type::bigint: return decimal_type(19, 0);
    case Type::money: return decimal_type(19, 4);
    case Type::smallmoney: return decimal_type(10, 4);
    case Type::decimal: return type;
    default: return std::nullopt;
  }
}

namespace {

TypeInfo common_decimal(const TypeInfo& left, const TypeInfo& right) {
  const int scale = std::max(left.scale, right.scale);
  const int whole = std::max(left.precision - left.scale, right.precision - right.scale);
  if (whole + scale <= 38) return decimal_type(whole + scale, scale);
  return decimal_type(38, std::max(38 - whole, 0));
}

}  // namespace

std::optional<TypeInfo> common_type(const TypeInfo& left, const TypeInfo& right) {
  const bool left_wins = precedence(left.type) <= precedence(right.type);
  const TypeInfo& winner = left_wins ? left : right;
  const TypeInfo& loser = left_wins ? right : left;
  if (left == right) return left;
  if (is_opaque(left) != is_opaque(right)) {  // As sql_variant and CLR types do: the other side becomes one.
    const TypeInfo& opaque = is_opaque(left) ? left : right;
    return conversion_allowed(is_opaque(left) ? right : left, opaque, /*implicit=*/true)
               ? std::optional(opaque)
               : std::nullopt;
  }
  if (is_opaque(left)) return std::nullopt;
  if (!implicit_conversion_allowed(loser.type, winner.type)) return std::nullopt;
  if (is_text(winner.type) && (is_text(loser.type) || is_bytes(loser.type))) {
    const std::int32_t a = units_of(left);
    const std::int32_t b = units_of(right);
    Type type = winner.type;
    if (type == Type::nchar && loser.type == Type::varchar) type = Type::nvarchar;
    TypeInfo out = text_type(type, a < 0 || b < 0 ? -1 : std::max(a, b));
    if (!is_wide_text(type)) out.code_page = std::max(left.code_page, right.code_page);
    return out;
  }
  if (is_bytes(winner.type) && is_bytes(loser.type)) {
    const std::int32_t a = units_of(left);
    const std::int32_t b = units_of(right);
    return text_type(winner.type, a < 0 || b < 0 ? -1 : std::max(a, b));
  }
  if (winner.type == Type::decimal) {
    if (const auto other = as_decimal(loser)) return common_decimal(winner, *other);
    return winner;
  }
  if (winner.type == loser.type || (is_temporal(winner.type) && is_temporal(loser.type))) {
    TypeInfo out = winner;
    if (winner.type == Type::time || winner.type == Type::datetime2 || winner.type == Type::datetimeoffset) {
      int other = loser.scale;
      if (loser.type == Type::datetime) other = 3;
      out = time_type(winner.type, std::max<int>(winner.scale, other));
    }
    return out;
  }
  return winner;
}

std::optional<TypeInfo> arithmetic_type(char op, const TypeInfo& left, const TypeInfo& right) {
  if (!is_numeric(left.type) || !is_numeric(right.type)) return std::nullopt;
  const TypeInfo& winner = precedence(left.type) <= precedence(right.type) ? left : right;
  if (winner.type != Type::decimal) {
    if (winner.type == Type::bit) return std::nullopt;
    return winner;
  }
  const TypeInfo a = as_decimal(left).value();
  const TypeInfo b = as_decimal(right).value();
  int precision = 0;
  int scale = 0;
  switch (op) {
    case '+':
    case '-':
      scale = std::max(a.scale, b.scale);
      precision = std::max(a.precision - a.scale, b.precision - b.scale) + 1 + scale;
      if (precision > 38) {
        const int whole = std::max(a.precision - a.scale, b.precision - b.scale);
        scale = std::min(scale, std::max(38 - whole, 0));
        precision = 38;
      }
      return decimal_type(precision, scale);
    case '*':
      scale = a.scale + b.scale;
      precision = a.precision + b.precision + 1;
      break;
    case '/':
      scale = std::max(6, a.scale + b.precision + 1);
      precision = a.precision - a.scale + b.scale + scale;
      break;
    default:  // %
      scale = std::max(a.scale, b.scale);
      precision = std::min(a.precision - a.scale, b.precision - b.scale) + scale;
      break;
  }
  if (precision > 38) {
    const int whole = precision - scale;
    if (whole < 32) {
      scale = std::min(scale, 38 - whole);
    } else {
      scale = std::min(scale, 6);
    }
    precision = 38;
  }
  return decimal_type(std::max(precision, 1), scale);
}

bool explicit_conversion_allowed(Type from, Type to) {
  if (from == to) return true;
  if (is_text(from) || is_text(to)) return true;
  if (from == Type::uniqueidentifier || to == Type::uniqueidentifier) {
    return is_bytes(from) || is_bytes(to);
  }
  if (is_bytes(from) || is_bytes(to)) {
    // Dates as bytes are SQL Server's storage format, which the simulator does not show.
    const Type other = is_bytes(from) ? to : from;
    return is_bytes(other) || is_integer(other) || is_money(other) || is_float(other);
  }
  if (is_temporal(from) && is_temporal(to)) {
    return !((from == Type::date && to == Type::time) || (from == Type::time && to == Type::date));
  }
  if (is_temporal(from) || is_temporal(to)) {
    const Type temporal = is_temporal(from) ? from : to;
    return temporal == Type::datetime || temporal == Type::smalldatetime;
  }
  return true;
}

bool conversion_allowed(const TypeInfo& from, const TypeInfo& to, bool implicit) {
  if (from == to) return true;
  // A variant holds every type but the large ones, and is converted back only where that is written.
  if (to.guise == Guise::sql_variant) {
    return from.length >= 0 && !is_opaque(from) && from.guise != Guise::rowversion;
  }
  if (from.guise == Guise::sql_variant) {
    return !implicit && !is_opaque(to) && !is_incomparable(to) && to.guise != Guise::rowversion;
  }
  if (is_opaque(from) && is_opaque(to)) return from.guise == to.guise;
  if (is_opaque(from)) return !implicit && (is_text(to.type) || is_bytes(to.type)) && to.guise == Guise::none;
  if (is_opaque(to)) return is_text(from.type) || (!implicit && is_bytes(from.type));
  if (from.guise == Guise::xml && !implicit) return is_text(to.type) && to.guise == Guise::none;
  if (from.guise == Guise::xml) return false;
  return implicit ? implicit_conversion_allowed(from.type, to.type)
                  : explicit_conversion_allowed(from.type, to.type);
}

bool implicit_conversion_allowed(Type from, Type to) {
  if (from == to) return true;
  if (!explicit_conversion_allowed(from, to)) return false;
  if (is_text(from) && is_bytes(to)) return false;  // 257
  if (is_bytes(from) && is_float(to)) return false;
  if (is_float(from) && is_bytes(to)) return false;
  if (is_temporal(from) && is_numeric(to)) return false;  // datetime to int wants CONVERT
  if (is_money(from) && is_text(to)) return true;
  return true;
}

}  // namespace tailrace::sim::tsql
