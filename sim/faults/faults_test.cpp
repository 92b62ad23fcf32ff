// Orders match by text and are used up; the control procedure refuses what it does not know.
#include "sim/faults/faults.h"

#include <gtest/gtest.h>

#include "sim/faults/control.h"

namespace tailrace::sim {
namespace {

TEST(Faults, OrdersMatchByTextAndAreUsedUp) {
  Faults faults;
  faults.order_error({1205, "deadlock", 13}, "lsn_time_MAPPING", 2);
  faults.order_reset(3, "", 1);
  EXPECT_EQ(faults.before_statement("SELECT 1", {}).reset_after_rows, 3U);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(faults.before_statement("select * from CDC.lsn_time_mapping", {}).error->number, 1205);
  EXPECT_FALSE(faults.before_statement("select * from CDC.lsn_time_mapping", {}).error);
  faults.refuse_logins("sa", std::chrono::hours(1));
  EXPECT_TRUE(faults.login_refused("SA"));
  EXPECT_FALSE(faults.login_refused("other"));
  faults.clear();
  EXPECT_FALSE(faults.login_refused("sa"));
}

TEST(Control, KnowsItsCommands) {
  Server server({.data_directory = "", .sa_password = "x"});
  ASSERT_FALSE(server.create_database("shop", ""));
  CaptureJobs jobs(server, {});
  Faults faults;
  ControlContext context{server, jobs, faults, server.find("shop")};
  CdcResult result;
  EXPECT_EQ(run_control(context, "nonsense", {}, result)->number, 50000);
  EXPECT_EQ(run_control(context, "scan", {}, result)->number, 50000);  // No CDC yet.
  EXPECT_EQ(run_control(context, "delay", {"x"}, result)->number, 50000);
  EXPECT_FALSE(run_control(context, "delay", {"0", "select"}, result));
  faults.count_rows("shop.dbo.orders", 7);
  EXPECT_FALSE(run_control(context, "counters", {}, result));
  EXPECT_EQ(result.rows.back()[0].text, "rows shop.dbo.orders");
  EXPECT_EQ(result.rows.back()[1].number, 7);
  const std::string before = context.database->recovery_fork_guid;
  EXPECT_FALSE(run_control(context, "identity", {"fork"}, result));
  EXPECT_NE(context.database->recovery_fork_guid, before);
}

}  // namespace
}  // namespace tailrace::sim
