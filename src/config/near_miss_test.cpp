// The nearest known name.
#include "config/near_miss.h"

#include <gtest/gtest.h>

namespace tailrace::config {
namespace {

TEST(NearMiss, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("host", "host"), 0u);
  EXPECT_EQ(edit_distance("hots", "host"), 1u);
  EXPECT_EQ(edit_distance("hst", "host"), 1u);
  EXPECT_EQ(edit_distance("poll-interval", "poll_interval"), 0u);
  EXPECT_EQ(edit_distance("pollInterval", "poll_interval"), 0u);
}

TEST(NearMiss, NamesWhatWasProbablyMeant) {
  const std::vector<std::string> known{"host", "port", "password", "databases"};
  EXPECT_EQ(near_miss("hots", known), "host");
  EXPECT_EQ(near_miss("database", known), "databases");
  EXPECT_EQ(near_miss("passwd", known), "password");
}

TEST(NearMiss, SaysNothingRatherThanAnything) {
  EXPECT_EQ(near_miss("colour", {"host", "port"}), std::nullopt);
  EXPECT_EQ(near_miss("x", {}), std::nullopt);
}

}  // namespace
}  // namespace tailrace::config
