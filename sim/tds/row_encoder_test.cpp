// Values as bytes of the wire: what [MS-TDS] 2.2.5.5 says of each type, at the ends of its range.
#include "sim/tds/row_encoder.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"
#include "sim/tds/testing/cells.h"
#include "sim/tds/testing/fake_engine.h"
#include "sim/tds/type_info.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::hex;
using testing::text_cell;

Cell number_cell(std::int64_t number, int offset_minutes = 0) {
  Cell cell;
  cell.null = false;
  cell.number = number;
  cell.offset_minutes = static_cast<std::int16_t>(offset_minutes);
  return cell;
}
Cell decimal_cell(int128 decimal) {
  Cell cell;
  cell.null = false;
  cell.decimal = decimal;
  return cell;
}
Cell real_cell(double real) {
  Cell cell;
  cell.null = false;
  cell.real = real;
  return cell;
}
std::string encoded(const TypeInfo& type, const Cell& cell, bool nullable = true) {
  ByteBuffer out;
  put_cell(out, plan_column(type, nullable), cell);
  return hex(out.view());
}

std::string type_bytes(const TypeInfo& type, bool nullable = true) {
  ByteBuffer out;
  put_type_info(out, type, nullable);
  return hex(out.view());
}

constexpr std::int64_t day_ticks = 864'000'000'000;

TEST(TypeInfoBytes, NotNullHasTheFixedFormWhereThereIsOne) {
  EXPECT_EQ(type_bytes({.type = Type::bit, .length = 1}, false), "32");
  EXPECT_EQ(type_bytes({.type = Type::tinyint, .length = 1}, false), "30");
  EXPECT_EQ(type_bytes({.type = Type::smallint, .length = 2}, false), "34");
  EXPECT_EQ(type_bytes({.type = Type::int_, .length = 4}, false), "38");
  EXPECT_EQ(type_bytes({.type = Type::bigint, .length = 8}, false), "7F");
  EXPECT_EQ(type_bytes({.type = Type::real, .length = 4}, false), "3B");
  EXPECT_EQ(type_bytes({.type = Type::float_, .length = 8}, false), "3E");
  EXPECT_EQ(type_bytes({.type = Type::money, .length = 8}, false), "3C");
  EXPECT_EQ(type_bytes({.type = Type::smallmoney, .length = 4}, false), "7A");
  EXPECT_EQ(type_bytes({.type = Type::datetime, .length = 8}, false), "3D");
  EXPECT_EQ(type_bytes({.type = Type::smalldatetime, .length = 4}, false), "3A");
  EXPECT_EQ(type_bytes({.type = Type::uniqueidentifier, .length = 16}, false), "24 10");
  EXPECT_EQ(type_bytes({.type = Type::date, .length = 3}, false), "28");
}

TEST(TypeInfoBytes, NullableHasTheVariantWithALength) {
  EXPECT_EQ(type_bytes({.type = Type::bit, .length = 1}), "68 01");
  EXPECT_EQ(type_bytes({.type = Type::tinyint, .length = 1}), "26 01");
  EXPECT_EQ(type_bytes({.type = Type::bigint, .length = 8}), "26 08");
  EXPECT_EQ(type_bytes({.type = Type::real, .length = 4}), "6D 04");
  EXPECT_EQ(type_bytes({.type = Type::money, .length = 8}), "6E 08");
  EXPECT_EQ(type_bytes({.type = Type::datetime, .length = 8}), "6F 08");
  EXPECT_EQ(type_bytes({.type = Type::decimal, .length = 17, .precision = 38, .scale = 10}), "6A 11 26 0A");
  EXPECT_EQ(type_bytes({.type = Type::decimal, .length = 9, .precision = 19, .scale = 0, .numeric = true}),
            "6C 09 13 00");
  EXPECT_EQ(type_bytes({.type = Type::time, .length = 5, .scale = 7}), "29 07");
  EXPECT_EQ(type_bytes({.type = Type::datetime2, .length = 8, .scale = 3}), "2A 03");
  EXPECT_EQ(type_bytes({.type = Type::datetimeoffset, .length = 10, .scale = 7}), "2B 07");
}

TEST(TypeInfoBytes, StringsHaveLengthAndCollation) {
  EXPECT_EQ(type_bytes({.type = Type::varchar, .length = 50}), "A7 32 00 09 04 D0 00 34");
  EXPECT_EQ(type_bytes({.type = Type::varchar, .length = -1}), "A7 FF FF 09 04 D0 00 34");
  EXPECT_EQ(type_bytes({.type = Type::char_, .length = 3}), "AF 03 00 09 04 D0 00 34");
  EXPECT_EQ(type_bytes({.type = Type::nvarchar, .length = 8000}), "E7 40 1F 09 04 D0 00 34");
  EXPECT_EQ(type_bytes({.type = Type::nchar, .length = 20}), "EF 14 00 09 04 D0 00 34");
  EXPECT_EQ(type_bytes({.type = Type::binary, .length = 10}), "AD 0A 00");
  EXPECT_EQ(type_bytes({.type = Type::varbinary, .length = -1}), "A5 FF FF");
}

TEST(ValueBytes, Integers) {
  EXPECT_EQ(encoded({.type = Type::bit, .length = 1}, number_cell(1)), "01 01");
  EXPECT_EQ(encoded({.type = Type::tinyint, .length = 1}, number_cell(255), false), "FF");
  EXPECT_EQ(encoded({.type = Type::smallint, .length = 2}, number_cell(-32768)), "02 00 80");
  EXPECT_EQ(encoded({.type = Type::int_, .length = 4}, number_cell(-2), false), "FE FF FF FF");
  EXPECT_EQ(
      encoded({.type = Type::bigint, .length = 8}, number_cell(std::numeric_limits<std::int64_t>::min())),
      "08 00 00 00 00 00 00 00 80");
}

TEST(ValueBytes, Reals) {
  EXPECT_EQ(encoded({.type = Type::real, .length = 4}, real_cell(1.5)), "04 00 00 C0 3F");
  EXPECT_EQ(encoded({.type = Type::float_, .length = 8}, real_cell(-0.0), false), "00 00 00 00 00 00 00 80");
}

// Two halves, the higher one first.
TEST(ValueBytes, Money) {
  EXPECT_EQ(encoded({.type = Type::money, .length = 8}, decimal_cell(10'000)), "08 00 00 00 00 10 27 00 00");
  EXPECT_EQ(encoded({.type = Type::money, .length = 8},
                    decimal_cell(std::numeric_limits<std::int64_t>::max()), false),
            "FF FF FF 7F FF FF FF FF");
  EXPECT_EQ(encoded({.type = Type::money, .length = 8}, decimal_cell(-1), false), "FF FF FF FF FF FF FF FF");
  EXPECT_EQ(encoded({.type = Type::smallmoney, .length = 4}, decimal_cell(-1)), "04 FF FF FF FF");
}

TEST(ValueBytes, Decimals) {
  const auto decimal = [](std::uint8_t precision) {
    return TypeInfo{.type = Type::decimal, .length = decimal_bytes(precision), .precision = precision};
  };
  EXPECT_EQ(encoded(decimal(5), decimal_cell(0)), "05 01 00 00 00 00");
  EXPECT_EQ(encoded(decimal(9), decimal_cell(-999'999'999)), "05 00 FF C9 9A 3B");
  EXPECT_EQ(encoded(decimal(10), decimal_cell(1)), "09 01 01 00 00 00 00 00 00 00");
  EXPECT_EQ(encoded(decimal(28), decimal_cell(1)), "0D 01 01 00 00 00 00 00 00 00 00 00 00 00");
  int128 nines = 0;
  for (int i = 0; i < 38; ++i)
    nines = nines * 10 + 9;
  EXPECT_EQ(encoded(decimal(38), decimal_cell(-nines)),
            "11 00 FF FF FF FF 3F 22 8A 09 7A C4 86 5A A8 4C 3B 4B");
}

TEST(ValueBytes, OldDates) {
  const TypeInfo datetime{.type = Type::datetime, .length = 8};
  EXPECT_EQ(encoded(datetime, number_cell(0)), "08 00 00 00 00 00 00 00 00");
  EXPECT_EQ(encoded(datetime, number_cell(-1), false), "FF FF FF FF FF 81 8B 01");  // 25919999
  EXPECT_EQ(encoded(datetime, number_cell(std::int64_t{-53690} * 25'920'000), false),
            "46 2E FF FF 00 00 00 00");
  EXPECT_EQ(encoded(datetime, number_cell(std::int64_t{2'958'463} * 25'920'000 + 25'919'999), false),
            "7F 24 2D 00 FF 81 8B 01");
  EXPECT_EQ(encoded({.type = Type::smalldatetime, .length = 4}, number_cell(65'535 * 1440 + 1439)),
            "04 FF FF 9F 05");
}

TEST(ValueBytes, NewTimes) {
  const auto type = [](Type name, std::uint8_t scale) {
    return TypeInfo{.type = name, .length = 8, .scale = scale};
  };
  EXPECT_EQ(encoded(type(Type::date, 0), number_cell(0)), "03 00 00 00");
  EXPECT_EQ(encoded(type(Type::date, 0), number_cell(3'652'058)), "03 DA B9 37");
  EXPECT_EQ(encoded(type(Type::time, 0), number_cell(day_ticks - 10'000'000)), "03 7F 51 01");
  EXPECT_EQ(encoded(type(Type::time, 3), number_cell(day_ticks - 10'000)), "04 FF 5B 26 05");
  EXPECT_EQ(encoded(type(Type::time, 7), number_cell(day_ticks - 1)), "05 FF BF 69 2A C9");
  EXPECT_EQ(encoded(type(Type::datetime2, 2), number_cell(day_ticks)), "06 00 00 00 01 00 00");
  EXPECT_EQ(encoded(type(Type::datetime2, 7), number_cell(3'652'058 * day_ticks + day_ticks - 1)),
            "08 FF BF 69 2A C9 DA B9 37");
  EXPECT_EQ(encoded(type(Type::datetimeoffset, 4), number_cell(day_ticks + 1000, -840)),
            "09 01 00 00 00 01 00 00 B8 FC");
}

TEST(ValueBytes, Texts) {
  EXPECT_EQ(encoded({.type = Type::varchar, .length = 10}, text_cell("é€")), "02 00 E9 80");
  EXPECT_EQ(encoded({.type = Type::nvarchar, .length = 10}, text_cell("é")), "02 00 E9 00");
  EXPECT_EQ(encoded({.type = Type::varbinary, .length = 10}, text_cell("")), "00 00");
  EXPECT_EQ(encoded({.type = Type::varbinary, .length = -1}, text_cell("")),
            "00 00 00 00 00 00 00 00 00 00 00 00");
  EXPECT_EQ(encoded({.type = Type::nvarchar, .length = -1}, text_cell("a")),
            "02 00 00 00 00 00 00 00 02 00 00 00 61 00 00 00 00 00");
  EXPECT_EQ(encoded({.type = Type::uniqueidentifier, .length = 16}, text_cell("0123456789abcdef")),
            "10 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66");
}

TEST(ValueBytes, Nulls) {
  EXPECT_EQ(encoded({.type = Type::int_, .length = 4}, Cell{}), "00");
  EXPECT_EQ(encoded({.type = Type::uniqueidentifier, .length = 16}, Cell{}), "00");
  EXPECT_EQ(encoded({.type = Type::datetime2, .length = 8, .scale = 7}, Cell{}), "00");
  EXPECT_EQ(encoded({.type = Type::nvarchar, .length = 10}, Cell{}), "FF FF");
  EXPECT_EQ(encoded({.type = Type::varbinary, .length = -1}, Cell{}), "FF FF FF FF FF FF FF FF");
}

// The client would read another value into every column behind it.
TEST(ValueBytes, RefusesWhatTheTypeCannotHold) {
  EXPECT_THROW(encoded({.type = Type::int_, .length = 4}, Cell{}, false), Error);
  EXPECT_THROW(encoded({.type = Type::varchar, .length = 2}, text_cell("abc")), Error);
  EXPECT_THROW(encoded({.type = Type::uniqueidentifier, .length = 16}, text_cell("abc")), Error);
}

TEST(Rows, ManyNullsMakeABitmap) {
  const std::vector<ResultColumn> columns(9, {.name = "n", .type = {.type = Type::int_, .length = 4}});
  RowEncoder encoder;
  encoder.set_columns(columns, true);
  std::vector<Cell> cells(9);
  cells[1] = number_cell(7);
  ByteBuffer out;
  encoder.put_row(out, cells);
  EXPECT_EQ(hex(out.view()), "D2 FD 01 04 07 00 00 00");
  encoder.set_columns(columns, false);
  out.clear();
  encoder.put_row(out, cells);
  EXPECT_EQ(hex(out.view()), "D1 00 04 07 00 00 00 00 00 00 00 00 00 00");
}

// What is written must be read back as the same value, for every type and both rows of the fake engine.
TEST(Values, WrittenAndReadAreTheSame) {
  for (const std::vector<Value>& values : {testing::ordinary_values(), testing::extreme_values()}) {
    for (const Value& value : values) {
      for (const bool null : {false, true}) {
        Value sent = value;
        sent.null = null;
        ByteBuffer out;
        put_type_info(out, sent.type, true);
        put_cell(out, plan_column(sent.type, true), cell_of(sent));
        ByteReader in(out.view());
        const WireType wire = read_wire_type(in, Protocol{}, "");
        const Value got = read_value(in, wire, "");
        EXPECT_TRUE(in.at_end());
        EXPECT_EQ(got.type.type, sent.type.type);
        EXPECT_EQ(got.null, null);
        if (null) continue;
        EXPECT_EQ(got.number, sent.number);
        EXPECT_TRUE(got.decimal == sent.decimal);
        EXPECT_EQ(got.real, sent.real);
        EXPECT_EQ(got.text, sent.text);
        EXPECT_EQ(got.offset_minutes, sent.offset_minutes);
      }
    }
  }
}

}  // namespace
}  // namespace tailrace::sim::tds
