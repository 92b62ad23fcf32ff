// Moments as people write them.
#include "model/instant.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/key_text.h"

namespace tailrace {
namespace {

std::string read(std::string_view text) {
  try {
    return timestamp_text(parse_instant(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return "refused";
  }
}

TEST(Instant, IsUtcByItsOffset) {
  EXPECT_EQ(read("2026-11-23T10:00:00+01:00"), "2026-11-23T09:00:00.0000000");
  EXPECT_EQ(read("2026-11-23T00:30:00.5-0330"), "2026-11-23T04:00:00.5000000");
  EXPECT_EQ(read("2026-11-23 09:00Z"), "2026-11-23T09:00:00.0000000");
  EXPECT_EQ(read("2028-02-29T23:59:59.1234567Z"), "2028-02-29T23:59:59.1234567");
  EXPECT_EQ(read("2026-01-01T00:00:00+02:00"), "2025-12-31T22:00:00.0000000");
}

// A time of a day without an offset is not a moment: an hour too late would lose changes.
TEST(Instant, IsRefusedWithoutAnOffset) {
  EXPECT_EQ(read("2026-11-23T10:00:00"), "refused");
  EXPECT_EQ(read("2026-11-23 10:00"), "refused");
  EXPECT_EQ(read("2026-11-23"), "refused");
}

TEST(Instant, IsRefusedWhereItIsNone) {
  for (const char* text :
       {"", "now", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z", "2026-11-23T10:00:61Z", "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00.12345678Z", "2026-11-23T10:00:00Z later", "2026-11-23T10:00:00+1:00",
        "2026-11-23T10:00:00+15:00", "0000-11-23T10:00:00Z", "23.11.2026 10:00:00Z"})
    EXPECT_EQ(read(text), "refused") << text;
}

}  // namespace
}  // namespace tailrace
