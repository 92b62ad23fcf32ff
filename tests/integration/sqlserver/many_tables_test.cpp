// A thousand tables: what discovery, an idle poll and a window cost in round trips, counted at the simulator.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;

// The simulator needs half a minute to make a thousand captured tables, and a sanitizer several times that: the
// counts of round trips do not depend on the number.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int tables = 250;
#else
constexpr int tables = 1'010;  // row_budget() grows from 1,000 on.
#define TAILRACE_HAS_TABLES_TO_GROW 1
#endif

// One database for all cases: making a thousand captured tables takes seconds.
class ManyTables : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!is_simulated()) return;
    database_ = new Database;
    std::string batch = "BEGIN TRAN; ";
    for (int i = 0; i < tables; ++i) {
      batch += fmt::format(
          "CREATE TABLE [dbo].[t{0:04}] (id int NOT NULL PRIMARY KEY, v int NULL); EXEC "
          "sys.sp_cdc_enable_table "
          "@source_schema = N'dbo', @source_name = N't{0:04}', @role_name = NULL; ",
          i);
      if (i % 125 != 124 && i + 1 != tables) continue;
      database_->run(batch + "COMMIT");
      batch = "BEGIN TRAN; ";
    }
    database_->settle();
  }
  static void TearDownTestSuite() {
    delete database_;
    database_ = nullptr;
  }
  void SetUp() override { NEEDS_SIMULATOR(); }

  static void reset_counters() { database_->control("N'reset_counters'"); }
  // Batches and calls since reset_counters(), without those of this question.
  static std::int64_t round_trips() {
    Connection connection(database_->settings());
    Statement rows(connection, "counters", "EXEC sp_sim_control N'counters'");
    std::map<std::string, std::int64_t> counters;
    while (rows.fetch()) {
      const std::string name = rows.text(0).value_or("");
      counters[name] = rows.integer(1).value_or(0);
    }
    constexpr std::int64_t own = 2;  // Setting up the session, and this statement.
    return counters.at("batches") + counters.at("rpcs") - own;
  }

  static Database* database_;
};

Database* ManyTables::database_ = nullptr;

TEST_F(ManyTables, AreFoundInAFewRoundTrips) {
  reset_counters();
  const Opened opened(database_->settings());
  EXPECT_EQ(opened.info.tables.size(), std::size_t{tables});
  EXPECT_LE(round_trips(), 20);
}

TEST_F(ManyTables, AnIdlePollAsksOnce) {
  Settings settings = database_->settings();
  settings.poll_interval = std::chrono::hours(1);
  Opened opened(settings);
  opened.stream();
  reset_counters();
  EXPECT_TRUE(opened.all_within(std::chrono::milliseconds(1500)).empty());
  const std::int64_t asked = round_trips();
  EXPECT_GE(asked, 1);
  EXPECT_LE(asked, 3);
}

// Head, mapping, counts of all tables, instances, DDL; a page of each of the three tables; instances again.
TEST_F(ManyTables, WhatChangedIsFoundInOneRoundTrip) {
  Opened opened(database_->settings());
  opened.stream();
  database_->run(
      "BEGIN TRAN; INSERT INTO t0007 VALUES (1, 1); INSERT INTO t0211 VALUES (2, 2); INSERT INTO t0249 "
      "VALUES (3, 3); COMMIT");
  database_->settle();
  reset_counters();
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1 v=1", "insert id=2 v=2", "insert id=3 v=3"));
  EXPECT_LE(round_trips(), 9);
}

#ifdef TAILRACE_HAS_TABLES_TO_GROW
// A table's rows cost the target some statements, however few they are: over many tables a commit takes more of them.
TEST_F(ManyTables, ACommitGrowsWithItsTables) {
  const auto batches_with = [](std::uint64_t commit_rows, int id) {
    Settings settings = database_->settings();
    settings.commit_rows = commit_rows;
    Opened opened(settings);
    opened.stream();
    for (int transaction = 0; transaction < 2; ++transaction) {
      std::string batch = "BEGIN TRAN; ";
      for (int i = 0; i < tables; ++i)
        batch += fmt::format("INSERT INTO t{:04} VALUES ({}, 1); ", i, id + transaction);
      database_->run(batch + "COMMIT");
    }
    database_->settle();
    std::vector<std::size_t> rows{0};
    std::size_t all = 0;
    opened.until([&](const ChangeBatch& batch) {
      all += batch.rows();
      rows.back() += batch.rows();
      if (batch.end && rows.back() != 0) rows.push_back(0);
      return all == std::size_t{2} * tables && batch.end;
    });
    rows.pop_back();
    return rows;
  };
  EXPECT_THAT(batches_with(2'000, 101), ElementsAre(2'020u));  // A thousandth of 2,000 for each table.
  EXPECT_THAT(batches_with(1'999, 201), ElementsAre(1'010u, 1'010u));
}
#endif

// Tables that joined at another time have lower ends of their own.
TEST_F(ManyTables, MayHaveLowerEndsOfTheirOwn) {
  Opened opened(database_->settings());
  const std::vector<Lsn> lows = opened.source.take_low(opened.info.tables);
  database_->run("INSERT INTO t0003 VALUES (11, 1)");
  database_->settle();
  const std::vector<Lsn> later = opened.source.take_low(opened.info.tables);
  database_->run("INSERT INTO t0003 VALUES (12, 1)");
  database_->run("INSERT INTO t0004 VALUES (13, 1)");
  database_->settle();
  StreamPlan plan;
  plan.position = Position{lows[0], "", 0};
  for (std::size_t i = 0; i < opened.info.tables.size(); ++i)
    plan.tables.push_back({opened.info.tables[i], i == 3 || i > 200 ? later[i] : lows[i], std::nullopt});
  opened.source.start_stream(plan);
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=12 v=1", "insert id=13 v=1"));
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
