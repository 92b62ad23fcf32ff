// Kinds of types, making them, and their names.
#include "sim/tsql/values/types.h"

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

}  // namespace tailrace::sim::tsql
