// Data types: their names, lengths, precisions and scales.
#include <map>

#include "sim/tsql/parse/parser_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

struct TypeRow {
  Type type;
  std::int32_t length;
  std::uint8_t precision;
  std::uint8_t scale;
};

const std::map<std::string, TypeRow, std::less<>>& type_rows() {
  static const std::map<std::string, TypeRow, std::less<>> rows{
      {"BIT", {Type::bit, 1, 0, 0}},
      {"TINYINT", {Type::tinyint, 1, 0, 0}},
      {"SMALLINT", {Type::smallint, 2, 0, 0}},
      {"INT", {Type::int_, 4, 0, 0}},
      {"INTEGER", {Type::int_, 4, 0, 0}},
      {"BIGINT", {Type::bigint, 8, 0, 0}},
      {"DECIMAL", {Type::decimal, 9, 18, 0}},
      {"DEC", {Type::decimal, 9, 18, 0}},
      {"NUMERIC", {Type::decimal, 9, 18, 0}},
      {"SMALLMONEY", {Type::smallmoney, 4, 0, 0}},
      {"MONEY", {Type::money, 8, 0, 0}},
      {"REAL", {Type::real, 4, 0, 0}},
      {"FLOAT", {Type::float_, 8, 0, 0}},
      {"DATE", {Type::date, 3, 0, 0}},
      {"TIME", {Type::time, 5, 0, 7}},
      {"SMALLDATETIME", {Type::smalldatetime, 4, 0, 0}},
      {"DATETIME", {Type::datetime, 8, 0, 0}},
      {"DATETIME2", {Type::datetime2, 8, 0, 7}},
      {"DATETIMEOFFSET", {Type::datetimeoffset, 10, 0, 7}},
      {"CHAR", {Type::char_, 1, 0, 0}},
      {"CHARACTER", {Type::char_, 1, 0, 0}},
      {"VARCHAR", {Type::varchar, 1, 0, 0}},
      {"NCHAR", {Type::nchar, 2, 0, 0}},
      {"NVARCHAR", {Type::nvarchar, 2, 0, 0}},
      {"SYSNAME", {Type::nvarchar, 256, 0, 0}},
      {"BINARY", {Type::binary, 1, 0, 0}},
      {"VARBINARY", {Type::varbinary, 1, 0, 0}},
      {"UNIQUEIDENTIFIER", {Type::uniqueidentifier, 16, 0, 0}},
  };
  return rows;
}

std::optional<Guise> guise_named(std::string_view name) {
  static const std::map<std::string, Guise, std::less<>> names{
      {"TEXT", Guise::text},
      {"NTEXT", Guise::ntext},
      {"IMAGE", Guise::image},
      {"XML", Guise::xml},
      {"ROWVERSION", Guise::rowversion},
      {"TIMESTAMP", Guise::rowversion},
      {"SQL_VARIANT", Guise::sql_variant},
      {"HIERARCHYID", Guise::hierarchyid},
      {"GEOMETRY", Guise::geometry},
      {"GEOGRAPHY", Guise::geography},
  };
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

std::int32_t decimal_length(int precision) {
  return precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
}

void set_scale(TypeInfo& type, int scale, std::string_view name, std::int32_t line) {
  if (scale < 0 || scale > 7) {
    raise(1002,
          "Line " + std::to_string(line) + ": Specified scale " + std::to_string(scale) + " is invalid.",
          line, 1, 15);
  }
  type.scale = static_cast<std::uint8_t>(scale);
  const int base = name == "TIME" ? 3 : name == "DATETIME2" ? 6 : 8;
  type.length = base + (scale <= 2 ? 0 : scale <= 4 ? 1 : 2);
}

}  // namespace

DataType Parser::data_type(std::size_t position) {
  const std::int32_t line = peek().line;
  std::string written;
  if (at_word("DOUBLE") && at_word("PRECISION", 1)) {
    take();
    take();
    return {{Type::float_, 8, 0, 0, false}, false, false};
  }
  const bool national = at_word("NATIONAL");
  if (national) take();
  written = identifier();
  if (at_symbol(".")) {  // sys.nvarchar
    take();
    written = identifier();
  }
  std::string name = upper(written);
  if (national) name = name == "TEXT" ? "NTEXT" : "N" + name;
  if (const std::optional<Guise> guise = guise_named(name)) {
    if (at_symbol("("))
      raise(2716,
            "Column, parameter, or variable: Cannot specify a column width on data type " + written + ".",
            line);
    return {guise_type(*guise), false, false};
  }
  const auto found = type_rows().find(name);
  if (found == type_rows().end()) {
    if (position == 0) raise(243, "Type " + written + " is not a defined system type.", line);
    raise(2715,
          "Column, parameter, or variable #" + std::to_string(position) + ": Cannot find data type " +
              written + ".",
          line);
  }
  const bool is_text = name.find("CHAR") != std::string::npos || name.find("BINARY") != std::string::npos;
  const bool varying = accept_word("VARYING");
  if (varying && is_text && !name.starts_with("VAR")) {
    name = name == "NCHAR" ? "NVARCHAR" : name == "BINARY" ? "VARBINARY" : "VARCHAR";
  }
  const TypeRow& row = type_rows().find(name == "CHARACTER" ? "CHAR" : name)->second;
  DataType out{{row.type, row.length, row.precision, row.scale, name == "NUMERIC"}, name == "SYSNAME", false};
  if (!at_symbol("(")) {
    return out;
  }
  const bool decimal = out.type.type == Type::decimal;
  const bool timed = out.type.type == Type::time || out.type.type == Type::datetime2 ||
                     out.type.type == Type::datetimeoffset;
  if (out.sysname || !(is_text || decimal || timed || out.type.type == Type::float_)) {
    raise(2716, "Column, parameter, or variable: Cannot specify a column width on data type " + written + ".",
          line);
  }
  take();
  out.has_length = true;
  if (is_text && accept_word("MAX")) {
    if (name == "CHAR" || name == "NCHAR" || name == "BINARY" || name == "CHARACTER") fail();
    out.type.length = -1;
    expect_symbol(")");
    return out;
  }
  const std::int32_t first = integer();
  if (is_text) {
    const bool wide = name.starts_with("N");
    const std::int32_t limit = wide ? 4000 : 8000;
    if (first < 1)
      raise(1001, "Line " + std::to_string(line) + ": Length or precision specification 0 is invalid.", line,
            1, 15);
    if (first > limit) {
      raise(131,
            "The size (" + std::to_string(first) + ") given to the type '" + written +
                "' exceeds the maximum allowed for any data type (" + std::to_string(limit) + ").",
            line, 1, 15);
    }
    out.type.length = wide ? 2 * first : first;
  } else if (decimal) {
    const std::int32_t scale = accept_symbol(",") ? integer() : 0;
    if (first < 1 || first > 38) {
      raise(2750,
            "Column or parameter: Specified column precision " + std::to_string(first) +
                " is greater than the maximum precision of 38.",
            line);
    }
    if (scale > first) raise(192, "The scale must be less than or equal to the precision.", line, 1, 15);
    out.type.precision = static_cast<std::uint8_t>(first);
    out.type.scale = static_cast<std::uint8_t>(scale);
    out.type.length = decimal_length(first);
  } else if (timed) {
    set_scale(out.type, first, name, line);
  } else {
    if (first < 1 || first > 53) raise(2750, "Specified precision is out of range.", line);
    if (first <= 24) out.type = {Type::real, 4, 0, 0, false};
  }
  expect_symbol(")");
  return out;
}

}  // namespace tailrace::sim::tsql
