// Values as text: for target columns of text, and spatial ones without PostGIS.
#include <gtest/gtest.h>

#include "model/spatial_text.h"
#include "postgres/shown_text.h"
#include "postgres/spatial_text.h"

namespace tailrace::postgres {
namespace {

constexpr std::int64_t ticks_per_day = 864'000'000'000;
constexpr std::int64_t day_2000 = 730'119;

std::string of_integer(TypeKind kind, std::int64_t value, std::uint8_t scale = 0) {
  Cell cell{};
  cell.integer = value;
  return shown_text(cell, {kind, 0, 0, scale});
}

TEST(ShownText, HasTheDigitsThatTheColumnDeclares) {
  EXPECT_EQ(of_integer(TypeKind::int_, -7), "-7");
  EXPECT_EQ(of_integer(TypeKind::date, day_2000), "2000-01-01");
  EXPECT_EQ(of_integer(TypeKind::time, 9, 7), "00:00:00.0000009");
  EXPECT_EQ(of_integer(TypeKind::time, ticks_per_day - 10'000'000, 0), "23:59:59");
  EXPECT_EQ(of_integer(TypeKind::datetime2, day_2000 * ticks_per_day + 1'230'000, 3),
            "2000-01-01 00:00:00.123");
  EXPECT_EQ(of_integer(TypeKind::smalldatetime, day_2000 * ticks_per_day), "2000-01-01 00:00:00");
}

// The server shows a datetime's thirds of a hundredth as .003 and .007, whatever the driver made of them.
TEST(ShownText, ADatetimeIsShownInMilliseconds) {
  EXPECT_EQ(of_integer(TypeKind::datetime, day_2000 * ticks_per_day + 33'333), "2000-01-01 00:00:00.003");
  EXPECT_EQ(of_integer(TypeKind::datetime, day_2000 * ticks_per_day + 66'667), "2000-01-01 00:00:00.007");
}

TEST(ShownText, KeepsOffsetAndSeventhDigit) {
  Cell cell{};
  cell.offset_time = {day_2000 * ticks_per_day + 1, -210};
  EXPECT_EQ(shown_text(cell, {TypeKind::datetimeoffset, 0, 0, 7}), "1999-12-31 20:30:00.0000001 -03:30");
}

TEST(ShownText, KeepsTheScaleOfDecimals) {
  Cell cell{};
  cell.decimal = 150;
  EXPECT_EQ(shown_text(cell, {TypeKind::decimal, 0, 9, 2}), "1.50");
  EXPECT_EQ(shown_text(cell, {TypeKind::money}), "0.0150");
}

std::string bytes_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

TEST(SpatialText, HasSridDimensionsAndParts) {
  const std::string one = "000000000000F03F";
  const std::string two = "0000000000000040";
  const std::string nan = "000000000000F87F";
  EXPECT_EQ(ewkt_of(bytes_of("0101000000" + one + two)), "POINT (1 2)");
  EXPECT_EQ(ewkt_of(bytes_of("01010000E0E6100000" + one + two + one + two)), "SRID=4326;POINT ZM (1 2 1 2)");
  EXPECT_EQ(ewkt_of(bytes_of("0101000040" + one + two + nan)), "POINT M (1 2 NaN)");
  EXPECT_EQ(ewkt_of(bytes_of("0101000000" + nan + nan)), "POINT EMPTY");
  EXPECT_EQ(ewkt_of(bytes_of("010700000002000000"
                             "0101000000" +
                             one + two + "010200000000000000")),
            "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING EMPTY)");
  EXPECT_EQ(ewkt_of(bytes_of("010400000001000000"
                             "0101000000" +
                             one + two)),
            "MULTIPOINT ((1 2))");
  EXPECT_EQ(ewkt_of(bytes_of("017E000020E6100000")), "SRID=4326;FULLGLOBE");
}

}  // namespace
}  // namespace tailrace::postgres
