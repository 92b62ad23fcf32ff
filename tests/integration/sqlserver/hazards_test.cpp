// Hazards of CDC that no rule's suite covers. The list of all of them: docs/cdc-hazards.md.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* with_lob =
    "id int NOT NULL PRIMARY KEY, note nvarchar(20) NOT NULL, lob nvarchar(max) NULL";

// E11: with one minimum for the whole database a younger instance's start would look as if cleanup had been there.
TEST(Hazards, AYoungerInstanceIsNoGapOfAnother) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  const Lsn low = [&] {
    Opened before(database.settings());
    return before.source.take_low(before.info.tables)[0];
  }();
  database.run("INSERT INTO t VALUES (1)");
  database.settle();
  database.create("u", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  const Lsn young = opened.table("u")->instance.start_lsn;
  ASSERT_GT(young, low);
  opened.source.start_stream(
      {std::nullopt, {{opened.table("t"), low, std::nullopt}, {opened.table("u"), young, std::nullopt}}, {}});
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
}

// E17: taken for schema_table, the instance of another name would be read, or none.
TEST(Hazards, AnInstanceMayHaveAnyName) {
  Database database;
  database.run("CREATE TABLE t (id int NOT NULL PRIMARY KEY)");
  database.run("CREATE TABLE u (id int NOT NULL PRIMARY KEY)");
  database.enable("t", ", @capture_instance = N'dbo_u'");
  database.enable("u", ", @capture_instance = N'a ] name. of [its] own'");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("BEGIN TRAN; INSERT INTO t VALUES (1); INSERT INTO u VALUES (2); COMMIT");
  const std::vector<ChangeBatch> batches =
      opened.until([](const ChangeBatch& batch) { return batch.end && batch.rows() != 0; });
  std::vector<std::string> rows;
  for (const ChangeBatch& batch : batches) {
    for (const RowBatch& table : batch.tables)
      rows.push_back(table.schema().name.str() + " " + row_text(table, 0));
  }
  EXPECT_THAT(rows, ElementsAre("dbo.t insert id=1", "dbo.u insert id=2"));
}

// E19: DDL rows of instances that are gone stay behind; taken for the table's own they would stop it, again and again.
TEST(Hazards, OrphansInTheHistoryOfDdlStopNothing) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.enable("t", ", @capture_instance = N'second'");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  EXPECT_EQ(opened.table("t")->instance.name, "second");
  database.run("ALTER TABLE t ADD extra int NULL; ALTER TABLE t DROP COLUMN extra");
  database.settle();
  database.disable("t", "dbo_t");
  EXPECT_NE(database.answer("SELECT CONVERT(nvarchar(20), COUNT(*)) FROM cdc.ddl_history"), "0");
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
}

// E21, E22: an idle stream has no transaction open that the switching off would wait for; and it says what happened.
TEST(Hazards, AnInstanceMayBeSwitchedOffUnderTheStream) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("u", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
  database.run("SET LOCK_TIMEOUT 5000; EXEC sys.sp_cdc_disable_table N'dbo', N't', N'all'");
  database.run("INSERT INTO u VALUES (2)");
  std::string message;
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }, &message), ErrorKind::gap);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
  EXPECT_THAT(message, HasSubstr("resnapshot"));
}

// E25: the mapping holds the server's local time, and server.cpp gives the simulator a zone of its own. Taken for UTC, every
// lag would be off by hours.
TEST(Hazards, TheServersLocalTimeIsNotUtc) {
  constexpr std::int64_t ticks_per_second = 10'000'000;
  constexpr std::int64_t seconds_to_1970 = 719'162LL * 86'400;
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  const std::vector<ChangeBatch> batches =
      opened.until([](const ChangeBatch& batch) { return batch.end && batch.rows() != 0; });
  ASSERT_FALSE(batches.empty());
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::int64_t committed = batches.back().end->commit_time_utc / ticks_per_second - seconds_to_1970;
  constexpr std::int64_t less_than_any_zone = 15 * 60;
  EXPECT_NEAR(static_cast<double>(committed), static_cast<double>(now.count()), less_than_any_zone);
}

// E31: SQL Server was seen to write NULL for a bit NOT NULL column of a deleted row. Only the key is taken from it.
TEST(Hazards, ADeletedRowMayHaveNullInNotNullColumns) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", with_lob);
  database.run("INSERT INTO t VALUES (1, N'a', N'b')");
  database.settle();
  Opened opened(database.settings());
  const std::vector<Lsn> lows = opened.source.take_low(opened.info.tables);
  database.run("DELETE FROM t WHERE id = 1");
  database.settle();
  EXPECT_EQ(database.answer("SELECT lob FROM cdc.dbo_t_CT"), "b");
  database.run("UPDATE cdc.dbo_t_CT SET note = NULL WHERE [__$operation] = 1");
  opened.stream(lows[0]);
  EXPECT_THAT(opened.next_rows(), ElementsAre("delete id=1 note=NULL lob=NULL"));
}

// E36: a column that is left out must not move the others' places in the row, nor in the update's mask.
TEST(Hazards, ColumnsThatAreLeftOutMoveNoOthers) {
  Database database;
  database.run(
      "CREATE TABLE t (skipped int NULL, id int NOT NULL PRIMARY KEY, not_captured int NULL, lob "
      "nvarchar(max) NULL, "
      "twice AS id * 2, note nvarchar(20) NULL)");
  database.enable("t", ", @captured_column_list = N'note, lob, id, skipped'");
  database.run("INSERT INTO t VALUES (7, 1, 8, N'b', N'a')");
  database.settle();
  Settings settings = database.settings();
  settings.tables["dbo.t"].exclude_columns = {"skipped", "not_captured"};
  Opened opened(settings);
  opened.stream();
  database.run("UPDATE t SET note = N'c', skipped = 9");
  EXPECT_THAT(opened.next_rows(), ElementsAre("update id=1 lob=absent note=c"));
  database.run("UPDATE t SET lob = NULL, not_captured = 5");
  EXPECT_THAT(opened.next_rows(), ElementsAre("update id=1 lob=NULL note=c"));
}

// E44: on a replica, or without the right, log scans are not to be seen; a marker's time is what is left.
TEST(Hazards, AMarkIsReachedWithoutLogScansToo) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  const Settings settings = database.new_login();
  database.run(
      fmt::format("GRANT SELECT ON [dbo].[t] TO {0}; GRANT SELECT ON SCHEMA::cdc TO {0}", settings.user));
  Opened opened(settings);
  const std::vector<Lsn> lows = opened.source.take_low(opened.info.tables);
  database.run("INSERT INTO t VALUES (1)");
  const HighMark mark = opened.source.take_mark();
  opened.source.start_stream({std::nullopt, {{opened.info.tables[0], lows[0], mark}}, std::nullopt});
  database.run("WAITFOR DELAY '00:00:00.100'");  // Later than the mark by more than a datetime can tell.
  database.control("N'marker'");
  std::size_t rows = 0;
  opened.until([&](const ChangeBatch& batch) {
    rows += batch.rows();
    return !batch.caught_up.empty();
  });
  EXPECT_EQ(rows, 1u);
}

// E48: a chunk is read under SNAPSHOT isolation; a reader that locks would make production wait.
TEST(Hazards, ASnapshotMakesNoWriterWait) {
  Database database;
  database.create("t", with_lob);
  database.run(
      "INSERT INTO t SELECT TOP (20000) ROW_NUMBER() OVER (ORDER BY a.object_id, b.object_id), N'old', "
      "REPLICATE(N'x', 1000) FROM sys.columns AS a CROSS JOIN sys.columns AS b CROSS JOIN sys.columns AS c");
  // The simulator has one writer at a time: the update would wait for the capture of all these rows, not for the reader.
  database.settle();
  Opened opened(database.settings());
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  const Chunk all = reader->plan_chunk(*opened.table("t"), nullptr, 1'000'000, {}).value();
  std::size_t batches = 0;
  std::size_t rows = 0;
  const auto take = [&](const RowBatch& batch) {
    if (batches++ == 0) database.run("SET LOCK_TIMEOUT 5000; UPDATE t SET note = N'new'");
    rows += batch.rows();
    return true;
  };
  EXPECT_TRUE(reader->read_chunk(opened.table("t"), all, take, {}));
  EXPECT_GT(batches, 1u);
  EXPECT_EQ(rows, 20000u);
  EXPECT_EQ(database.answer("SELECT CONVERT(nvarchar(20), COUNT(*)) FROM t WHERE note = N'new'"), "20000");
}

// E48: the same from the other side, for a simulator whose readers never wait: what is read under SNAPSHOT isolation is
// refused where the database does not allow it any more.
TEST(Hazards, ChunksAreReadUnderSnapshotIsolation) {
  Database database;
  database.create("t", with_lob);
  database.run("INSERT INTO t VALUES (1, N'a', N'b')");
  Opened opened(database.settings());
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  const Chunk all = reader->plan_chunk(*opened.table("t"), nullptr, 1'000, {}).value();
  database.run(fmt::format("ALTER DATABASE {} SET ALLOW_SNAPSHOT_ISOLATION OFF", database.name()));
  std::string message;
  const auto take = [](const RowBatch&) { return true; };
  EXPECT_EQ(kind_of([&] { reader->read_chunk(opened.table("t"), all, take, {}); }, &message),
            ErrorKind::config);
  EXPECT_THAT(message, HasSubstr("number=3952"));
}

// E50: columns named as those of the mapping, which a join would make ambiguous.
TEST(Hazards, ColumnsMayBeNamedAsTheMappings) {
  Database database;
  database.create("t",
                  "start_lsn int NOT NULL PRIMARY KEY, tran_id int NULL, tran_begin_time int NULL, "
                  "tran_end_time int NULL, command_id int NULL");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1, 2, 3, 4, 5)");
  EXPECT_THAT(opened.next_rows(),
              ElementsAre("insert start_lsn=1 tran_id=2 tran_begin_time=3 tran_end_time=4 command_id=5"));
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
