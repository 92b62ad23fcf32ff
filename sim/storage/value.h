// One SQL Server value as it travels between the simulator's rooms.
//
// Shape    `Cell` borrows its text and bytes (valid until the next row, or as its giver says); `Value` owns them.
// Units    bit and integers: number.
//          decimal(p,s), money, smallmoney: decimal, unscaled (money: scale 4).
//          real, float: real (a real's value is exactly a float).
//          date: number, days since 0001-01-01.
//          time: number, 100 ns since midnight.
//          smalldatetime: number, minutes since 1900-01-01.
//          datetime: number, 1/300 s since 1900-01-01 (may be negative).
//          datetime2: number, 100 ns since 0001-01-01.
//          datetimeoffset: number, 100 ns since 0001-01-01 in UTC, and offset_minutes.
//          char, varchar, nchar, nvarchar: text, UTF-8 (lone surrogates as WTF-8), U+0000 allowed.
//          binary, varbinary: text, the bytes.
//          uniqueidentifier: text, 16 bytes in the order of the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/int128.h"
#include "sim/storage/type.h"

namespace tailrace::sim {

struct Cell {
  bool null = true;
  std::int16_t offset_minutes = 0;
  union {
    std::int64_t number = 0;
    double real;
    int128 decimal;
  };
  std::string_view text{};
};

struct Value {
  TypeInfo type;
  bool null = true;
  std::int16_t offset_minutes = 0;
  std::int64_t number = 0;
  double real = 0;
  int128 decimal = 0;
  std::string text;
};

}  // namespace tailrace::sim
