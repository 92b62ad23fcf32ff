// The source for events: both images, whole deletes, one order over all tables, times and defaults.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "sqlserver/connection.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// All rows of `order`, an update with the row before it: `a insert id=1`, `a update id=1 v=1 -> id=1 v=2`.
std::vector<std::string> ordered(const ChangeBatch& batch) {
  std::vector<std::string> lines;
  for (const RowPlace& place : batch.order) {
    const RowBatch& rows = batch.tables[place.table];
    std::string line = rows.schema().name.name + " " + row_text(rows, place.row);
    if (rows.header(place.row).operation == Operation::update) {
      EXPECT_GT(place.row, 0U);
      EXPECT_EQ(rows.header(place.row - 1).operation, Operation::update_before);
      line += " <- " + row_text(rows, place.row - 1);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> next_ordered(Opened& opened) {
  std::vector<std::string> lines;
  opened.until([&](const ChangeBatch& batch) {
    for (std::string& line : ordered(batch))
      lines.push_back(std::move(line));
    return batch.end && !lines.empty();
  });
  return lines;
}

TEST(Events, HaveBothImagesAndAllOfADeletedRow) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL, lob nvarchar(max) NULL");
  database.settle();
  Opened opened(event_settings(database));
  opened.stream();
  database.run("INSERT INTO t VALUES (1, N'a', N'long')");
  EXPECT_THAT(next_ordered(opened), ElementsAre("t insert id=1 note=a lob=long"));
  database.run("UPDATE t SET note = N'b' WHERE id = 1");
  // Of what was not changed CDC says nothing, on either side.
  EXPECT_THAT(next_ordered(opened),
              ElementsAre("t update id=1 note=b lob=absent <- before id=1 note=a lob=absent"));
  database.run("UPDATE t SET lob = NULL WHERE id = 1");
  EXPECT_THAT(next_ordered(opened),
              ElementsAre("t update id=1 note=b lob=NULL <- before id=1 note=b lob=long"));
  database.run("DELETE FROM t WHERE id = 1");
  EXPECT_THAT(next_ordered(opened), ElementsAre("t delete id=1 note=b lob=NULL"));
}

// Debezium's events of a transaction stand in the order of its statements, whichever tables they are of.
TEST(Events, StandInTheOrderOfTheSourceOverAllTables) {
  Database database;
  for (const char* const table : {"a", "b", "c"})
    database.create(table, "id int NOT NULL PRIMARY KEY, v int NULL");
  database.settle();
  Opened opened(event_settings(database));
  opened.stream();
  database.run(
      "BEGIN TRAN; INSERT INTO c VALUES (1, 0); INSERT INTO a VALUES (1, 0); INSERT INTO b VALUES (1, 0); "
      "UPDATE c SET v = 1; "
      "DELETE FROM a; INSERT INTO c VALUES (2, 0); COMMIT");
  EXPECT_THAT(next_ordered(opened),
              ElementsAre("c insert id=1 v=0", "a insert id=1 v=0", "b insert id=1 v=0",
                          "c update id=1 v=1 <- before id=1 v=0", "a delete id=1 v=0", "c insert id=2 v=0"));
}

// A commit that does not fit into memory is merged page by page: the order must not depend on where pages end, no row may
// come twice, and no update may lose its other half.
TEST(Events, HaveTheSameOrderInPartsHoweverSmall) {
  Database database;
  for (const char* const table : {"a", "b", "c"})
    database.create(table, "id int NOT NULL PRIMARY KEY, v nvarchar(200) NULL");
  database.settle();
  std::mt19937 random(20261130);
  const auto number = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const Lsn low =
      Lsn::parse(database.answer("SELECT CONVERT(nvarchar(22), MAX(start_lsn), 1) FROM cdc.change_tables"));
  for (int transaction = 0; transaction < 12; ++transaction) {
    std::string sql = "BEGIN TRAN; ";
    for (unsigned i = 0, many = 1 + number(60); i < many; ++i) {
      const char* const table = std::array{"a", "b", "c"}[number(3)];
      const unsigned id = number(20);
      sql += fmt::format(
          "IF EXISTS (SELECT 1 FROM {0} WHERE id = {1}) BEGIN IF {2} = 0 DELETE FROM {0} WHERE id = {1} ELSE "
          "UPDATE {0} SET v "
          "= N'{3}' WHERE id = {1} END ELSE INSERT INTO {0} VALUES ({1}, N'{3}'); ",
          table, id, number(3),
          std::string(1 + number(190), 'x') + std::to_string(transaction * 100 + static_cast<int>(i)));
    }
    database.run(sql + "COMMIT");
  }
  database.settle();
  const auto read = [&](std::size_t commit_bytes) {
    Settings settings = event_settings(database);
    settings.commit_bytes = commit_bytes;
    Opened opened(settings);
    opened.stream(low);
    const Lsn upper =
        Lsn::parse(database.answer("SELECT CONVERT(nvarchar(22), sys.fn_cdc_get_max_lsn(), 1)"));
    std::vector<std::string> lines;
    std::size_t parts = 0;
    opened.until([&](const ChangeBatch& batch) {
      ++parts;
      for (std::string& line : ordered(batch))
        lines.push_back(std::move(line));
      return batch.end && batch.end->lsn >= upper;
    });
    return std::pair(lines, parts);
  };
  const auto [whole, few] = read(32U << 20);
  EXPECT_GT(whole.size(), 100U);
  for (const std::size_t commit_bytes : {std::size_t{1}, std::size_t{8'000}, std::size_t{100'000}}) {
    const auto [lines, parts] = read(commit_bytes);
    EXPECT_EQ(lines, whole) << commit_bytes;
    EXPECT_GT(parts, few) << commit_bytes;
  }
}

TEST(Events, SayWhenTheirTransactionsBeganAndWereCommitted) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(event_settings(database));
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  std::vector<TransactionTimes> times;
  Lsn lsn;
  std::int32_t offset = -1;
  opened.until([&](const ChangeBatch& batch) {
    if (batch.rows() == 0) return false;
    times = batch.times;
    lsn = batch.tables.at(0).header(0).commit_lsn;
    offset = batch.utc_offset_minutes;
    return true;
  });
  ASSERT_EQ(times.size(), 1U);
  EXPECT_EQ(times[0].lsn, lsn);
  EXPECT_GT(times[0].began, 0);
  EXPECT_GE(times[0].committed, times[0].began);
  EXPECT_EQ(std::to_string(offset),
            database.answer("SELECT CONVERT(nvarchar(9), DATEPART(TZOFFSET, SYSDATETIMEOFFSET()))"));
}

// A table that comes in later brings transactions from before the position.
TEST(Events, OfATableThatComesInHaveTheirOwnTimes) {
  Database database;
  for (const char* const table : {"a", "b"})
    database.create(table, "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(event_settings(database));
  StreamPlan plan;
  plan.tables = {
      {.schema = opened.table("a"), .low = opened.table("b")->instance.start_lsn, .high_mark = std::nullopt}};
  opened.source.start_stream(plan);
  database.run("INSERT INTO b VALUES (1)");
  database.run("INSERT INTO a VALUES (1)");
  EXPECT_THAT(next_ordered(opened), ElementsAre("a insert id=1"));
  while (!opened.source.next({})->empty()) {
  }
  opened.source.add_table(
      {.schema = opened.table("b"), .low = opened.table("b")->instance.start_lsn, .high_mark = std::nullopt});
  opened.until([&](const ChangeBatch& batch) {
    if (batch.rows() == 0) return false;
    EXPECT_THAT(ordered(batch), ElementsAre("b insert id=1"));
    EXPECT_EQ(batch.times.size(), 1U);
    EXPECT_EQ(batch.times.at(0).lsn, batch.tables.at(0).header(0).commit_lsn);
    EXPECT_GT(batch.times.at(0).began, 0);
    return true;
  });
}

// Debezium takes such tables, too. A range of the key would leave out the rows whose key is NULL.
TEST(Events, AreOfTablesWithoutAPrimaryKey) {
  Database database;
  database.run(
      "CREATE TABLE heap (n int NULL, v int NULL); CREATE TABLE loose (n int NULL, v int NULL); "
      "CREATE UNIQUE INDEX z ON loose (v); CREATE UNIQUE INDEX a ON loose (n)");
  database.run("INSERT INTO heap VALUES (1, 1), (1, 1); INSERT INTO loose VALUES (NULL, 1), (1, 2), (2, 3)");
  database.enable("heap");
  database.enable("loose");
  database.settle();
  Opened opened(event_settings(database));
  EXPECT_THAT(opened.table("heap")->key, IsEmpty());
  EXPECT_THAT(opened.table("loose")->key, ElementsAre(0));
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  for (const auto& [name, count] : {std::pair("heap", 2U), std::pair("loose", 3U)}) {
    const SchemaPtr table = opened.table(name);
    const std::optional<Chunk> chunk = reader->plan_chunk(*table, nullptr, 1, {});
    ASSERT_TRUE(chunk && chunk->upto.empty()) << name;
    std::size_t rows = 0;
    EXPECT_TRUE(reader->read_chunk(table, *chunk,
                                   [&](const RowBatch& batch) {
                                     rows += batch.rows();
                                     return true;
                                   },
                                   {}));
    EXPECT_EQ(rows, count) << name;
  }
  opened.stream();
  database.run("DELETE FROM heap WHERE n = 1; UPDATE loose SET n = 5 WHERE v = 1");
  EXPECT_THAT(next_ordered(opened), ::testing::SizeIs(::testing::Ge(2U)));
}

TEST(Events, KnowTheDefaultsOfColumns) {
  Database database;
  database.create(
      "t",
      "id int NOT NULL PRIMARY KEY, a int NOT NULL DEFAULT 7, b nvarchar(9) NULL DEFAULT N'x', c int NULL");
  const auto defaults = [](const Settings& settings) {
    std::vector<std::string> found;
    const Opened opened(settings);
    for (const Column& column : opened.table("t")->columns)
      found.push_back(column.fallback);
    return found;
  };
  EXPECT_THAT(defaults(event_settings(database)), ElementsAre("", "((7))", "(N'x')", ""));
  EXPECT_THAT(defaults(database.settings()), ElementsAre("", "", "", ""));
}

// As Debezium has them.
TEST(Events, CanHaveTheServersOwnBytesOfObjects) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, h hierarchyid NULL, g geometry NULL");
  database.settle();
  Settings settings = event_settings(database);
  settings.raw_objects = true;
  Opened opened(settings);
  opened.stream();
  database.run("INSERT INTO t VALUES (1, '/1/', geometry::STGeomFromText('POINT (1 2)', 0))");
  EXPECT_THAT(next_ordered(opened),
              ElementsAre("t insert id=1 h=0x58 g=0x00000000010c000000000000f03f0000000000000040"));
}

// What PostgreSQL's text cannot hold, an event can; half a letter is nobody's text.
TEST(Events, KeepZeroInTextAndRefuseHalfALetter) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(9) NULL");
  database.settle();
  Opened opened(event_settings(database));
  opened.stream();
  database.run("INSERT INTO t VALUES (1, N'a' + NCHAR(0) + N'b'), (2, NCHAR(55357))");
  opened.until([&](const ChangeBatch& batch) {
    if (batch.rows() == 0) return false;
    const RowBatch& rows = batch.tables.at(0);
    EXPECT_EQ(rows.text(0, 1), std::string_view("a\0b", 3));
    EXPECT_EQ(rows.faults().size(), 1U);
    EXPECT_EQ(rows.faults().at(0).row, 1U);
    EXPECT_EQ(rows.faults().at(0).code, RowFaultCode::lone_surrogate);
    return true;
  });
}

// Direct mode pays for none of this.
TEST(Events, AreNotMadeUnasked) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v int NULL");
  database.run("INSERT INTO t VALUES (1, 0)");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("UPDATE t SET v = 1");
  opened.until([&](const ChangeBatch& batch) {
    EXPECT_THAT(batch.order, IsEmpty());
    EXPECT_THAT(batch.times, IsEmpty());
    if (batch.rows() == 0) return false;
    EXPECT_EQ(batch.rows(), 1U);
    return true;
  });
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
