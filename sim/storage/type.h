// The SQL Server types that the simulator knows, as its rooms speak of them.
//
// Units   length: bytes as sys.columns.max_length has it (nvarchar(10) is 20); -1 for the max types.
// Source  sys.types; [MS-TDS] 2.2.5.4.
#pragma once

#include <cstdint>
#include <string>

namespace tailrace::sim {

enum class Type : std::uint8_t {
  bit,
  tinyint,
  smallint,
  int_,
  bigint,
  decimal,  // and numeric
  smallmoney,
  money,
  real,
  float_,
  date,
  time,
  smalldatetime,
  datetime,
  datetime2,
  datetimeoffset,
  char_,
  varchar,
  nchar,
  nvarchar,
  binary,
  varbinary,
  uniqueidentifier,
};

// A type that has another one's values under a name of its own: what one may do with it differs, how it is stored does
// not (text: varchar(max); ntext, xml: nvarchar(max); image, geometry, geography: varbinary(max); rowversion:
// binary(8); sql_variant, hierarchyid: varbinary).
enum class Guise : std::uint8_t {
  none,
  text,
  ntext,
  image,
  xml,
  rowversion,
  sql_variant,
  hierarchyid,
  geometry,
  geography,
};

struct TypeInfo {
  Type type = Type::int_;
  std::int32_t length = 4;
  std::uint8_t precision = 0;  // decimal
  std::uint8_t scale = 0;      // decimal, time, datetime2, datetimeoffset
  bool numeric = false;        // Was declared numeric, not decimal: another type name, the same values.
  Guise guise = Guise::none;
  std::uint16_t code_page = 0;  // Of char and varchar; 0: Windows-1252.
  bool operator==(const TypeInfo&) const = default;
};

}  // namespace tailrace::sim
