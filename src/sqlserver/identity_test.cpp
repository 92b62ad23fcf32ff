// Identity of a source: what proves another lineage, and what does not.
#include "sqlserver/identity.h"

#include <gtest/gtest.h>

namespace tailrace::sqlserver {
namespace {

const Identity shop{"shop", "2026-01-01T00:00:00.0000000", "b1", "f1"};

TEST(R04_Identity, SurvivesAsText) {
  Identity odd = shop;
  odd.name = "a;fork=x;b";
  const Identity again = Identity::parse(odd.text());
  EXPECT_EQ(again.text(), odd.text());
  EXPECT_EQ(again.fork_guid, "f1");
  EXPECT_EQ(again.name, odd.name);
}

TEST(R04_Identity, AnotherForkIsAnotherSource) {
  Identity restored = shop;
  restored.fork_guid = "f2";
  EXPECT_TRUE(difference(shop, restored));
}

// Replicas of an availability group have creation dates of their own.
TEST(R04_Identity, AnotherReplicaIsTheSameSource) {
  Identity replica = shop;
  replica.create_date = "2026-02-02T00:00:00.0000000";
  EXPECT_FALSE(difference(shop, replica));
  replica.fork_guid.clear();
  EXPECT_FALSE(difference(shop, replica)) << "the broker guid decides";
  replica.broker_guid = "b2";
  EXPECT_TRUE(difference(shop, replica));
  replica.broker_guid.clear();
  EXPECT_TRUE(difference(shop, replica)) << "only the date is left";
}

}  // namespace
}  // namespace tailrace::sqlserver
