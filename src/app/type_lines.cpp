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
  }
  return "";
}

constexpr const char* text_keeps =
    "every code page becomes UTF-8; '' is not NULL; trailing blanks. U+0000 and lone surrogates are an error "
    "of the row";

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
      {{.kind = uniqueidentifier}, "the text in lower case; byte order as it is shown"},
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
  out.push_back({"computed columns", "", "", "", "left out: change data capture does not carry them"});
  out.push_back(
      {"text, ntext, image, xml, rowversion, sql_variant, hierarchyid, geography, geometry", "", "", "",
       "not carried by this version: the table is refused by name unless columns.exclude leaves them out"});
  return out;
}

}  // namespace tailrace::app
