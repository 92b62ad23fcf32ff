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
  EXPECT_EQ(quoted("red\x1b[31m"), R"("red\u001b[31m")");
  EXPECT_EQ(quoted("größer"), "größer");
}

// Who keeps a block of progress on the screen must get every line whole, and none once it has left.
TEST(Log, LinesGoToTheWriterWhileThereIsOne) {
  std::string seen;
  redirect([&seen](std::string_view line) { seen += line; });
  info("run.started", {{"pipeline", "shop"}});
  redirect(nullptr);
  EXPECT_NE(seen.find(" info run.started pipeline=shop"), std::string::npos);
  EXPECT_EQ(seen.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace tailrace::log
