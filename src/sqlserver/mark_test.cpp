// When a high mark is passed.
#include "sqlserver/mark.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sqlserver/testing/lsn.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

Mark mark_at(std::int64_t clock) {
  Mark mark;
  mark.clock = clock;
  mark.offset_minutes = 60;
  mark.captured = lsn(10);
  mark.server = "SQL01@2026";
  mark.session = 5;
  mark.empty_scans = 3;
  return mark;
}

TEST(R03_HighMark, SurvivesAsText) {
  Mark mark = mark_at(639000000000000000);
  mark.server = "odd;server=name@2026-01-01T00:00:00.0000000";
  const Mark again = Mark::parse(mark.text());
  EXPECT_EQ(again.text(), mark.text());
  EXPECT_EQ(again.clock, mark.clock);
  EXPECT_EQ(again.captured, mark.captured);
  EXPECT_EQ(again.session, 5);
  EXPECT_EQ(again.server, mark.server);
  EXPECT_THROW(Mark::parse("clock=1"), Error);
}

TEST(R03_HighMark, CountsScansThatAreKnownToBeNew) {
  const Mark mark = mark_at(0);
  using Sessions = std::vector<ScanSession>;
  EXPECT_EQ(scans_since(mark, mark.server, Sessions{{5, true, 3}}), 0);
  EXPECT_EQ(scans_since(mark, mark.server, Sessions{{5, true, 5}}), 2);
  EXPECT_EQ(scans_since(mark, mark.server, Sessions{{5, true, 3}, {6, false, 0}}), 0) << "it has not ended";
  EXPECT_EQ(scans_since(mark, mark.server, Sessions{{5, true, 3}, {6, true, 0}, {7, true, 4}}), 5);
  EXPECT_EQ(scans_since(mark, mark.server, Sessions{{4, true, 90}}), 0) << "older than the mark";
}

// Counters of another server, or of one that has started anew, say nothing about this mark.
TEST(R03_HighMark, DoesNotTrustOtherCounters) {
  const Mark mark = mark_at(0);
  const std::vector<ScanSession> sessions{{8, true, 9}};
  EXPECT_EQ(scans_since(mark, "SQL02@2026", sessions), 0);
  Mark blind = mark;
  blind.session = -1;
  EXPECT_EQ(scans_since(blind, mark.server, sessions), 0);
}

// max_lsn right after the last read proves nothing: only a row that is later than the clock does.
TEST(R03_HighMark, NeedsARowLaterThanBothResolutions) {
  const Mark mark = mark_at(100 * ticks_per_second);
  std::vector<MappedTransaction> mapped{{lsn(11), "x", 0, 100 * ticks_per_second},
                                        {lsn(12), "x", 0, 100 * ticks_per_second + ticks_per_second / 25}};
  EXPECT_FALSE(mapped_after(mark, mapped, 60));
  mapped.push_back({lsn(13), std::string(1, '\0'), 0, 101 * ticks_per_second});
  EXPECT_EQ(mapped_after(mark, mapped, 60), lsn(13)) << "markers count";
}

// What was captured before the mark cannot pass it, even if a clock that went back says so.
TEST(R03_HighMark, IsNotFooledByClockSteps) {
  const Mark mark = mark_at(100 * ticks_per_second);
  const std::vector<MappedTransaction> old{{lsn(10), "x", 0, 3700 * ticks_per_second}};
  EXPECT_FALSE(mapped_after(mark, old, 60));
  const std::vector<MappedTransaction> later{{lsn(11), "x", 0, 3700 * ticks_per_second}};
  EXPECT_FALSE(mapped_after(mark, later, 120)) << "another UTC offset";
  EXPECT_TRUE(mapped_after(mark, later, 60));
}

}  // namespace
}  // namespace tailrace::sqlserver
