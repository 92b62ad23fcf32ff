// One line a type. The target's column is asked of the target; what survives is the contract's prose.
#include "app/type_lines.h"

#include <fmt/format.h>

#include "model/table_schema.h"
#include "postgres/types.h"

namespace tailrace::app {
namespace {

struct Described {
  ColumnType type;
  const char* keeps;
  const char* loses = "";
};

const char* name_of(CellKind kind) {
  switch (kind) {
    case CellKind::boolean: return "boolean";
    case CellKind::integer: return "integer";
    case CellKind::decimal: return "decimal, 128 bit";
    case CellKind::float32: return "float32";
    case CellKind::float64: return "float64";
    case CellKind::date: return "days";
    case CellKind::time: return "100 ns of the day";
    case CellKind::timestamp: return "100 ns";
    case CellKind::timestamp_offset: return "100 ns in UTC, offset";
    case CellKind::text: return "UTF-8";
    case CellKind::bytes: return "bytes";
    case CellKind::uuid: return "16 bytes";
    case CellKind::spatial: return "EWKB";
  }
  return "";
}

constexpr const char* text_keeps =
    "every code page becomes UTF-8; '' is not NULL; trailing blanks. U+0000 and lone surrogates are an error "
    "of the row, unless text.strip or text.replace names the column";
constexpr const char* spatial_keeps =
    "every coordinate bit for bit, SRID, Z, M, curves, empty shapes; PostGIS takes no full globe, and no "
    "curve in a geography (exit 5): text does";

std::vector<Described> described() {
  using enum TypeKind;
  return {
      {{.kind = bit}, "0, 1"},
      {{.kind = tinyint}, "0 to 255"},
      {{.kind = smallint}, "every value"},
      {{.kind = int_}, "every value"},
      {{.kind = bigint}, "every value"},
      {{.kind = decimal, .precision = 38, .scale = 10}, "all digits, the sign, the scale: 1.50 stays 1.50"},
      {{.kind = smallmoney}, "every value"},
      {{.kind = money}, "every value, -922337203685477.5808 included"},
      {{.kind = real}, "bit for bit; -0.0, denormals"},
      {{.kind = float_}, "bit for bit; -0.0, denormals"},
      {{.kind = date}, "0001-01-01 to 9999-12-31"},
      {{.kind = time, .scale = 6}, "every digit"},
      {{.kind = time, .scale = 7}, "six digits", "the 7th digit is truncated; refused in a key"},
      {{.kind = smalldatetime}, "minutes"},
      {{.kind = datetime}, ".000 .003 .007 as they are shown"},
      {{.kind = datetime2, .scale = 6}, "0001 to 9999, every digit"},
      {{.kind = datetime2, .scale = 7},
       "six digits, 0001 to 9999",
       "the 7th digit is truncated; refused in a key"},
      {{.kind = datetimeoffset, .scale = 6}, "the instant", "the offset"},
      {{.kind = datetimeoffset, .scale = 7},
       "the instant, six digits",
       "the offset; the 7th digit is truncated; refused in a key"},
      {{.kind = char_, .length = 10}, text_keeps},
      {{.kind = varchar, .length = 50}, text_keeps},
      {{.kind = varchar, .length = -1}, text_keeps},
      {{.kind = nchar, .length = 10}, text_keeps},
      {{.kind = nvarchar, .length = 50}, text_keeps},
      {{.kind = nvarchar, .length = -1}, text_keeps},
      {{.kind = binary, .length = 16}, "every byte, zeros included"},
      {{.kind = varbinary, .length = 100}, "every byte; an empty value is not NULL"},
      {{.kind = varbinary, .length = -1}, "every byte; an empty value is not NULL"},
      {{.kind = text, .length = -1}, text_keeps},
      {{.kind = ntext, .length = -1}, text_keeps},
      {{.kind = image, .length = -1}, "every byte; an empty value is not NULL"},
      {{.kind = rowversion, .length = 8}, "8 bytes"},
      {{.kind = uniqueidentifier}, "the text in lower case; byte order as it is shown"},
      {{.kind = xml, .length = -1}, "the text as SQL Server gives it; fragments and the empty value"},
      {{.kind = sql_variant, .length = 8016},
       "the value, with every digit: numbers as they are written, float and real with 17 and 9 digits, times "
       "as "
       "2000-01-01 00:00:00.0000000, bytes as 0x00FF, uniqueidentifier in lower case",
       "the base type; refused in a key"},
      {{.kind = hierarchyid, .length = 892}, "the path: /1/2.1/"},
  };
}

}  // namespace

std::vector<TypeLine> type_lines() {
  const postgres::Settings settings;
  std::vector<TypeLine> out;
  for (const Described& each : described()) {
    out.push_back({each.type.sql_name(), name_of(each.type.cell_kind()),
                   postgres::created_type(each.type, settings).sql(), each.keeps, each.loses});
  }
  for (const TypeKind kind : {TypeKind::geometry, TypeKind::geography}) {
    const ColumnType type{kind, -1};
    out.push_back({type.sql_name(), name_of(type.cell_kind()),
                   type.sql_name() + " of PostGIS; without it text (EWKT: SRID=4326;POINT (1 2))",
                   spatial_keeps, ""});
  }
  out.push_back(
      {"computed columns, column sets", "", "", "",
       "left out: change data capture does not carry them; sparse columns are columns like others"});
  out.push_back({"CLR types of one's own", "", "", "",
                 "not carried: the table is refused by name unless columns.exclude leaves them out"});
  return out;
}

}  // namespace tailrace::app
