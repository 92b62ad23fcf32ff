// SQL Server values as SQLite stores them, chosen so that SQLite's comparison is SQL Server's.
//
// Shape    bit and integers: INTEGER.  decimal(p <= 18), money, smallmoney: INTEGER, unscaled.
//          decimal(p > 18): BLOB of 16, big-endian two's complement with the sign bit flipped.
//          real, float: REAL (columns have no affinity, -0.0 survives).
//          date, time, smalldatetime, datetime, datetime2: INTEGER in the units of sim/storage/value.h.
//          datetimeoffset: BLOB of 10, 8 of UTC ticks big-endian, 2 of (offset + 32768) big-endian; equality
//          and order go by the first 8: compare substr(x, 1, 8). char, varchar, nchar, nvarchar: TEXT (UTF-8,
//          WTF-8), a column has its COLLATE.   binary, varbinary: BLOB. uniqueidentifier: BLOB of 16, the
//          wire's bytes in the order 10-15, 8, 9, 6, 7, 4, 5, 0-3 (memcmp is SQL Server's order).
// Errors   A stored value of another kind throws `internal`.
// Threads  Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sim/storage/type.h"
#include "sim/storage/value.h"

struct sqlite3_value;
struct sqlite3_context;

namespace tailrace::sim {

// Where a decoded value lives that SQLite's memory does not hold (a GUID in wire order).
struct CodecScratch {
  std::array<char, 16> bytes{};
};

// True if decimal(p, s) is stored as a BLOB.
constexpr bool is_wide_decimal(const TypeInfo& type) {
  return type.type == Type::decimal && type.precision > 18;
}

void decode(sqlite3_value* stored, const TypeInfo& type, CodecScratch& scratch, Cell& cell);
Value decode(sqlite3_value* stored, const TypeInfo& type);
// As the result of a registered SQL function.
void encode_result(sqlite3_context* context, const TypeInfo& type, const Cell& cell);
// The bytes of the BLOB encodings, for literals (x'...') and tests.
std::string encode_wide_decimal(int128 unscaled);
int128 decode_wide_decimal(std::string_view stored);
std::string encode_datetimeoffset(std::int64_t utc_ticks, std::int16_t offset_minutes);
std::string encode_guid(std::string_view wire);
std::string decode_guid(std::string_view stored);
// The value as a literal of SQLite's SQL, exact for every type.
std::string sqlite_literal(const TypeInfo& type, const Cell& cell);

Cell cell_of(const Value& value);  // Borrows the value's text.
Value value_of(const TypeInfo& type, const Cell& cell);

}  // namespace tailrace::sim
