// What the server says of a column, and how its values lie in a row.
//
// Errors  protocol: a type that no supported server sends to this client, or a length that no type has.
// Source  [MS-TDS] 2.2.5.4 (data types), 2.2.5.6 (TYPE_INFO), 2.2.7.4 (COLMETADATA), 2.2.5.1.2 (collations).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tailrace::tds {

class Reader;

enum class WireType : std::uint8_t {
  null = 0x1F,
  int1 = 0x30,
  bit = 0x32,
  int2 = 0x34,
  int4 = 0x38,
  datetime4 = 0x3A,
  float4 = 0x3B,
  money = 0x3C,
  datetime = 0x3D,
  float8 = 0x3E,
  money4 = 0x7A,
  int8 = 0x7F,
  guid = 0x24,
  int_n = 0x26,
  date_n = 0x28,
  time_n = 0x29,
  datetime2_n = 0x2A,
  datetimeoffset_n = 0x2B,
  bit_n = 0x68,
  decimal_n = 0x6A,
  numeric_n = 0x6C,
  float_n = 0x6D,
  money_n = 0x6E,
  datetime_n = 0x6F,
  varbinary = 0xA5,
  varchar = 0xA7,
  binary = 0xAD,
  char_ = 0xAF,
  nvarchar = 0xE7,
  nchar = 0xEF,
  text = 0x23,
  image = 0x22,
  ntext = 0x63,
  variant = 0x62,
  udt = 0xF0,
  xml = 0xF1,
};

// How the length of a value is told.
enum class LengthForm : std::uint8_t {
  fixed,         // Not at all: `length` bytes, never NULL.
  byte_length,   // In a byte; 0: NULL.
  short_length,  // In two bytes; 0xFFFF: NULL.
  chunks,  // PLP: a total of eight bytes (all ones: NULL), then chunks with four each, ended by an empty one.
  long_length,   // In four bytes; 0: NULL.
  text_pointer,  // A pointer (its length in a byte; 0: NULL) and a timestamp, then four bytes.
};

struct Collation {
  std::uint32_t info = 0;  // LCID in the low 20 bits, then flags and version.
  std::uint8_t sort_id = 0;
};

struct TypeInfo {
  WireType type = WireType::null;
  LengthForm form = LengthForm::fixed;
  std::uint32_t length = 0;  // Of a value, at most; not told for `chunks`.
  std::uint8_t precision = 0;
  std::uint8_t scale = 0;
  Collation collation = {};  // Of text.
};

struct Column {
  std::string name;
  TypeInfo type;
};

TypeInfo read_type_info(Reader& reader);
Column read_column(Reader& reader);

// As T-SQL would write it, for messages: `nvarchar`, `decimal`.
std::string name_of(WireType type);

}  // namespace tailrace::tds
