// Log lines: their shape is what operators grep for.
#include "base/log.h"

#include <gtest/gtest.h>

namespace tailrace::log {
namespace {

TEST(Log, TextLineIsEventAndPairs) {
  EXPECT_EQ(render(Format::text, Level::warn, "sink.retry",
                   {{"table", "dbo.orders"}, {"attempt", 3}, {"why", "a \"b\""}}),
            R"(warn sink.retry table=dbo.orders attempt=3 why="a \"b\"")");
}

TEST(Log, JsonKeepsNumbersBare) {
  EXPECT_EQ(render(Format::json, Level::info, "e", {{"n", 3}, {"s", "x\ny"}, {"b", true}}),
            R"("level":"info","event":"e","n":3,"s":"x\ny","b":true)");
}

// A value with a line break must not make a second line that looks like an event.
TEST(Log, ValuesStayOnOneLine) {
  EXPECT_EQ(quoted("a\nb"), R"("a\nb")");
}

}  // namespace
}  // namespace tailrace::log
