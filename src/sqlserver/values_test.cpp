// Values out of ODBC's structures and texts, at their limits.
#include "sqlserver/values.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "model/key_text.h"

namespace tailrace::sqlserver {
namespace {

struct Timestamp {
  std::int16_t year;
  std::uint16_t month, day, hour, minute, second;
  std::uint32_t nanoseconds;
};
static_assert(sizeof(Timestamp) == 16);

std::int64_t ticks(const Timestamp& value) {
  return ticks_of(std::as_bytes(std::span(&value, 1)));
}

TEST(Timestamp, CountsFromTheFirstDay) {
  EXPECT_EQ(ticks({1, 1, 1, 0, 0, 0, 0}), 0);
  EXPECT_EQ(timestamp_text(ticks({9999, 12, 31, 23, 59, 59, 999999900})), "9999-12-31T23:59:59.9999999");
  EXPECT_EQ(timestamp_text(ticks({2000, 2, 29, 13, 45, 0, 123456700})), "2000-02-29T13:45:00.1234567");
  EXPECT_EQ(timestamp_text(ticks({1753, 1, 1, 0, 0, 0, 3000000})), "1753-01-01T00:00:00.0030000");
}

TEST(Timestamp, RefusesDaysThatDoNotExist) {
  EXPECT_THROW(ticks({2001, 2, 29, 0, 0, 0, 0}), Error);
  EXPECT_THROW(ticks({0, 1, 1, 0, 0, 0, 0}), Error);
}

TEST(Time, KeepsSevenDigits) {
  struct {
    std::uint16_t hour, minute, second, unused;
    std::uint32_t nanoseconds;
  } value{23, 59, 59, 0, 999999900};
  static_assert(sizeof(value) == 12);
  EXPECT_EQ(time_ticks_of(std::as_bytes(std::span(&value, 1))), ticks_per_day - 1);
}

TEST(OffsetTime, IsTheInstantAndItsOffset) {
  struct {
    Timestamp local;
    std::int16_t hours, minutes;
  } value{{2026, 11, 23, 1, 0, 0, 0}, -3, -30};
  static_assert(sizeof(value) == 20);
  const OffsetTime west = offset_time_of(std::as_bytes(std::span(&value, 1)));
  EXPECT_EQ(west.minutes, -210);
  EXPECT_EQ(timestamp_text(west.utc_ticks), "2026-11-23T04:30:00.0000000");
  value = {{1, 1, 2, 0, 0, 0, 0}, 14, 0};
  EXPECT_EQ(timestamp_text(offset_time_of(std::as_bytes(std::span(&value, 1))).utc_ticks),
            "0001-01-01T10:00:00.0000000");
}

std::string round_trip(std::string_view text, int scale) {
  const std::optional<int128> value = decimal_of(text, scale);
  return value ? decimal_text(*value, scale) : "none";
}

TEST(Decimal, IsExactAtItsLimits) {
  const std::string nines(38, '9');
  EXPECT_EQ(round_trip(nines, 0), nines);
  EXPECT_EQ(round_trip("-" + nines, 0), "-" + nines);
  EXPECT_EQ(round_trip("0." + nines, 38), "0." + nines);
  EXPECT_EQ(round_trip("-." + nines, 38), "-0." + nines);
  EXPECT_EQ(round_trip("-922337203685477.5808", 4), "-922337203685477.5808");
  EXPECT_EQ(round_trip("1.50", 2), "1.50");
  EXPECT_EQ(round_trip("1.5", 2), "1.50");
  EXPECT_EQ(round_trip("-0.00", 2), "0.00");
  EXPECT_EQ(round_trip("0", 0), "0");
}

TEST(Decimal, RefusesWhatItCannotHold) {
  for (const char* text : {"", "-", ".", "1e5", "1,5", "1.2.3", " 1", "NaN"})
    EXPECT_FALSE(decimal_of(text, 2)) << text;
  EXPECT_FALSE(decimal_of("1.234", 2)) << "a digit would be lost";
  EXPECT_TRUE(decimal_of("1.230", 2));
  EXPECT_FALSE(decimal_of(std::string(39, '9'), 0));
  EXPECT_FALSE(decimal_of(std::string(38, '9'), 1));
}

TEST(Uuid, ComesInTheOrderOfItsText) {
  std::array<std::byte, 16> raw{};
  for (std::size_t i = 0; i < raw.size(); ++i)
    raw[i] = static_cast<std::byte>(i);
  std::uint8_t out[16];
  uuid_of(raw, out);
  const std::uint8_t expected[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  EXPECT_EQ(std::memcmp(out, expected, 16), 0);
}

}  // namespace
}  // namespace tailrace::sqlserver
