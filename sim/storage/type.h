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

struct TypeInfo {
  Type type = Type::int_;
  std::int32_t length = 4;
  std::uint8_t precision = 0;  // decimal
  std::uint8_t scale = 0;      // decimal, time, datetime2, datetimeoffset
  bool numeric = false;        // Was declared numeric, not decimal: another type name, the same values.
  bool operator==(const TypeInfo&) const = default;
};

}  // namespace tailrace::sim
