// Partitions that give nothing though they have more. The real broker: tests/integration/kafka_source/standstill_test.cpp.
#include "kafka/standstill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class K4f_Standing : public ::testing::Test {
 protected:
  static PartitionName part(int number) { return {"t", number}; }

  // An interval with so many polls.
  std::optional<Standing> interval(const std::map<PartitionName, std::int64_t>& next,
                                   std::size_t polls = Standstill::polls_needed) {
    for (std::size_t i = 0; i < polls; ++i)
      standstill_.polled();
    asked_.clear();
    return standstill_.look(next, [this](const std::vector<PartitionName>& names) {
      asked_ = names;
      std::map<PartitionName, std::int64_t> out;
      for (const PartitionName& name : names)
        out[name] = end_;
      return out;
    });
  }

  Standstill standstill_;
  std::int64_t end_ = 9;
  std::vector<PartitionName> asked_;
};

TEST_F(K4f_Standing, OneThatHasMoreIsGivenUpAfterTwoIntervals) {
  EXPECT_FALSE(interval({{part(0), 5}, {part(1), 5}}));
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_FALSE(interval({{part(0), 5}, {part(1), 6}}));
  EXPECT_THAT(asked_, ElementsAre(part(0)));
  const std::optional<Standing> given_up = interval({{part(0), 5}, {part(1), 6}});
  ASSERT_TRUE(given_up);
  EXPECT_EQ(given_up->where, part(0));
  EXPECT_EQ(given_up->next, 5);
  EXPECT_EQ(given_up->end, 9);
}

TEST_F(K4f_Standing, OneThatMovesOrIsAtItsEndIsNot) {
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(interval({{part(0), i / 2}, {part(1), 9}}));
  EXPECT_THAT(asked_, ElementsAre(part(0), part(1)));
}

// It was not wanted: paused, or another's in between.
TEST_F(K4f_Standing, OneThatWasAwayBeginsAnew) {
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({}));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_TRUE(interval({{part(0), 5}}));
}

// A target that waits for a lock for minutes lets nobody poll.
TEST_F(K4f_Standing, AnIntervalWithoutPollsShowsNothing) {
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({{part(0), 5}}, Standstill::polls_needed - 1));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_FALSE(interval({{part(0), 5}}));
  EXPECT_TRUE(interval({{part(0), 5}}));
}

TEST_F(K4f_Standing, ManyAreAskedInTurns) {
  std::map<PartitionName, std::int64_t> next;
  for (int i = 0; i < 40; ++i)
    next[part(i)] = 9;
  std::set<PartitionName> asked;
  EXPECT_FALSE(interval(next));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(interval(next));
    EXPECT_THAT(asked_, SizeIs(Standstill::asked_at_once));
    asked.insert(asked_.begin(), asked_.end());
  }
  EXPECT_THAT(asked, SizeIs(40));
}

}  // namespace
}  // namespace tailrace::kafka
