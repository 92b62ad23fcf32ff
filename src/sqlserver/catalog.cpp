// The catalog's types and lookups.
#include "sqlserver/catalog.h"

namespace tailrace::sqlserver {

const CatalogColumn* CatalogTable::find_column(std::int32_t id) const {
  for (const CatalogColumn& column : columns) {
    if (column.id == id) return &column;
  }
  return nullptr;
}

namespace {

std::optional<ColumnType> clr_type_of(std::string_view name) {
  if (name == "hierarchyid") return ColumnType{TypeKind::hierarchyid, 892};
  if (name == "geometry") return ColumnType{TypeKind::geometry, -1};
  if (name == "geography") return ColumnType{TypeKind::geography, -1};
  return std::nullopt;
}

}  // namespace

std::optional<ColumnType> column_type_of(std::int32_t system_type_id, std::string_view name,
                                         std::int32_t max_length, std::uint8_t precision,
                                         std::uint8_t scale) {
  const std::int32_t units = max_length == -1 ? -1 : max_length / 2;
  switch (system_type_id) {
    case 104: return ColumnType{TypeKind::bit};
    case 48: return ColumnType{TypeKind::tinyint};
    case 52: return ColumnType{TypeKind::smallint};
    case 56: return ColumnType{TypeKind::int_};
    case 127: return ColumnType{TypeKind::bigint};
    case 106:
    case 108: return ColumnType{TypeKind::decimal, 0, precision, scale};
    case 122: return ColumnType{TypeKind::smallmoney};
    case 60: return ColumnType{TypeKind::money};
    case 59: return ColumnType{TypeKind::real};
    case 62: return ColumnType{TypeKind::float_};
    case 40: return ColumnType{TypeKind::date};
    case 41: return ColumnType{TypeKind::time, 0, 0, scale};
    case 58: return ColumnType{TypeKind::smalldatetime};
    case 61: return ColumnType{TypeKind::datetime};
    case 42: return ColumnType{TypeKind::datetime2, 0, 0, scale};
    case 43: return ColumnType{TypeKind::datetimeoffset, 0, 0, scale};
    case 175: return ColumnType{TypeKind::char_, max_length};
    case 167: return ColumnType{TypeKind::varchar, max_length};
    case 239: return ColumnType{TypeKind::nchar, units};
    case 231: return ColumnType{TypeKind::nvarchar, units};
    case 173: return ColumnType{TypeKind::binary, max_length};
    case 165: return ColumnType{TypeKind::varbinary, max_length};
    case 35: return ColumnType{TypeKind::text, -1};
    case 99: return ColumnType{TypeKind::ntext, -1};
    case 34: return ColumnType{TypeKind::image, -1};
    case 189: return ColumnType{TypeKind::rowversion, 8};
    case 241: return ColumnType{TypeKind::xml, -1};
    case 98: return ColumnType{TypeKind::sql_variant, max_length};
    case 240: return clr_type_of(name);
    case 36: return ColumnType{TypeKind::uniqueidentifier};
    default: return std::nullopt;
  }
}

}  // namespace tailrace::sqlserver
