// Positions that somebody names, by LSN and by time, and what lies between two of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/instant.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NamedPosition : public ::testing::Test {
 protected:
  NamedPosition() {
    database_.create("t", "id int NOT NULL PRIMARY KEY");
    database_.settle();
  }

  // The LSN of its transaction.
  Lsn insert(int id) {
    database_.run(fmt::format("INSERT INTO t VALUES ({})", id));
    database_.settle();
    return Lsn::parse(database_.answer(
        fmt::format("SELECT CONVERT(nvarchar(22), [__$start_lsn], 1) FROM cdc.dbo_t_CT WHERE id = {}", id)));
  }
  // Now, by the source's clock; what comes behind it is later by more than a datetime can tell.
  std::int64_t now() {
    database_.run("WAITFOR DELAY '00:00:00.050'");
    const std::string text = database_.answer("SELECT CONVERT(nvarchar(40), SYSUTCDATETIME(), 126)");
    database_.run("WAITFOR DELAY '00:00:00.050'");
    return parse_instant(text + "Z");
  }
  Position at(std::optional<Lsn> lsn, std::optional<std::int64_t> time = std::nullopt) {
    Opened opened(database_.settings());
    return opened.source.position_at({lsn, time}, opened.info.tables);
  }
  // What a stream from there gives, up to the row with this id.
  std::vector<std::string> rows_behind(const Position& position, int last) {
    Opened opened(database_.settings());
    StreamPlan plan;
    plan.position = position;
    for (const SchemaPtr& table : opened.info.tables)
      plan.tables.push_back({table, position.lsn, std::nullopt});
    opened.source.start_stream(plan);
    std::vector<std::string> rows;
    opened.until([&](const ChangeBatch& batch) {
      for (std::string& row : rows_of(batch))
        rows.push_back(std::move(row));
      return batch.end && !rows.empty() && rows.back() == fmt::format("insert id={}", last);
    });
    return rows;
  }

  Database database_;
};

TEST_F(NamedPosition, ByLsnIsBehindItsTransaction) {
  const Lsn first = insert(1);
  const Lsn second = insert(2);
  insert(3);
  const Position position = at(second);
  EXPECT_EQ(position.lsn, second);
  EXPECT_FALSE(position.evidence.empty());
  EXPECT_NE(position.commit_time_utc, 0);
  EXPECT_THAT(rows_behind(position, 3), ElementsAre("insert id=3"));
  // Between two transactions nothing proves it later on.
  Lsn between = first;
  ++between.bytes[9];
  ASSERT_LT(between, second);
  EXPECT_EQ(at(between).lsn, between);
  EXPECT_TRUE(at(between).evidence.empty());
  EXPECT_THAT(rows_behind(at(between), 3), ElementsAre("insert id=2", "insert id=3"));
}

TEST_F(NamedPosition, ByTimeIsBehindWhatWasCommittedBefore) {
  insert(1);
  const std::int64_t first = now();
  const Lsn second = insert(2);
  const std::int64_t later = now();
  insert(3);
  EXPECT_THAT(rows_behind(at(std::nullopt, first), 3), ElementsAre("insert id=2", "insert id=3"));
  EXPECT_EQ(at(std::nullopt, later).lsn, second);
  EXPECT_FALSE(at(std::nullopt, later).evidence.empty());
}

// A datetime is rounded: a transaction just behind the moment may carry the moment's own time, and must come.
TEST_F(NamedPosition, ByTimeKnowsTheClocksResolution) {
  insert(1);
  const std::int64_t between = now();
  insert(2);
  insert(3);
  const std::string end = database_.answer(
      "SELECT CONVERT(nvarchar(40), DATEADD(minute, -DATEPART(TZOFFSET, SYSDATETIMEOFFSET()), "
      "tran_end_time), 126) FROM "
      "cdc.lsn_time_mapping WHERE start_lsn = (SELECT [__$start_lsn] FROM cdc.dbo_t_CT WHERE id = 2)");
  const std::int64_t exactly = parse_instant(end + "Z");
  ASSERT_GT(exactly, between);
  EXPECT_THAT(rows_behind(at(std::nullopt, exactly), 3), ElementsAre("insert id=2", "insert id=3"));
}

// The clock was set back an hour. By the last transaction with an earlier time, the ones before it with later times would be lost.
TEST_F(NamedPosition, ByTimeLosesNothingWhereTheClockWasSetBack) {
  NEEDS_SIMULATOR();
  insert(1);
  const std::int64_t moment = now();
  insert(2);
  database_.control("N'clock_shift', -3600000");
  insert(3);
  database_.control("N'clock_shift', 0");
  insert(4);
  EXPECT_THAT(rows_behind(at(std::nullopt, moment), 4),
              ElementsAre("insert id=2", "insert id=3", "insert id=4"));
}

// Enabled behind the last transaction before the moment, a table has lost nothing that lies behind the moment.
TEST_F(NamedPosition, ByTimeReachesATableThatIsNew) {
  insert(1);
  database_.create("u", "id int NOT NULL PRIMARY KEY");
  database_.settle();
  const std::int64_t moment = now();
  const Lsn second = insert(2);
  const Position position = at(std::nullopt, moment);
  EXPECT_LT(position.lsn, second);
  EXPECT_THAT(rows_behind(position, 2), ElementsAre("insert id=2"));
}

TEST_F(NamedPosition, IsRefusedWhereTheSourceHasNothing) {
  const Lsn newest = insert(1);
  Lsn ahead = newest;
  ++ahead.bytes[0];
  std::string message;
  EXPECT_EQ(kind_of([&] { at(ahead); }, &message), ErrorKind::config);
  EXPECT_THAT(message, HasSubstr(newest.hex()));
  EXPECT_EQ(kind_of([&] { at(std::nullopt, now() + std::int64_t{3600} * 10'000'000); }), ErrorKind::config);
  EXPECT_EQ(kind_of([&] { at(Lsn{}); }, &message), ErrorKind::gap);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
}

TEST_F(NamedPosition, WhatLiesBetweenIsCounted) {
  const Lsn first = insert(1);
  database_.run(
      "INSERT INTO t VALUES (2), (3); UPDATE t SET id = 9 WHERE id = 2; DELETE FROM t WHERE id = 3");
  const Lsn last = insert(4);
  const auto counted = [&] {
    Opened opened(database_.settings());
    return opened.source.count_changes(opened.info.tables, first, last).at({"dbo", "t"});
  };
  EXPECT_EQ(counted(), 6u);  // 2 inserts, a key's delete and insert, a delete, an insert.
  if (!is_simulated()) return;
  // Up to an LSN: by time both could lie within one tick of the clock.
  database_.control(fmt::format("N'cleanup', N'0x{}'", last.hex()));
  EXPECT_EQ(counted(), std::nullopt);
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
