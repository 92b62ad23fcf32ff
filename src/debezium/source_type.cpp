// What the driver says of each type.
#include "debezium/source_type.h"

namespace tailrace::debezium {
namespace {

// java.sql.Types, microsoft.sql.Types
namespace jdbc {
constexpr std::int32_t bit = -7;
constexpr std::int32_t tinyint = -6;
constexpr std::int32_t bigint = -5;
constexpr std::int32_t longvarbinary = -4;
constexpr std::int32_t varbinary = -3;
constexpr std::int32_t binary = -2;
constexpr std::int32_t longvarchar = -1;
constexpr std::int32_t char_ = 1;
constexpr std::int32_t numeric = 2;
constexpr std::int32_t decimal = 3;
constexpr std::int32_t integer = 4;
constexpr std::int32_t smallint = 5;
constexpr std::int32_t real = 7;
constexpr std::int32_t double_ = 8;
constexpr std::int32_t varchar = 12;
constexpr std::int32_t nvarchar = -9;
constexpr std::int32_t nchar = -15;
constexpr std::int32_t longnvarchar = -16;
constexpr std::int32_t date = 91;
constexpr std::int32_t time = 92;
constexpr std::int32_t timestamp = 93;
constexpr std::int32_t datetimeoffset = -155;
constexpr std::int32_t sql_variant = -150;
}  // namespace jdbc

constexpr std::int32_t longest_bytes = 2'147'483'647;
constexpr std::int32_t longest_units = 1'073'741'823;

std::int32_t length_of(const ColumnType& type) {
  return type.is_max() ? longest_bytes : type.length;
}

// Characters of a time of day or a moment: a point and its digits behind those of whole seconds.
std::int32_t shown(std::int32_t whole, const ColumnType& type) {
  return type.scale == 0 ? whole : whole + 1 + type.scale;
}

SourceType plain(const ColumnType& type, bool is_numeric) {
  switch (type.kind) {
    case TypeKind::bit: return {"bit", jdbc::bit, 1};
    case TypeKind::tinyint: return {"tinyint", jdbc::tinyint, 3, 0};
    case TypeKind::smallint: return {"smallint", jdbc::smallint, 5, 0};
    case TypeKind::int_: return {"int", jdbc::integer, 10, 0};
    case TypeKind::bigint: return {"bigint", jdbc::bigint, 19, 0};
    case TypeKind::decimal:
      return {"decimal", is_numeric ? jdbc::numeric : jdbc::decimal, type.precision, type.scale};
    case TypeKind::smallmoney: return {"smallmoney", jdbc::decimal, 10, 4};
    case TypeKind::money: return {"money", jdbc::decimal, 19, 4};
    case TypeKind::real: return {"real", jdbc::real, 24};
    case TypeKind::float_: return {"float", jdbc::double_, 53};
    case TypeKind::date: return {"date", jdbc::date, 10};
    case TypeKind::time: return {"time", jdbc::time, shown(8, type), type.scale};
    case TypeKind::smalldatetime: return {"smalldatetime", jdbc::timestamp, 16, 0};
    case TypeKind::datetime: return {"datetime", jdbc::timestamp, 23, 3};
    case TypeKind::datetime2: return {"datetime2", jdbc::timestamp, shown(19, type), type.scale};
    case TypeKind::datetimeoffset:
      return {"datetimeoffset", jdbc::datetimeoffset, shown(26, type), type.scale};
    case TypeKind::char_: return {"char", jdbc::char_, length_of(type)};
    case TypeKind::varchar: return {"varchar", jdbc::varchar, length_of(type)};
    case TypeKind::nchar: return {"nchar", jdbc::nchar, length_of(type)};
    case TypeKind::nvarchar: return {"nvarchar", jdbc::nvarchar, length_of(type)};
    case TypeKind::binary: return {"binary", jdbc::binary, length_of(type)};
    case TypeKind::varbinary: return {"varbinary", jdbc::varbinary, length_of(type)};
    case TypeKind::uniqueidentifier: return {"uniqueidentifier", jdbc::char_, 36};
    case TypeKind::text: return {"text", jdbc::longvarchar, longest_bytes};
    case TypeKind::ntext: return {"ntext", jdbc::longnvarchar, longest_units};
    case TypeKind::image: return {"image", jdbc::longvarbinary, longest_bytes};
    case TypeKind::rowversion: return {"timestamp", jdbc::binary, 8};
    case TypeKind::xml: return {"xml", jdbc::longnvarchar, longest_bytes};
    case TypeKind::sql_variant: return {"sql_variant", jdbc::sql_variant, 8000};
    case TypeKind::hierarchyid: return {"hierarchyid", jdbc::varbinary, 892};
    case TypeKind::geometry: return {"geometry", jdbc::varbinary, longest_bytes};
    case TypeKind::geography: break;
  }
  return {"geography", jdbc::varbinary, longest_bytes};
}

}  // namespace

SourceType source_type_of(const Column& column) {
  constexpr std::string_view identity = " identity";
  SourceType type = plain(column.type, column.declared.starts_with("numeric"));
  type.is_identity = column.declared.ends_with(identity);
  if (!column.declared.empty()) type.name = column.declared;
  return type;
}

bool is_maskable(const SourceType& type) {
  switch (type.jdbc_type) {
    case jdbc::char_:
    case jdbc::varchar:
    case jdbc::longvarchar:
    case jdbc::nchar:
    case jdbc::nvarchar:
    case jdbc::longnvarchar: return true;
    default: return false;
  }
}

}  // namespace tailrace::debezium
