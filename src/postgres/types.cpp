// The type contract of the direct path. One case a type; more than one screen because the types are many.
#include "postgres/types.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

constexpr std::int32_t header_bytes = 4;  // VARHDRSZ: modifiers of varchar, char and numeric count it.

PgType numeric(int precision, int scale) {
  return {oid_numeric, (precision << 16 | scale) + header_bytes};
}

PgType characters(std::uint32_t oid, std::int32_t length) {
  return length == -1 ? PgType{oid_text, -1} : PgType{oid, length + header_bytes};
}

int source_scale(const ColumnType& source) {
  switch (source.kind) {
    case TypeKind::money:
    case TypeKind::smallmoney: return 4;
    case TypeKind::datetime: return 3;
    case TypeKind::smalldatetime: return 0;
    default: return source.scale;
  }
}

int source_precision(const ColumnType& source) {
  if (source.kind == TypeKind::money) return 19;
  if (source.kind == TypeKind::smallmoney) return 10;
  return source.precision;
}

bool takes_integer(const PgType& target, const ColumnType& source) {
  const int bytes = source.kind == TypeKind::bigint ? 8 : source.kind == TypeKind::int_ ? 4 : 2;
  switch (target.oid) {
    case oid_int2: return bytes <= 2;
    case oid_int4: return bytes <= 4;
    case oid_int8: return true;
    case oid_float4: return bytes <= 2;  // 24 bits of the 16 that it takes.
    case oid_float8: return bytes <= 4;
    case oid_numeric: {
      const int digits = bytes == 8 ? 19 : bytes == 4 ? 10 : 5;
      return target.modifier == -1 || target.numeric_precision() - target.numeric_scale() >= digits;
    }
    default: return false;
  }
}

bool takes_decimal(const PgType& target, const ColumnType& source) {
  const int scale = source_scale(source);
  const int precision = source_precision(source);
  if (scale == 0 && target.oid == oid_int2) return precision <= 4;
  if (scale == 0 && target.oid == oid_int4) return precision <= 9;
  if (scale == 0 && target.oid == oid_int8) return precision <= 18;
  if (target.oid != oid_numeric) return false;
  if (target.modifier == -1) return true;
  // The scale must be the same: 1.50 stays 1.50.
  return target.numeric_scale() == scale && target.numeric_precision() >= precision;
}

// Characters of the longest value as text; 0: never written as text (a double's text, though exact, has other equals).
int text_width(const ColumnType& source) {
  switch (source.kind) {
    case TypeKind::tinyint: return 3;
    case TypeKind::smallint: return 6;
    case TypeKind::int_: return 11;
    case TypeKind::bigint: return 20;
    case TypeKind::decimal:
    case TypeKind::money:
    case TypeKind::smallmoney: return source_precision(source) + 3;
    case TypeKind::date: return 10;
    case TypeKind::time: return 16;
    case TypeKind::smalldatetime: return 19;
    case TypeKind::datetime: return 23;
    case TypeKind::datetime2: return 27;
    case TypeKind::datetimeoffset: return 34;
    case TypeKind::uniqueidentifier: return 36;
    default: return 0;
  }
}

bool takes_as_text(const PgType& target, const ColumnType& source) {
  const int width = text_width(source);
  if (width == 0) return false;
  if (target.oid == oid_text) return true;
  return target.oid == oid_varchar && (target.modifier == -1 || target.characters() >= width);
}

// A modifier allows one kind of geometry, or one SRID.
bool takes_spatial(const PgType& target, const ColumnType& source) {
  if (target.modifier != -1) return false;
  if (target.oid == oid_text || target.oid == oid_varchar) return true;
  return target.oid == (source.kind == TypeKind::geometry ? oid_geometry : oid_geography);
}

bool takes_text(const PgType& target, const ColumnType& source) {
  if (target.oid == oid_text || (target.oid == oid_varchar && target.modifier == -1)) return true;
  if (source.kind == TypeKind::xml && target.oid == oid_xml) return true;
  if (source.is_max() || source.kind == TypeKind::sql_variant || source.kind == TypeKind::hierarchyid)
    return false;
  // char(n) pads and forgets blanks, so only a char(n) of the very same length may become one.
  const bool fixed = source.kind == TypeKind::char_ || source.kind == TypeKind::nchar;
  if (target.oid == oid_bpchar) return fixed && target.characters() == source.length;
  return target.oid == oid_varchar && target.characters() >= source.length;
}

}  // namespace

int PgType::numeric_precision() const {
  return ((modifier - header_bytes) >> 16) & 0xffff;
}
// Since PostgreSQL 15 the scale is an 11-bit signed number.
int PgType::numeric_scale() const {
  return (((modifier - header_bytes) & 0x7ff) ^ 1024) - 1024;
}
int PgType::second_digits() const {
  return modifier < 0 ? 6 : modifier;
}
int PgType::characters() const {
  return modifier < 0 ? -1 : modifier - header_bytes;
}

std::string PgType::sql() const {
  const auto digits = [this] { return modifier < 0 ? std::string() : fmt::format("({})", modifier); };
  const auto length = [this] { return modifier < 0 ? std::string() : fmt::format("({})", characters()); };
  switch (oid) {
    case oid_bool: return "boolean";
    case oid_bytea: return "bytea";
    case oid_int8: return "bigint";
    case oid_int2: return "smallint";
    case oid_int4: return "integer";
    case oid_text: return "text";
    case oid_float4: return "real";
    case oid_float8: return "double precision";
    case oid_bpchar: return "character" + length();
    case oid_varchar: return "character varying" + length();
    case oid_date: return "date";
    case oid_time: return "time" + digits() + " without time zone";
    case oid_timestamp: return "timestamp" + digits() + " without time zone";
    case oid_timestamptz: return "timestamp" + digits() + " with time zone";
    case oid_uuid: return "uuid";
    case oid_xml: return "xml";
    case oid_geometry: return "geometry";
    case oid_geography: return "geography";
    case oid_numeric:
      return modifier < 0 ? std::string("numeric")
                          : fmt::format("numeric({},{})", numeric_precision(), numeric_scale());
    default: return fmt::format("type {}", oid);
  }
}

std::uint32_t PgType::array_oid() const {
  if (server_array_oid != 0) return server_array_oid;
  switch (oid) {
    case oid_bool: return 1000;
    case oid_bytea: return 1001;
    case oid_int8: return 1016;
    case oid_int2: return 1005;
    case oid_int4: return 1007;
    case oid_text: return 1009;
    case oid_float4: return 1021;
    case oid_float8: return 1022;
    case oid_bpchar: return 1014;
    case oid_varchar: return 1015;
    case oid_date: return 1182;
    case oid_time: return 1183;
    case oid_timestamp: return 1115;
    case oid_timestamptz: return 1185;
    case oid_numeric: return 1231;
    case oid_uuid: return 2951;
    case oid_xml: return 143;
    default: break;
  }
  throw Error(ErrorKind::internal, fmt::format("no array type is known for type {}", oid));
}

PgType created_type(const ColumnType& source, const Settings& settings) {
  const std::int32_t digits = std::min<std::int32_t>(source_scale(source), 6);
  switch (source.kind) {
    case TypeKind::bit: return {oid_bool, -1};
    case TypeKind::tinyint:
    case TypeKind::smallint: return {oid_int2, -1};
    case TypeKind::int_: return {oid_int4, -1};
    case TypeKind::bigint: return {oid_int8, -1};
    case TypeKind::decimal:
    case TypeKind::smallmoney:
    case TypeKind::money: return numeric(source_precision(source), source_scale(source));
    case TypeKind::real: return {oid_float4, -1};
    case TypeKind::float_: return {oid_float8, -1};
    case TypeKind::date: return {oid_date, -1};
    case TypeKind::time: return {oid_time, digits};
    case TypeKind::smalldatetime:
    case TypeKind::datetime:
    case TypeKind::datetime2: return {oid_timestamp, digits};
    case TypeKind::datetimeoffset:
      return settings.datetimeoffset_as_text ? PgType{oid_text, -1} : PgType{oid_timestamptz, digits};
    case TypeKind::char_:
    case TypeKind::nchar:
      return settings.char_as_char ? characters(oid_bpchar, source.length) : PgType{oid_text, -1};
    case TypeKind::varchar:
    case TypeKind::nvarchar: return characters(oid_varchar, source.length);
    case TypeKind::binary:
    case TypeKind::varbinary:
    case TypeKind::image:
    case TypeKind::rowversion: return {oid_bytea, -1};
    case TypeKind::uniqueidentifier: return {oid_uuid, -1};
    case TypeKind::xml: return settings.xml_as_text ? PgType{oid_text, -1} : PgType{oid_xml, -1};
    case TypeKind::text:
    case TypeKind::ntext:
    case TypeKind::sql_variant:
    case TypeKind::hierarchyid: return {oid_text, -1};
    case TypeKind::geometry:
      return settings.postgis_schema.empty() ? PgType{oid_text, -1} : PgType{oid_geometry, -1};
    case TypeKind::geography:
      return settings.postgis_schema.empty() ? PgType{oid_text, -1} : PgType{oid_geography, -1};
  }
  throw Error(ErrorKind::internal, "a SQL Server type without a PostgreSQL type: " + source.sql_name());
}

bool takes(const PgType& target, const ColumnType& source) {
  if (takes_as_text(target, source)) return true;
  const int digits = std::min(source_scale(source), 6);
  switch (source.cell_kind()) {
    case CellKind::boolean: return target.oid == oid_bool || takes_integer(target, {TypeKind::tinyint});
    case CellKind::integer: return takes_integer(target, source);
    case CellKind::decimal: return takes_decimal(target, source);
    case CellKind::float32: return target.oid == oid_float4 || target.oid == oid_float8;
    case CellKind::float64: return target.oid == oid_float8;
    case CellKind::date: return target.oid == oid_date || target.oid == oid_timestamp;
    case CellKind::time: return target.oid == oid_time && target.second_digits() >= digits;
    case CellKind::timestamp: return target.oid == oid_timestamp && target.second_digits() >= digits;
    case CellKind::timestamp_offset: return target.oid == oid_timestamptz && target.second_digits() >= digits;
    case CellKind::text: return takes_text(target, source);
    case CellKind::bytes: return target.oid == oid_bytea;
    case CellKind::uuid: return target.oid == oid_uuid;
    case CellKind::spatial: return takes_spatial(target, source);
  }
  return false;
}

bool loses_digits(const ColumnType& source) {
  return source.scale > 6 && (source.kind == TypeKind::time || source.kind == TypeKind::datetime2 ||
                              source.kind == TypeKind::datetimeoffset);
}

}  // namespace tailrace::postgres
