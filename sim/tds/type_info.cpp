// TYPE_INFO, written and read.
#include "sim/tds/type_info.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace::sim::tds {
namespace {

// Of a code page: a locale that has it, as in the collations of its languages; UTF-8 is a flag of its own.
void put_collation(ByteBuffer& out, std::uint16_t code_page = 0) {
  constexpr std::uint32_t ignore_case_kana_width = 0xD00000;
  constexpr std::uint32_t is_utf8 = 1U << 26;
  struct Locale {
    std::uint16_t code_page;
    std::uint32_t id;
  };
  constexpr Locale locales[] = {{1250, 0x0415}, {1251, 0x0419}, {1253, 0x0408}, {1254, 0x041F},
                                {1255, 0x040D}, {1256, 0x0401}, {1257, 0x0427}, {1258, 0x042A},
                                {874, 0x041E},  {932, 0x0411},  {936, 0x0804},  {949, 0x0412},
                                {950, 0x0404}};
  if (code_page == 65001) {
    out.u32(0x0409 | ignore_case_kana_width | is_utf8);
    return out.u8(0);
  }
  for (const Locale& locale : locales) {
    if (locale.code_page != code_page) continue;
    out.u32(locale.id | ignore_case_kana_width);
    return out.u8(0);
  }
  out.bytes({reinterpret_cast<const char*>(collation_bytes), sizeof collation_bytes});
}

void put_sized(ByteBuffer& out, bool nullable, std::uint8_t fixed_code, std::uint8_t nullable_code,
               std::uint8_t size) {
  out.u8(nullable ? nullable_code : fixed_code);
  if (nullable) out.u8(size);
}

void put_string_type(ByteBuffer& out, std::uint8_t code, std::int32_t length, bool has_collation,
                     std::uint16_t code_page = 0) {
  out.u8(code);
  out.u16(length < 0 ? std::uint16_t{0xFFFF} : static_cast<std::uint16_t>(length));
  if (has_collation) put_collation(out, code_page);
}

void put_short_name(ByteBuffer& out, std::string_view ascii) {
  out.u8(static_cast<std::uint8_t>(ascii.size()));
  for (const char c : ascii)
    out.u16(static_cast<unsigned char>(c));
}

// UDT_INFO: the database, the schema, the type's name, and the assembly as clients know it.
void put_clr_type(ByteBuffer& out, std::uint16_t most_bytes, std::string_view name,
                  std::string_view class_name) {
  out.u8(wire_type::udt);
  out.u16(most_bytes);
  put_short_name(out, "master");
  put_short_name(out, "sys");
  put_short_name(out, name);
  const std::string assembly = "Microsoft.SqlServer.Types." + std::string(class_name) +
                               ", Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, "
                               "PublicKeyToken=89845dcd8080cc91";
  out.u16(static_cast<std::uint16_t>(assembly.size()));
  for (const char c : assembly)
    out.u16(static_cast<unsigned char>(c));
}

// text, ntext and image: the table's name follows, which here is empty (one part of no characters).
void put_old_large_type(ByteBuffer& out, std::uint8_t code, const TypeInfo& type) {
  out.u8(code);
  out.u32(0x7FFFFFFF);
  if (type.type != Type::varbinary) put_collation(out, type.code_page);
  out.u8(1);
  out.u16(0);
}

// Types that are others in a guise; false: this one is not, or looks the same on the wire (rowversion).
bool put_guise_type(ByteBuffer& out, const TypeInfo& type) {
  switch (type.guise) {
    case Guise::none:
    case Guise::rowversion: return false;
    case Guise::text: put_old_large_type(out, wire_type::text, type); return true;
    case Guise::ntext: put_old_large_type(out, wire_type::ntext, type); return true;
    case Guise::image: put_old_large_type(out, wire_type::image, type); return true;
    case Guise::xml:
      out.u8(wire_type::xml);
      out.u8(0);  // No schema.
      return true;
    case Guise::sql_variant:
      out.u8(wire_type::variant);
      out.u32(8009);
      return true;
    case Guise::hierarchyid: put_clr_type(out, 892, "hierarchyid", "SqlHierarchyId"); return true;
    case Guise::geometry: put_clr_type(out, 0xFFFF, "geometry", "SqlGeometry"); return true;
    case Guise::geography: put_clr_type(out, 0xFFFF, "geography", "SqlGeography"); return true;
  }
  return false;
}

Error unknown_type(std::string_view parameter, std::uint8_t code) {
  return refused_request(8009,
                         fmt::format("The incoming tabular data stream (TDS) remote procedure call (RPC) "
                                     "protocol stream is incorrect. Parameter (\"{}\"): Data type 0x{:02X} "
                                     "is unknown.",
                                     parameter, code));
}

Error bad_length(std::string_view parameter, std::uint8_t code) {
  return refused_request(8016,
                         fmt::format("The incoming tabular data stream (TDS) remote procedure call (RPC) "
                                     "protocol stream is incorrect. Parameter (\"{}\"): Data type 0x{:02X} "
                                     "has an invalid data length or metadata length.",
                                     parameter, code));
}

WireType fixed_type(std::uint8_t code, Type type, std::uint32_t bytes) {
  WireType wire;
  wire.code = code;
  wire.most_bytes = bytes;
  wire.type = {.type = type, .length = static_cast<std::int32_t>(bytes)};
  return wire;
}

// Which type a length-carrying numeric type is depends on its length.
bool resolve_by_length(WireType& wire) {
  const std::uint32_t bytes = wire.most_bytes;
  wire.type.length = static_cast<std::int32_t>(bytes);
  switch (wire.code) {
    case wire_type::intn:
      wire.type.type = bytes == 1   ? Type::tinyint
                       : bytes == 2 ? Type::smallint
                       : bytes == 4 ? Type::int_
                                    : Type::bigint;
      return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    case wire_type::bitn: wire.type.type = Type::bit; return bytes == 1;
    case wire_type::floatn:
      wire.type.type = bytes == 4 ? Type::real : Type::float_;
      return bytes == 4 || bytes == 8;
    case wire_type::moneyn:
      wire.type.type = bytes == 4 ? Type::smallmoney : Type::money;
      wire.type.scale = 4;
      return bytes == 4 || bytes == 8;
    case wire_type::datetimen:
      wire.type.type = bytes == 4 ? Type::smalldatetime : Type::datetime;
      return bytes == 4 || bytes == 8;
    default: wire.type.type = Type::uniqueidentifier; return bytes == 16;
  }
}

void read_string_type(ByteReader& in, WireType& wire, const Protocol& protocol, std::string_view parameter,
                      Type type, bool old) {
  wire.form = old ? LengthForm::byte : LengthForm::ushort;
  wire.most_bytes = old ? in.u8() : in.u16();
  wire.type.type = type;
  wire.type.length = static_cast<std::int32_t>(wire.most_bytes);
  const bool is_text = type != Type::binary && type != Type::varbinary;
  const bool is_wide = type == Type::nchar || type == Type::nvarchar;
  const bool may_be_max =
      !old && (type == Type::varchar || type == Type::nvarchar || type == Type::varbinary);
  if (is_text && !old && protocol.version >= 0x71000000) {
    std::ranges::copy(in.bytes(sizeof wire.collation), wire.collation);
  }
  if (may_be_max && wire.most_bytes == 0xFFFF) {
    wire.form = LengthForm::plp;
    wire.type.length = -1;
  } else if (wire.most_bytes > 8000 || (is_wide && wire.most_bytes % 2 != 0)) {
    throw bad_length(parameter, wire.code);
  }
}

void read_large_type(ByteReader& in, WireType& wire, const Protocol& protocol, Type type) {
  wire.form = LengthForm::ulong;
  wire.most_bytes = in.u32();
  wire.type = {.type = type, .length = -1};
  if (type != Type::varbinary && protocol.version >= 0x71000000) {
    std::ranges::copy(in.bytes(sizeof wire.collation), wire.collation);
  }
}

void read_time_type(ByteReader& in, WireType& wire, std::string_view parameter, Type type) {
  wire.form = LengthForm::byte;
  wire.type.type = type;
  if (type != Type::date) wire.type.scale = in.u8();
  if (wire.type.scale > 7) throw bad_length(parameter, wire.code);
  const std::uint32_t time = time_bytes(wire.type.scale);
  wire.most_bytes = type == Type::date        ? 3
                    : type == Type::time      ? time
                    : type == Type::datetime2 ? time + 3
                                              : time + 5;
  wire.type.length = static_cast<std::int32_t>(wire.most_bytes);
}

void read_decimal_type(ByteReader& in, WireType& wire, std::string_view parameter) {
  wire.form = LengthForm::byte;
  wire.most_bytes = in.u8();
  wire.type.type = Type::decimal;
  wire.type.numeric = wire.code == wire_type::numericn || wire.code == wire_type::old_numeric;
  wire.type.precision = in.u8();
  wire.type.scale = in.u8();
  if (wire.type.precision < 1 || wire.type.precision > 38 || wire.type.scale > wire.type.precision ||
      wire.most_bytes > 17) {
    throw bad_length(parameter, wire.code);
  }
  wire.type.length = decimal_bytes(wire.type.precision);
}

}  // namespace

std::uint8_t decimal_bytes(std::uint8_t precision) {
  return precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
}

std::uint8_t time_bytes(std::uint8_t scale) {
  return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

std::int64_t time_divisor(std::uint8_t scale) {
  std::int64_t divisor = 1;
  for (std::uint8_t i = scale; i < 7; ++i)
    divisor *= 10;
  return divisor;
}

Error refused_request(int number, std::string text) {
  return Error(ErrorKind::data, std::move(text)).with("number", fmt::to_string(number));
}

void put_type_info(ByteBuffer& out, const TypeInfo& type, bool nullable) {
  using namespace wire_type;
  if (put_guise_type(out, type)) return;
  switch (type.type) {
    case Type::bit: return put_sized(out, nullable, bit, bitn, 1);
    case Type::tinyint: return put_sized(out, nullable, int1, intn, 1);
    case Type::smallint: return put_sized(out, nullable, int2, intn, 2);
    case Type::int_: return put_sized(out, nullable, int4, intn, 4);
    case Type::bigint: return put_sized(out, nullable, int8, intn, 8);
    case Type::real: return put_sized(out, nullable, float4, floatn, 4);
    case Type::float_: return put_sized(out, nullable, float8, floatn, 8);
    case Type::smallmoney: return put_sized(out, nullable, money4, moneyn, 4);
    case Type::money: return put_sized(out, nullable, money, moneyn, 8);
    case Type::smalldatetime: return put_sized(out, nullable, datetime4, datetimen, 4);
    case Type::datetime: return put_sized(out, nullable, datetime, datetimen, 8);
    case Type::decimal:
      out.u8(type.numeric ? numericn : decimaln);
      out.u8(decimal_bytes(type.precision));
      out.u8(type.precision);
      return out.u8(type.scale);
    case Type::date: return out.u8(daten);
    case Type::time: out.u8(timen); return out.u8(type.scale);
    case Type::datetime2: out.u8(datetime2n); return out.u8(type.scale);
    case Type::datetimeoffset: out.u8(datetimeoffsetn); return out.u8(type.scale);
    case Type::char_: return put_string_type(out, char_, type.length, true, type.code_page);
    case Type::varchar: return put_string_type(out, varchar, type.length, true, type.code_page);
    case Type::nchar: return put_string_type(out, nchar, type.length, true);
    case Type::nvarchar: return put_string_type(out, nvarchar, type.length, true);
    case Type::binary: return put_string_type(out, binary, type.length, false);
    case Type::varbinary: return put_string_type(out, varbinary, type.length, false);
    case Type::uniqueidentifier: out.u8(guid); return out.u8(16);
  }
  TAILRACE_ASSERT(false);
}

WireType read_wire_type(ByteReader& in, const Protocol& protocol, std::string_view parameter) {
  const std::uint8_t code = in.u8();
  WireType wire;
  wire.code = code;
  switch (code) {
    case wire_type::null: return fixed_type(code, Type::int_, 0);
    case wire_type::int1: return fixed_type(code, Type::tinyint, 1);
    case wire_type::bit: return fixed_type(code, Type::bit, 1);
    case wire_type::int2: return fixed_type(code, Type::smallint, 2);
    case wire_type::int4: return fixed_type(code, Type::int_, 4);
    case wire_type::int8: return fixed_type(code, Type::bigint, 8);
    case wire_type::float4: return fixed_type(code, Type::real, 4);
    case wire_type::float8: return fixed_type(code, Type::float_, 8);
    case wire_type::money4: return fixed_type(code, Type::smallmoney, 4);
    case wire_type::money: return fixed_type(code, Type::money, 8);
    case wire_type::datetime4: return fixed_type(code, Type::smalldatetime, 4);
    case wire_type::datetime: return fixed_type(code, Type::datetime, 8);
    case wire_type::intn:
    case wire_type::bitn:
    case wire_type::floatn:
    case wire_type::moneyn:
    case wire_type::datetimen:
    case wire_type::guid:
      wire.form = LengthForm::byte;
      wire.most_bytes = in.u8();
      if (!resolve_by_length(wire)) throw bad_length(parameter, code);
      return wire;
    case wire_type::decimaln:
    case wire_type::numericn:
    case wire_type::old_decimal:
    case wire_type::old_numeric: read_decimal_type(in, wire, parameter); return wire;
    case wire_type::daten: read_time_type(in, wire, parameter, Type::date); return wire;
    case wire_type::timen: read_time_type(in, wire, parameter, Type::time); return wire;
    case wire_type::datetime2n: read_time_type(in, wire, parameter, Type::datetime2); return wire;
    case wire_type::datetimeoffsetn: read_time_type(in, wire, parameter, Type::datetimeoffset); return wire;
    case wire_type::old_char: read_string_type(in, wire, protocol, parameter, Type::char_, true); return wire;
    case wire_type::old_varchar:
      read_string_type(in, wire, protocol, parameter, Type::varchar, true);
      return wire;
    case wire_type::old_binary:
      read_string_type(in, wire, protocol, parameter, Type::binary, true);
      return wire;
    case wire_type::old_varbinary:
      read_string_type(in, wire, protocol, parameter, Type::varbinary, true);
      return wire;
    case wire_type::char_: read_string_type(in, wire, protocol, parameter, Type::char_, false); return wire;
    case wire_type::varchar:
      read_string_type(in, wire, protocol, parameter, Type::varchar, false);
      return wire;
    case wire_type::nchar: read_string_type(in, wire, protocol, parameter, Type::nchar, false); return wire;
    case wire_type::nvarchar:
      read_string_type(in, wire, protocol, parameter, Type::nvarchar, false);
      return wire;
    case wire_type::binary: read_string_type(in, wire, protocol, parameter, Type::binary, false); return wire;
    case wire_type::varbinary:
      read_string_type(in, wire, protocol, parameter, Type::varbinary, false);
      return wire;
    case wire_type::text: read_large_type(in, wire, protocol, Type::varchar); return wire;
    case wire_type::ntext: read_large_type(in, wire, protocol, Type::nvarchar); return wire;
    case wire_type::image: read_large_type(in, wire, protocol, Type::varbinary); return wire;
    default: throw unknown_type(parameter, code);
  }
}

}  // namespace tailrace::sim::tds
