// Where a stream may begin and go on: lower ends, gaps, the source's identity.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A table's snapshot holds what lies at or below its low; the stream must leave that out.
TEST(R04_Low, ChangesBelowItAreLeftOut) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("u", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  const std::vector<Lsn> before = opened.source.take_low(opened.info.tables);
  database.run("BEGIN TRAN; INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); COMMIT");
  database.settle();
  const std::vector<Lsn> after = opened.source.take_low(opened.info.tables);
  EXPECT_GT(after[0], before[0]);
  opened.source.start_stream(
      {std::nullopt,
       {{opened.table("t"), before[0], std::nullopt}, {opened.table("u"), after[1], std::nullopt}},
       std::nullopt});
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
  database.run("BEGIN TRAN; INSERT INTO t VALUES (2); INSERT INTO u VALUES (2); COMMIT");
  EXPECT_EQ(opened.next_rows().size(), 2u);
}

// With capture behind, or nothing captured ever, max_lsn says too little: an instance reaches back to its own start only.
TEST(R04_Low, IsNotBelowTheInstancesStart) {
  NEEDS_SIMULATOR();
  Database other;
  StoppedAgent agent(other);
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  EXPECT_EQ(database.answer("SELECT MAX(start_lsn) FROM cdc.lsn_time_mapping"), "NULL");
  Opened opened(database.settings());
  EXPECT_EQ(opened.source.take_low(opened.info.tables),
            std::vector{opened.info.tables[0]->instance.start_lsn});
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  agent.start();
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
}

// Direct reads give no error when cleanup has taken rows away: only the second look at min_lsn sees it.
TEST(R02_Gap, CleanupBetweenTwoPagesIsAGap) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v nvarchar(50) NULL");
  database.settle();
  Settings settings = database.settings();
  settings.commit_bytes = 2000;
  Opened opened(settings);
  opened.stream();
  for (int i = 0; i < 20; ++i)
    database.run(fmt::format("INSERT INTO t VALUES ({}, N'some text')", i));
  database.settle();
  std::string message;
  bool first = true;
  const ErrorKind kind = kind_of(
      [&] {
        opened.until([&](const ChangeBatch& batch) {
          if (first && batch.rows() != 0) {
            first = false;
            EXPECT_FALSE(batch.end);
            database.control(fmt::format(
                "N'cleanup', N'0x{}'",
                database.answer(
                    "SELECT CONVERT(nvarchar(22), MAX(start_lsn), 2) FROM cdc.lsn_time_mapping")));
          }
          return batch.end && batch.rows() != 0;
        });
      },
      &message);
  EXPECT_EQ(kind, ErrorKind::gap);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
  EXPECT_THAT(message, HasSubstr("resnapshot --table dbo.t"));
}

// Counted after a cleanup a window has no rows: without a look its end would be given away like an idle one's.
TEST(R02_Gap, CleanupBeforeAWindowIsAGap) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  database.settle();
  database.run("INSERT INTO t VALUES (2)");
  database.settle();
  database.control("N'cleanup_now'");
  database.run("DELETE FROM cdc.dbo_t_CT");
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }), ErrorKind::gap);
}

// Whoever takes rows away without moving the minimum is seen by the count.
TEST(R02_Gap, RowsThatVanishBetweenTwoPagesAreMissed) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v nvarchar(50) NULL");
  database.settle();
  Settings settings = database.settings();
  settings.commit_bytes = 2000;
  Opened opened(settings);
  opened.stream();
  std::string sql = "BEGIN TRAN; ";
  for (int i = 0; i < 20; ++i)
    sql += fmt::format("INSERT INTO t VALUES ({}, N'some text'); ", i);
  database.run(sql + "COMMIT");
  bool first = true;
  std::string message;
  const ErrorKind kind = kind_of(
      [&] {
        opened.until([&](const ChangeBatch& batch) {
          if (first && batch.rows() != 0) {
            first = false;
            EXPECT_FALSE(batch.end);
            database.run("DELETE FROM cdc.dbo_t_CT WHERE id = 19");
          }
          return batch.end && batch.rows() != 0;
        });
      },
      &message);
  EXPECT_EQ(kind, ErrorKind::protocol);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
}

TEST(R02_Gap, APositionThatCleanupHasPassedIsRefusedAtTheStart) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  ResumeState resume = streamed_once(database);
  { Opened again(database.settings(), resume); }
  for (int i = 0; i < 5; ++i) {
    database.run(fmt::format("INSERT INTO t VALUES ({})", i));
    database.settle();
  }
  database.control(fmt::format(
      "N'cleanup', N'0x{}'",
      database.answer("SELECT CONVERT(nvarchar(22), MAX(start_lsn), 2) FROM cdc.lsn_time_mapping")));
  EXPECT_EQ(kind_of([&] { Opened again(database.settings(), resume); }), ErrorKind::gap);
  // The mapping row of the position went with the cleanup: that is no other database.
  resume.requests.push_back({1, resume.tables.begin()->first, Wanted::resnapshot});
  Opened again(database.settings(), resume);
  EXPECT_EQ(again.info.tables.size(), 1u);
}

// An instance made anew has lost what lay between; its name says nothing.
TEST(R04_Identity, AnInstanceMadeAnewIsAGap) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.disable("t");
  database.enable("t");
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }), ErrorKind::gap);
}

TEST(R04_Identity, AnInstanceMadeAnewBetweenTwoRunsIsAGap) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  const ResumeState resume = streamed_once(database);
  { Opened again(database.settings(), resume); }
  database.disable("t");
  database.run("INSERT INTO t VALUES (2)");
  database.enable("t");
  database.settle();
  // Its start shows the gap as well, but a fresh instance may have none yet.
  if (is_simulated()) database.run("UPDATE cdc.change_tables SET start_lsn = NULL");
  std::string message;
  EXPECT_EQ(kind_of([&] { Opened again(database.settings(), resume); }, &message), ErrorKind::gap);
  EXPECT_THAT(message, HasSubstr("was made anew"));
  EXPECT_THAT(message, HasSubstr("dbo.t"));
}

TEST(R04_Identity, ARestoredDatabaseIsAGap) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  ResumeState resume;
  {
    Opened opened(database.settings());
    resume.first_run = false;
    resume.source_identity = opened.info.identity;
  }
  { Opened again(database.settings(), resume); }
  database.control("N'identity', N'fork'");
  EXPECT_EQ(kind_of([&] { Opened again(database.settings(), resume); }), ErrorKind::gap);
}

// Another transaction at the stored position proves another history, even if the database says that it is the same.
TEST(R04_Identity, TheStoredTransactionMustBeThere) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  const ResumeState resume = streamed_once(database);
  { Opened again(database.settings(), resume); }
  ResumeState other = resume;
  other.position->evidence.back() ^= 1;
  EXPECT_EQ(kind_of([&] { Opened again(database.settings(), other); }), ErrorKind::gap);
  other = resume;
  other.position->lsn.bytes[0] = 0x7F;
  EXPECT_EQ(kind_of([&] { Opened again(database.settings(), other); }), ErrorKind::gap);
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
