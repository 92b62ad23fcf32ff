// K4f: a partition that gives nothing though it has more is said, and read by a new source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/kafka_source/source_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

class K4f_Standstill : public SourceCase {
 protected:
  static SourceSettings looking(const EventTable& table) {
    SourceSettings out = settings({table});
    out.look_at_standing_every = 1200ms;
    return out;
  }
  static Change insert(std::int64_t id) {
    Change change;
    change.after = row(id, "x");
    change.commit = static_cast<std::uint64_t>(id);
    return change;
  }
};

// The broker keeps what it has to itself, as a client does that gave the partition up.
TEST_F(K4f_Standstill, IsUnavailableAndANewSourceReadsOn) {
  const EventTable table = new_table();
  write(table, {insert(1), insert(2)});
  SourceSettings starved = looking(table);
  starved.cluster.properties["fetch.min.bytes"] = Secret("50000000");
  starved.cluster.properties["fetch.wait.max.ms"] = Secret("8000");
  std::optional<Error> error;
  {
    Reading reading(starved);
    reading.open();
    try {
      reading.until([&] { return !reading.whole().empty(); });
    } catch (const Error& thrown) {
      error = thrown;
    }
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::unavailable);
  EXPECT_EQ(error->context("topic"), table.topic);
  EXPECT_EQ(error->context("partition"), "0");
  EXPECT_EQ(error->context("next_offset"), "0");
  Reading reading(looking(table));
  reading.open();
  reading.until([&] { return reading.whole().size() == 2; });
  EXPECT_THAT(reading.whole(), ElementsAre(1, 2));
}

// What is at its end, and what somebody has not committed yet, is waited for.
TEST_F(K4f_Standstill, WhatIsNotCommittedIsNotOwed) {
  const EventTable table = new_table();
  write(table, {insert(1)});
  Reading reading(looking(table));
  reading.open();
  reading.until([&] { return reading.whole().size() == 1; });
  const std::unique_ptr<Producer> open = begin_writing(table, {insert(2)});
  const auto begun = std::chrono::steady_clock::now();
  reading.until([&] { return std::chrono::steady_clock::now() - begun > 4s; });
  ASSERT_TRUE(open->commit(never_));
  reading.until([&] { return reading.whole().size() == 2; });
}

}  // namespace
}  // namespace tailrace::kafka
