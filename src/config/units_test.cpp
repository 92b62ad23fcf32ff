// Sizes and durations as people write them.
#include "config/units.h"

#include <gtest/gtest.h>

namespace tailrace::config {
namespace {

using std::chrono::milliseconds;

TEST(Units, ReadsSizesWithTheirUnit) {
  EXPECT_EQ(parse_bytes("0B"), 0u);
  EXPECT_EQ(parse_bytes("512B"), 512u);
  EXPECT_EQ(parse_bytes("64KiB"), 65'536u);
  EXPECT_EQ(parse_bytes("32MiB"), 33'554'432u);
  EXPECT_EQ(parse_bytes("32 MiB"), 33'554'432u);
  EXPECT_EQ(parse_bytes("1GiB"), 1'073'741'824u);
}

// 32MB could mean two things, and 32 a third: none of them may be guessed.
TEST(Units, RefusesSizesThatCouldMeanSomethingElse) {
  for (const char* text : {"", "32", "32MB", "32mib", "MiB", "-1MiB", "1.5MiB", "1MiBx", "9999999999TiB"})
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
}

TEST(Units, ReadsDurationsWithTheirUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
  EXPECT_EQ(parse_duration("3d"), milliseconds(259'200'000));
}

TEST(Units, RefusesDurationsWithoutAUnit) {
  for (const char* text : {"", "5", "5 minutes", "-1s", "1h30m", "s", "0.5s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Units, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_integer("1433"), 1433);
  EXPECT_EQ(parse_integer("-7"), -7);
  for (const char* text : {"", "1433 ", "0x10", "1.0", "1e3", "99999999999999999999"})
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
}

TEST(Units, PrintsWhatItReads) {
  EXPECT_EQ(bytes_text(33'554'432), "32MiB");
  EXPECT_EQ(bytes_text(1'000), "1000B");
  EXPECT_EQ(bytes_text(0), "0B");
  EXPECT_EQ(duration_text(milliseconds(500)), "500ms");
  EXPECT_EQ(duration_text(milliseconds(90'000)), "90s");
  EXPECT_EQ(duration_text(milliseconds(259'200'000)), "3d");
  EXPECT_EQ(duration_text(milliseconds(0)), "0ms");
}

}  // namespace
}  // namespace tailrace::config
