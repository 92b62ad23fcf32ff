// Whether a table's change table still is the one that it was, reaches back far enough, and which other one may be read.
#include "sqlserver/capture_instances.h"

#include <gtest/gtest.h>

#include "sqlserver/testing/lsn.h"

namespace tailrace::sqlserver {
namespace {

const CaptureInstance known{"dbo_orders", 100, "2026-01-01T00:00:00.0000000", {}};

std::optional<ErrorKind> judged(const CatalogInstance& now, const Lsn& position) {
  const std::optional<Error> error = validity_error(std::vector{now}, {"dbo", "orders"}, known, position);
  return error ? std::optional(error->kind()) : std::nullopt;
}

CatalogInstance instance_from(const Lsn& start) {
  CatalogInstance instance;
  instance.name = known.name;
  instance.object_id = known.object_id;
  instance.create_date = known.create_date;
  instance.start_lsn = start;
  return instance;
}

// A name may be given again, and so may an object id; what was made anew has lost what lay between.
TEST(R04_Identity, AnInstanceIsItsNameItsObjectAndItsDate) {
  EXPECT_EQ(judged(instance_from(lsn(1)), lsn(5)), std::nullopt);
  CatalogInstance other = instance_from(lsn(1));
  other.object_id = 101;
  EXPECT_EQ(judged(other, lsn(5)), ErrorKind::gap);
  other = instance_from(lsn(1));
  other.create_date = "2026-01-02T00:00:00.0000000";
  EXPECT_EQ(judged(other, lsn(5)), ErrorKind::gap);
  other = instance_from(lsn(1));
  other.name = "dbo_orders_2";
  EXPECT_EQ(judged(other, lsn(5)), ErrorKind::gap);
}

// A row at the minimum itself is still there, and reads begin behind the position.
TEST(R02_Gap, TheMinimumMayBeWhatComesNextAndNotMore) {
  EXPECT_EQ(judged(instance_from(lsn(5)), lsn(5)), std::nullopt);
  EXPECT_EQ(judged(instance_from(lsn(6)), lsn(5)), std::nullopt);
  EXPECT_EQ(judged(instance_from(lsn(7)), lsn(5)), ErrorKind::gap);
}

CatalogInstance other_from(const std::optional<Lsn>& start, std::int32_t source = 7) {
  CatalogInstance instance;
  instance.name = "second";
  instance.object_id = 200;
  instance.source_object_id = source;
  instance.create_date = "2026-01-02T00:00:00.0000000";
  instance.start_lsn = start;
  return instance;
}

CapturedTable read_table() {
  CapturedTable table;
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", "orders"};
  table.schema = schema;
  table.source_object_id = 7;
  table.instance = known;
  return table;
}

std::optional<ErrorKind> checked(const std::vector<CatalogInstance>& now, const Lsn& position) {
  try {
    check_validity(now, read_table(), position);
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

// E51: with nothing between the position and its start, never before; and never by a start that nobody knows.
TEST(TwoInstances, ANewerOneIsReadFromItsStartOn) {
  CatalogInstance first = instance_from(lsn(1));
  first.source_object_id = 7;
  const auto newer = [&](const CatalogInstance& other, const Lsn& position) {
    return newer_instance(std::vector{first, other}, read_table(), position) != nullptr;
  };
  EXPECT_FALSE(newer(other_from(lsn(5)), lsn(3)));
  EXPECT_TRUE(newer(other_from(lsn(5)), lsn(4)));
  EXPECT_TRUE(newer(other_from(lsn(5)), lsn(5)));
  EXPECT_TRUE(newer(other_from(lsn(5)), lsn(6)));
  EXPECT_FALSE(newer(other_from(std::nullopt), lsn(6)));
  EXPECT_FALSE(newer(other_from(lsn(5), /*source=*/8), lsn(6)));
  // They come oldest first: one that was there before is not gone back to.
  EXPECT_EQ(newer_instance(std::vector{other_from(lsn(5)), first}, read_table(), lsn(6)), nullptr);
}

// What goes while another one holds the same is no gap: a new start takes that one.
TEST(TwoInstances, OneThatIsLeftIsNoGapIfItReachesBack) {
  EXPECT_EQ(checked({other_from(lsn(5))}, lsn(5)), ErrorKind::conflict);
  EXPECT_EQ(checked({other_from(lsn(6))}, lsn(5)), ErrorKind::conflict);
  EXPECT_EQ(checked({other_from(lsn(7))}, lsn(5)), ErrorKind::gap);
  EXPECT_EQ(checked({other_from(std::nullopt)}, lsn(5)), ErrorKind::gap);
  EXPECT_EQ(checked({other_from(lsn(5), /*source=*/8)}, lsn(5)), ErrorKind::gap);
  EXPECT_EQ(checked({instance_from(lsn(7)), other_from(lsn(5))}, lsn(5)), ErrorKind::conflict);
  EXPECT_EQ(checked({instance_from(lsn(5)), other_from(lsn(5))}, lsn(5)), std::nullopt);
}

TEST(TwoInstances, AStartTakesAnotherOneOnlyIfThatReachesBack) {
  const auto judged_start = [](const std::optional<Lsn>& start) {
    const CatalogInstance other = other_from(start);
    const std::optional<Error> error =
        succession_error(std::vector{other}, {"dbo", "orders"}, known, identity_of(other), lsn(5));
    return error ? std::optional(error->kind()) : std::nullopt;
  };
  EXPECT_EQ(judged_start(lsn(5)), std::nullopt);
  EXPECT_EQ(judged_start(lsn(6)), std::nullopt);
  EXPECT_EQ(judged_start(lsn(7)), ErrorKind::gap);
  EXPECT_EQ(judged_start(std::nullopt), ErrorKind::gap);
}

}  // namespace
}  // namespace tailrace::sqlserver
