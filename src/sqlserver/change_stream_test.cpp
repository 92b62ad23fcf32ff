// Whether a table's change table still is the one that it was, and reaches back far enough.
#include "sqlserver/change_stream.h"

#include <gtest/gtest.h>

#include "sqlserver/catalog.h"
#include "sqlserver/testing/lsn.h"

namespace tailrace::sqlserver {
namespace {

const CaptureInstance known{"dbo_orders", 100, "2026-01-01T00:00:00.0000000", {}};

std::optional<ErrorKind> judged(const CatalogInstance& now, const Lsn& position) {
  TableSchema table;
  table.name = {"dbo", "orders"};
  table.instance = known;
  const std::optional<Error> error = validity_error(std::vector{now}, table, position);
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

// A row at the minimum itself is still there: reads begin behind the position.
TEST(R02_Gap, TheMinimumMayBeThePositionAndNotMore) {
  EXPECT_EQ(judged(instance_from(lsn(5)), lsn(5)), std::nullopt);
  EXPECT_EQ(judged(instance_from(lsn(6)), lsn(5)), ErrorKind::gap);
}

}  // namespace
}  // namespace tailrace::sqlserver
