// Table schemas: type names and lookups.
#include "model/table_schema.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace {
namespace {

std::string sized(const char* name, std::int32_t length) {
  return length == -1 ? fmt::format("{}(max)", name) : fmt::format("{}({})", name, length);
}

}  // namespace

CellKind ColumnType::cell_kind() const {
  if (raw) return CellKind::bytes;
  switch (kind) {
    case TypeKind::bit: return CellKind::boolean;
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::int_:
    case TypeKind::bigint: return CellKind::integer;
    case TypeKind::decimal:
    case TypeKind::smallmoney:
    case TypeKind::money: return CellKind::decimal;
    case TypeKind::real: return CellKind::float32;
    case TypeKind::float_: return CellKind::float64;
    case TypeKind::date: return CellKind::date;
    case TypeKind::time: return CellKind::time;
    case TypeKind::smalldatetime:
    case TypeKind::datetime:
    case TypeKind::datetime2: return CellKind::timestamp;
    case TypeKind::datetimeoffset: return CellKind::timestamp_offset;
    case TypeKind::char_:
    case TypeKind::varchar:
    case TypeKind::nchar:
    case TypeKind::nvarchar:
    case TypeKind::text:
    case TypeKind::ntext:
    case TypeKind::xml:
    case TypeKind::sql_variant:
    case TypeKind::hierarchyid: return CellKind::text;
    case TypeKind::binary:
    case TypeKind::varbinary:
    case TypeKind::image:
    case TypeKind::rowversion: return CellKind::bytes;
    case TypeKind::uniqueidentifier: return CellKind::uuid;
    case TypeKind::geometry:
    case TypeKind::geography: return CellKind::spatial;
  }
  return CellKind::bytes;
}

std::string ColumnType::sql_name() const {
  switch (kind) {
    case TypeKind::bit: return "bit";
    case TypeKind::tinyint: return "tinyint";
    case TypeKind::smallint: return "smallint";
    case TypeKind::int_: return "int";
    case TypeKind::bigint: return "bigint";
    case TypeKind::decimal: return fmt::format("decimal({},{})", precision, scale);
    case TypeKind::smallmoney: return "smallmoney";
    case TypeKind::money: return "money";
    case TypeKind::real: return "real";
    case TypeKind::float_: return "float";
    case TypeKind::date: return "date";
    case TypeKind::time: return fmt::format("time({})", scale);
    case TypeKind::smalldatetime: return "smalldatetime";
    case TypeKind::datetime: return "datetime";
    case TypeKind::datetime2: return fmt::format("datetime2({})", scale);
    case TypeKind::datetimeoffset: return fmt::format("datetimeoffset({})", scale);
    case TypeKind::char_: return sized("char", length);
    case TypeKind::varchar: return sized("varchar", length);
    case TypeKind::nchar: return sized("nchar", length);
    case TypeKind::nvarchar: return sized("nvarchar", length);
    case TypeKind::binary: return sized("binary", length);
    case TypeKind::varbinary: return sized("varbinary", length);
    case TypeKind::uniqueidentifier: return "uniqueidentifier";
    case TypeKind::text: return "text";
    case TypeKind::ntext: return "ntext";
    case TypeKind::image: return "image";
    case TypeKind::rowversion: return "rowversion";
    case TypeKind::xml: return "xml";
    case TypeKind::sql_variant: return "sql_variant";
    case TypeKind::hierarchyid: return "hierarchyid";
    case TypeKind::geometry: return "geometry";
    case TypeKind::geography: return "geography";
  }
  return "?";
}

bool TableSchema::is_key(std::size_t column) const {
  return std::find(key.begin(), key.end(), column) != key.end();
}

std::optional<std::size_t> TableSchema::find_column(std::string_view column_name) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column_name) return i;
  }
  return std::nullopt;
}

}  // namespace tailrace
