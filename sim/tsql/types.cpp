// Type rules.
#include "sim/tsql/types.h"

#include <algorithm>

namespace tailrace::sim::tsql {

bool is_text(Type type) {
  return type == Type::char_ || type == Type::varchar || type == Type::nchar || type == Type::nvarchar;
}
bool is_wide_text(Type type) {
  return type == Type::nchar || type == Type::nvarchar;
}
bool is_bytes(Type type) {
  return type == Type::binary || type == Type::varbinary;
}
bool is_integer(Type type) {
  return type <= Type::bigint;
}
bool is_money(Type type) {
  return type == Type::money || type == Type::smallmoney;
}
bool is_float(Type type) {
  return type == Type::float_ || type == Type::real;
}
bool is_numeric(Type type) {
  return is_integer(type) || type == Type::decimal || is_money(type) || is_float(type);
}
bool is_temporal(Type type) {
  return type >= Type::date && type <= Type::datetimeoffset;
}
bool is_fixed_length(Type type) {
  return type == Type::char_ || type == Type::nchar || type == Type::binary;
}

bool is_incomparable(const TypeInfo& type) {
  switch (type.guise) {
    case Guise::text:
    case Guise::ntext:
    case Guise::image:
    case Guise::xml:
    case Guise::geometry:
    case Guise::geography: return true;
    default: return false;
  }
}

bool is_opaque(const TypeInfo& type) {
  switch (type.guise) {
    case Guise::sql_variant:
    case Guise::hierarchyid:
    case Guise::geometry:
    case Guise::geography: return true;
    default: return false;
  }
}

TypeInfo guise_type(Guise guise) {
  TypeInfo type{.type = Type::varbinary, .length = -1, .guise = guise};
  switch (guise) {
    case Guise::text: type.type = Type::varchar; break;
    case Guise::ntext:
    case Guise::xml: type.type = Type::nvarchar; break;
    case Guise::rowversion:
      type.type = Type::binary;
      type.length = 8;
      break;
    case Guise::sql_variant: type.length = 8016; break;
    case Guise::hierarchyid: type.length = 892; break;
    default: break;
  }
  return type;
}

TypeInfo make_type(Type type) {
  switch (type) {
    case Type::bit:
    case Type::tinyint: return {type, 1, 0, 0, false};
    case Type::smallint: return {type, 2, 0, 0, false};
    case Type::int_:
    case Type::real:
    case Type::smallmoney:
    case Type::smalldatetime: return {type, 4, 0, 0, false};
    case Type::bigint:
    case Type::money:
    case Type::float_:
    case Type::datetime: return {type, 8, 0, 0, false};
    case Type::decimal: return decimal_type(18, 0);
    case Type::date: return {type, 3, 0, 0, false};
    case Type::time:
    case Type::datetime2:
    case Type::datetimeoffset: return time_type(type, 7);
    case Type::uniqueidentifier: return {type, 16, 0, 0, false};
    default: return text_type(type, 1);
  }
}

TypeInfo decimal_type(int precision, int scale) {
  const std::int32_t length = precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
  return {Type::decimal, length, static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale),
          true};
}

TypeInfo text_type(Type type, std::int64_t units) {
  const bool wide = is_wide_text(type);
  const std::int64_t limit = wide ? 4000 : 8000;
  if (units < 0 || units > limit) {
    if (!is_fixed_length(type)) return {type, -1, 0, 0, false};
    units = limit;
  }
  units = std::max<std::int64_t>(units, 1);
  return {type, static_cast<std::int32_t>(wide ? 2 * units : units), 0, 0, false};
}

TypeInfo time_type(Type type, int scale) {
  const std::int32_t base = type == Type::time ? 3 : type == Type::datetime2 ? 6 : 8;
  return {type, base + (scale <= 2 ? 0 : scale <= 4 ? 1 : 2), 0, static_cast<std::uint8_t>(scale), false};
}

Value text_value(std::string text, std::int64_t units) {
  Value out;
  out.type = nvarchar_type(units);
  out.null = false;
  out.text = std::move(text);
  return out;
}

Value number_value(std::int64_t number, const TypeInfo& type) {
  Value out;
  out.type = type;
  out.null = false;
  out.number = number;
  out.decimal = number;
  return out;
}

std::int32_t units_of(const TypeInfo& type) {
  if (type.length < 0) return -1;
  return is_wide_text(type.type) ? type.length / 2 : type.length;
}

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

std::string_view type_name(const TypeInfo& type) {
  switch (type.guise) {
    case Guise::none: break;
    case Guise::text: return "text";
    case Guise::ntext: return "ntext";
    case Guise::image: return "image";
    case Guise::xml: return "xml";
    case Guise::rowversion: return "timestamp";
    case Guise::sql_variant: return "sql_variant";
    case Guise::hierarchyid: return "hierarchyid";
    case Guise::geometry: return "geometry";
    case Guise::geography: return "geography";
  }
  switch (type.type) {
    case Type::bit: return "bit";
    case Type::tinyint: return "tinyint";
    case Type::smallint: return "smallint";
    case Type::int_: return "int";
    case Type::bigint: return "bigint";
    case Type::decimal: return type.numeric ? "numeric" : "decimal";
    case Type::smallmoney: return "smallmoney";
    case Type::money: return "money";
    case Type::real: return "real";
    case Type::float_: return "float";
    case Type::date: return "date";
    case Type::time: return "time";
    case Type::smalldatetime: return "smalldatetime";
    case Type::datetime: return "datetime";
    case Type::datetime2: return "datetime2";
    case Type::datetimeoffset: return "datetimeoffset";
    case Type::char_: return "char";
    case Type::varchar: return "varchar";
    case Type::nchar: return "nchar";
    case Type::nvarchar: return "nvarchar";
    case Type::binary: return "binary";
    case Type::varbinary: return "varbinary";
    case Type::uniqueidentifier: return "uniqueidentifier";
  }
  return "?";
}

std::string full_type_name(const TypeInfo& type) {
  std::string name(type_name(type));
  if (type.guise != Guise::none) return name;
  if (is_text(type.type) || is_bytes(type.type)) {
    const std::int32_t units = units_of(type);
    return name + "(" + (units < 0 ? "max" : std::to_string(units)) + ")";
  }
  if (type.type == Type::decimal) {
    return name + "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
  }
  if (type.type == Type::time || type.type == Type::datetime2 || type.type == Type::datetimeoffset) {
    return name + "(" + std::to_string(type.scale) + ")";
  }
  return name;
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
