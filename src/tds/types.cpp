// TYPE_INFO and the columns of COLMETADATA.
#include "tds/types.h"

#include <fmt/format.h>

#include <array>

#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

constexpr std::uint16_t unlimited = 0xFFFF;

struct Named {
  WireType type;
  const char* name;
};

constexpr Named names[] = {
    {WireType::null, "null"},
    {WireType::int1, "tinyint"},
    {WireType::bit, "bit"},
    {WireType::int2, "smallint"},
    {WireType::int4, "int"},
    {WireType::datetime4, "smalldatetime"},
    {WireType::float4, "real"},
    {WireType::money, "money"},
    {WireType::datetime, "datetime"},
    {WireType::float8, "float"},
    {WireType::money4, "smallmoney"},
    {WireType::int8, "bigint"},
    {WireType::guid, "uniqueidentifier"},
    {WireType::int_n, "an integer"},
    {WireType::date_n, "date"},
    {WireType::time_n, "time"},
    {WireType::datetime2_n, "datetime2"},
    {WireType::datetimeoffset_n, "datetimeoffset"},
    {WireType::bit_n, "bit"},
    {WireType::decimal_n, "decimal"},
    {WireType::numeric_n, "numeric"},
    {WireType::float_n, "float"},
    {WireType::money_n, "money"},
    {WireType::datetime_n, "datetime"},
    {WireType::varbinary, "varbinary"},
    {WireType::varchar, "varchar"},
    {WireType::binary, "binary"},
    {WireType::char_, "char"},
    {WireType::nvarchar, "nvarchar"},
    {WireType::nchar, "nchar"},
    {WireType::text, "text"},
    {WireType::image, "image"},
    {WireType::ntext, "ntext"},
    {WireType::variant, "sql_variant"},
    {WireType::udt, "a CLR type"},
    {WireType::xml, "xml"},
};

[[noreturn]] void refuse(WireType type, std::string_view what) {
  throw Error(ErrorKind::protocol, fmt::format("SQL Server describes a column of type 0x{:02X} with {}",
                                               static_cast<unsigned>(type), what));
}

TypeInfo fixed(WireType type, std::uint32_t length) {
  return {type, LengthForm::fixed, length, 0, 0, {}};
}

// Types of a length in a byte, of which only a few exist.
TypeInfo sized(WireType type, Reader& reader, std::initializer_list<std::uint8_t> allowed) {
  const std::uint8_t length = reader.u8();
  for (const std::uint8_t each : allowed) {
    if (each == length) return {type, LengthForm::byte_length, length, 0, 0, {}};
  }
  refuse(type, fmt::format("a length of {}", length));
}

TypeInfo scaled(WireType type, Reader& reader, std::uint32_t date_bytes) {
  const std::uint8_t scale = reader.u8();
  if (scale > 7) refuse(type, fmt::format("a scale of {}", scale));
  const std::uint32_t time_bytes = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
  return {type, LengthForm::byte_length, time_bytes + date_bytes, 0, scale, {}};
}

TypeInfo decimal(WireType type, Reader& reader) {
  TypeInfo out{type, LengthForm::byte_length, reader.u8(), 0, 0, {}};
  out.precision = reader.u8();
  out.scale = reader.u8();
  if (out.length > 17 || out.precision > 38 || out.scale > out.precision)
    refuse(type, fmt::format("precision {}, scale {}", out.precision, out.scale));
  return out;
}

Collation read_collation(Reader& reader) {
  Collation out;
  out.info = reader.u32();
  out.sort_id = reader.u8();
  return out;
}

TypeInfo shorter(WireType type, Reader& reader, bool has_collation) {
  TypeInfo out{type, LengthForm::short_length, reader.u16(), 0, 0, {}};
  if (out.length == unlimited) {
    out.form = LengthForm::chunks;
  } else if (out.length > 8000) {
    refuse(type, fmt::format("a length of {}", out.length));
  }
  if (has_collation) out.collation = read_collation(reader);
  return out;
}

TypeInfo longer(WireType type, LengthForm form, Reader& reader, bool has_collation) {
  TypeInfo out{type, form, reader.u32(), 0, 0, {}};
  if (has_collation) out.collation = read_collation(reader);
  return out;
}

TypeInfo xml(Reader& reader) {
  if (reader.u8() != 0) {
    reader.short_text();  // Database, schema
    reader.short_text();
    reader.long_text();  // and name of the schema collection.
  }
  return {WireType::xml, LengthForm::chunks, 0, 0, 0, {}};
}

TypeInfo udt(Reader& reader) {
  reader.u16();
  for (int i = 0; i < 3; ++i)
    reader.short_text();  // Database, schema, type;
  reader.long_text();     // the assembly's name.
  return {WireType::udt, LengthForm::chunks, 0, 0, 0, {}};
}

bool has_table_name(WireType type) {
  return type == WireType::text || type == WireType::ntext || type == WireType::image;
}

}  // namespace

TypeInfo read_type_info(Reader& reader) {
  const auto type = static_cast<WireType>(reader.u8());
  switch (type) {
    case WireType::null: return fixed(type, 0);
    case WireType::int1:
    case WireType::bit: return fixed(type, 1);
    case WireType::int2: return fixed(type, 2);
    case WireType::int4:
    case WireType::datetime4:
    case WireType::float4:
    case WireType::money4: return fixed(type, 4);
    case WireType::money:
    case WireType::datetime:
    case WireType::float8:
    case WireType::int8: return fixed(type, 8);
    case WireType::guid: return sized(type, reader, {16});
    case WireType::int_n: return sized(type, reader, {1, 2, 4, 8});
    case WireType::bit_n: return sized(type, reader, {1});
    case WireType::float_n:
    case WireType::money_n:
    case WireType::datetime_n: return sized(type, reader, {4, 8});
    case WireType::date_n: return {type, LengthForm::byte_length, 3, 0, 0, {}};
    case WireType::time_n: return scaled(type, reader, 0);
    case WireType::datetime2_n: return scaled(type, reader, 3);
    case WireType::datetimeoffset_n: return scaled(type, reader, 5);
    case WireType::decimal_n:
    case WireType::numeric_n: return decimal(type, reader);
    case WireType::varbinary:
    case WireType::binary: return shorter(type, reader, false);
    case WireType::varchar:
    case WireType::char_:
    case WireType::nvarchar:
    case WireType::nchar: return shorter(type, reader, true);
    case WireType::text:
    case WireType::ntext: return longer(type, LengthForm::text_pointer, reader, true);
    case WireType::image: return longer(type, LengthForm::text_pointer, reader, false);
    case WireType::variant: return longer(type, LengthForm::long_length, reader, false);
    case WireType::udt: return udt(reader);
    case WireType::xml: return xml(reader);
  }
  throw Error(ErrorKind::protocol, fmt::format("SQL Server sends a type 0x{:02X}, which nobody knows",
                                               static_cast<unsigned>(type)));
}

Column read_column(Reader& reader) {
  reader.u32();  // User type
  reader.u16();  // and flags: what a column is at its table is known from the catalog.
  Column out;
  out.type = read_type_info(reader);
  if (has_table_name(out.type.type)) {
    for (int parts = reader.u8(); parts > 0; --parts)
      reader.long_text();
  }
  out.name = reader.short_text();
  return out;
}

std::string name_of(WireType type) {
  for (const Named& each : names) {
    if (each.type == type) return each.name;
  }
  return "an unknown type";
}

}  // namespace tailrace::tds
