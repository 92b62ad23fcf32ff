// ISO 8601: what Java and Debezium write, and what is none.
#include "intake/moment.h"

#include <gtest/gtest.h>

namespace tailrace::intake {
namespace {

constexpr std::int64_t second = 10'000'000;

TEST(Moment, ReadsDatesTimesAndOffsets) {
  const std::optional<Moment> whole = parse_moment("2018-07-13T12:23:45.456+11:00");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->days, 736'887);
  EXPECT_EQ(whole->ticks, (12 * 3600 + 23 * 60 + 45) * second + 4'560'000);
  EXPECT_EQ(whole->minutes, 660);
  const std::optional<Moment> west = parse_moment("9999-12-31T09:59:59.9999999-14:00");
  ASSERT_TRUE(west);
  EXPECT_EQ(west->minutes, -840);
  EXPECT_EQ(*west->ticks % second, 9'999'999);
}

// OffsetDateTime.toString leaves seconds out that are zero, and writes UTC as Z.
TEST(Moment, ReadsWhatJavaLeavesOut) {
  const std::optional<Moment> short_one = parse_moment("0001-01-01T00:00Z");
  ASSERT_TRUE(short_one);
  EXPECT_EQ(short_one->days, 0);
  EXPECT_EQ(short_one->ticks, 0);
  EXPECT_EQ(short_one->minutes, 0);
  EXPECT_EQ(parse_moment("2024-02-29")->days, 738'944);
  EXPECT_EQ(parse_moment("2024-02-29")->ticks, std::nullopt);
  EXPECT_EQ(parse_moment("23:59:59")->days, std::nullopt);
  EXPECT_EQ(parse_moment("12:00:00.123456700")->ticks, 12 * 3600 * second + 1'234'567);
}

// A digit that is dropped is another value.
TEST(Moment, RefusesWhatItDoesNotHold) {
  for (const char* const text :
       {"", "2023-02-29", "2024-13-01", "0000-01-01", "2024-1-1", "24:00:00", "12:60:00", "12:00:61",
        "12:00:00.", "12:00:00.12345678", "2024-02-29T", "2024-02-29T12", "2024-02-29T12:00:00+19:00",
        "2024-02-29T12:00:00+1", "2024-02-29T12:00:00Zx", "2024-02-29 x", "noon"})
    EXPECT_FALSE(parse_moment(text)) << text;
}

}  // namespace
}  // namespace tailrace::intake
