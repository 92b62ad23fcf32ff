// The change stream: order, windows, parts, positions, marks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sqlserver/connection.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;

TEST(Stream, GivesWhatHappens) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL, lob nvarchar(max) NULL");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1, N'', N'long'), (2, NULL, NULL)");
  EXPECT_THAT(opened.next_rows(),
              ElementsAre("insert id=1 note= lob=long", "insert id=2 note=NULL lob=NULL"));
  database.run("UPDATE t SET note = N'x' WHERE id = 1");
  EXPECT_THAT(opened.next_rows(), ElementsAre("update id=1 note=x lob=absent"));
  database.run("UPDATE t SET lob = NULL WHERE id = 1");
  EXPECT_THAT(opened.next_rows(), ElementsAre("update id=1 note=x lob=NULL"));
  database.run("DELETE FROM t WHERE id = 2");
  EXPECT_THAT(opened.next_rows(), ElementsAre("delete id=2 note=NULL lob=NULL"));
}

// Wherever the stream is when it is told to stop (waiting, asking, fetching rows), it ends at once and takes nothing with it.
TEST(Stream, EndsAtAnyMoment) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL, lob nvarchar(max) NULL");
  database.run("INSERT INTO t VALUES (1, N'a', N'b'), (2, NULL, NULL)");
  database.settle();
  std::jthread writer([&](const std::stop_token& stop) {
    Connection connection(database.settings());
    while (!stop.stop_requested())
      run(connection, "change", "UPDATE t SET note = N'' + note, lob = N'b' + note");
  });
  Settings settings = database.settings();
  settings.poll_interval = std::chrono::milliseconds(1);
  std::minstd_rand random(11);
  for (int round = 0; round < 25; ++round) {
    Opened opened(settings);
    opened.stream();
    std::stop_source stop;
    const std::chrono::microseconds wait(random() % 5000);
    std::jthread stopper([&] {
      std::this_thread::sleep_for(wait);
      stop.request_stop();
    });
    const auto read = [&] {
      while (opened.source.next(stop.get_token())) {
      }
      throw Error(ErrorKind::abandoned, "told to stop between two statements");
    };
    EXPECT_EQ(kind_of(read), ErrorKind::abandoned);
  }
}

// The insert of a key change must not come before its delete: the row would vanish.
TEST(R01_Order, AKeyChangeIsADeleteAndThenAnInsert) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
  database.run("INSERT INTO t VALUES (1, N'a'), (2, N'b'), (3, N'c')");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("UPDATE t SET id = 9 WHERE id = 1");
  EXPECT_THAT(opened.next_rows(), ElementsAre("delete id=1 note=NULL", "insert id=9 note=a"));
  database.run("UPDATE t SET id = id + 1");
  std::map<std::string, bool> state{{"2", true}, {"3", true}, {"9", true}};
  for (const std::string& row : opened.next_rows()) {
    const std::size_t at = row.find("id=") + 3;
    const std::string id = row.substr(at, row.find(' ', at) - at);
    state[id] = row.rfind("delete", 0) != 0;
  }
  EXPECT_EQ(state, (std::map<std::string, bool>{
                       {"2", false}, {"3", true}, {"4", true}, {"9", false}, {"10", true}}));
}

// The insert of a deferred update may have the smaller seqval: the command comes before it.
TEST(R01_Order, CommandsComeBeforeSeqvals) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.run("INSERT INTO t VALUES (1)");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  const StoppedAgent stopped(database);
  database.run("UPDATE t SET id = 2 WHERE id = 1");
  database.settle();
  database.run("UPDATE cdc.dbo_t_CT SET __$seqval = 0xFF000000000000000000 WHERE __$operation = 1");
  EXPECT_THAT(opened.next_rows(), ElementsAre("delete id=1", "insert id=2"));
}

// Everything that is read, in parts however small, gives the table as it is.
TEST(R01_Order, ReplayedInPartsTheStreamIsTheTable) {
  Database database;
  database.create("t",
                  "a int NOT NULL, b int NOT NULL, v nvarchar(100) NULL, CONSTRAINT pk_t PRIMARY KEY (a, b)");
  database.settle();
  Settings settings = database.settings();
  settings.commit_bytes = 2000;
  settings.commit_rows = 7;
  settings.commit_transactions = 3;
  Opened opened(settings);
  opened.stream();
  std::mt19937 random(20261123);
  const auto number = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  for (int i = 0; i < 120; ++i) {
    std::string sql = "BEGIN TRAN; ";
    for (unsigned n = 0, many = 1 + number(4); n < many; ++n) {
      const unsigned a = number(6);
      const unsigned b = number(6);
      switch (number(5)) {
        case 0: sql += fmt::format("DELETE FROM t WHERE a = {}; ", a); break;
        case 1: sql += fmt::format("UPDATE t SET v = N'u{}' WHERE b = {}; ", i, b); break;
        case 2:
          sql += fmt::format(
              "UPDATE t SET b = {0} WHERE a = {1} AND b = {2} AND NOT EXISTS (SELECT 1 FROM t AS o WHERE o.a "
              "= {1} AND o.b = {0}); ",
              number(6), a, b);
          break;
        default:
          sql += fmt::format(
              "IF NOT EXISTS (SELECT 1 FROM t WHERE a = {0} AND b = {1}) INSERT INTO t VALUES ({0}, {1}, "
              "N'i{2}'); ",
              a, b, i);
          break;
      }
    }
    database.run(sql + "COMMIT");
  }
  database.run("INSERT INTO t VALUES (99, 99, N'end')");
  std::map<std::string, std::string> state;
  bool ended = false;
  const auto value = [](const std::string& row, const char* name) {
    const std::size_t at = row.find(name) + std::string_view(name).size();
    return row.substr(at, row.find(' ', at) - at);
  };
  Lsn last;
  opened.until([&](const ChangeBatch& batch) {
    for (const RowBatch& table : batch.tables) {
      for (std::size_t row = 0; row < table.rows(); ++row) {
        EXPECT_GT(table.header(row).commit_lsn, last) << "a transaction was cut by a position";
        if (batch.end) {
          EXPECT_LE(table.header(row).commit_lsn, batch.end->lsn);
        }
      }
    }
    for (const std::string& row : rows_of(batch)) {
      const std::string key = value(row, "a=") + "," + value(row, " b=");
      if (row.rfind("delete", 0) == 0) {
        EXPECT_EQ(state.erase(key), 1u) << row;
      } else {
        EXPECT_EQ(state.count(key), row.rfind("update", 0) == 0 ? 1u : 0u) << row;
        state[key] = value(row, " v=");
      }
      ended = ended || key == "99,99";
    }
    if (batch.end) {
      EXPECT_GT(batch.end->lsn, last) << "positions move forward";
      last = batch.end->lsn;
    }
    return ended && batch.end;
  });
  Connection reader(database.settings());
  Statement rows(reader, "read the table", "SELECT a, b, v FROM t");
  std::map<std::string, std::string> table;
  while (rows.fetch()) {
    const std::int64_t a = rows.integer(0).value_or(-1);
    const std::int64_t b = rows.integer(1).value_or(-1);
    table[fmt::format("{},{}", a, b)] = rows.text(2).value_or("NULL");
  }
  EXPECT_EQ(state, table);
}

// Two transactions whose rows lie mixed in the log are still two, one after the other.
TEST(R01_Order, InterleavedTransactionsComeOneAfterTheOther) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v int NOT NULL");
  database.run("INSERT INTO t VALUES (1, 0), (2, 0)");
  database.settle();
  Settings settings = database.settings();
  settings.commit_bytes = 4;
  Opened opened(settings);
  opened.stream();
  database.control("N'interleave'");
  database.run(
      "BEGIN TRAN; UPDATE t SET v = 10 WHERE id = 1; UPDATE t SET v = 11 WHERE id = 2; UPDATE t SET v = 12 "
      "WHERE id = 1; "
      "COMMIT");
  database.run(
      "BEGIN TRAN; UPDATE t SET v = 20 WHERE id = 1; UPDATE t SET v = 21 WHERE id = 2; UPDATE t SET v = 22 "
      "WHERE id = 1; "
      "COMMIT");
  std::vector<std::string> rows;
  opened.until([&](const ChangeBatch& batch) {
    for (const std::string& row : rows_of(batch))
      rows.push_back(row);
    return rows.size() == 6;
  });
  EXPECT_THAT(rows, ElementsAre("update id=1 v=10", "update id=2 v=11", "update id=1 v=12",
                                "update id=1 v=20", "update id=2 v=21", "update id=1 v=22"));
}

// A resume is exclusive on a position that lies between transactions: nothing is lost, nothing comes twice.
TEST(R01_Position, AResumeGoesOnBehindIt) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.settings();
  settings.commit_transactions = 1;
  std::optional<Position> position;
  Lsn low;
  std::vector<std::string> rows;
  for (int i = 0; i < 5; ++i)
    database.run(fmt::format("INSERT INTO t VALUES ({}), ({})", i * 2, i * 2 + 1));
  for (int i = 0; i < 5; ++i) {
    Opened opened(settings);
    low = opened.info.tables[0]->instance.start_lsn;
    opened.source.start_stream({position, {{opened.info.tables[0], low, std::nullopt}}, std::nullopt});
    opened.until([&](const ChangeBatch& batch) {
      for (const std::string& row : rows_of(batch))
        rows.push_back(row);
      position = batch.end;
      return batch.end && batch.rows() != 0;
    });
  }
  ASSERT_EQ(rows.size(), 10u);
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i], fmt::format("insert id={}", i));
}

TEST(R02_Window, OneLargeTransactionComesInParts) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v nvarchar(50) NOT NULL");
  database.create("u", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.settings();
  settings.commit_bytes = 400'000;
  settings.commit_rows = 100;
  Opened opened(settings);
  opened.stream();
  database.run(
      "BEGIN TRAN; INSERT INTO u VALUES (1); INSERT INTO t SELECT TOP (5000) ROW_NUMBER() OVER (ORDER BY "
      "a.object_id, "
      "b.object_id), N'a value of some length' FROM sys.columns AS a CROSS JOIN sys.columns AS b CROSS JOIN "
      "sys.columns AS c; UPDATE t "
      "SET v = "
      "N'another value' WHERE id <= 2000; INSERT INTO u VALUES (2); COMMIT");
  std::size_t rows = 0;
  std::uint64_t transactions = 0;
  const std::vector<ChangeBatch> batches = opened.until([&](const ChangeBatch& batch) {
    rows += batch.rows();
    transactions += batch.transactions;
    EXPECT_LT(batch.bytes(), 200'000u);
    return batch.end && rows != 0;
  });
  EXPECT_EQ(rows, 7002u);
  EXPECT_EQ(transactions, 1u);
  EXPECT_GT(batches.size(), 5u);
}

// A backlog of small transactions would become one commit point of any size.
TEST(R02_Window, EndsWhereWholeTransactionsFillTheRowBudget) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("u", "id int NOT NULL PRIMARY KEY");
  database.settle();
  for (int i = 0; i < 5; ++i)
    database.run(fmt::format(
        "BEGIN TRAN; INSERT INTO t VALUES ({0}), ({1}); INSERT INTO u VALUES ({0}), ({1}); COMMIT", i * 2,
        i * 2 + 1));
  database.settle();
  Settings settings = database.settings();
  settings.commit_rows = 10;
  Opened opened(settings);
  opened.stream(
      std::max(opened.info.tables[0]->instance.start_lsn, opened.info.tables[1]->instance.start_lsn));
  std::vector<std::size_t> commit_points{0};
  std::size_t rows = 0;
  opened.until([&](const ChangeBatch& batch) {
    commit_points.back() += batch.rows();
    rows += batch.rows();
    if (batch.end && commit_points.back() != 0 && rows != 20) commit_points.push_back(0);
    return batch.end && rows == 20;
  });
  EXPECT_THAT(commit_points, ElementsAre(8, 8, 4));
}

// An update's pair of rows is one thing: cut in two, the key's change would be lost.
TEST(R02_Window, AnUpdatesPairIsNeverSplit) {
  Database database;
  database.create(
      "t",
      "id int NOT NULL PRIMARY KEY, code int NOT NULL, CONSTRAINT uq UNIQUE (code), v nvarchar(50) NULL");
  database.run(
      "INSERT INTO t SELECT TOP (300) ROW_NUMBER() OVER (ORDER BY a.object_id), 1000 + ROW_NUMBER() OVER "
      "(ORDER BY "
      "a.object_id), N'x' FROM sys.columns AS a CROSS JOIN sys.columns AS b");
  database.settle();
  Settings settings = database.settings();
  settings.include = {"dbo.t"};
  settings.tables["dbo.t"].key = {"code"};
  settings.commit_bytes = 1200;
  Opened opened(settings);
  opened.stream();
  database.run("UPDATE t SET v = N'y'");
  std::size_t rows = 0;
  opened.until([&](const ChangeBatch& batch) {
    for (const RowBatch& table : batch.tables) {
      rows += table.rows();
      EXPECT_EQ(table.rows() % 2, 0u);
      for (std::size_t row = 0; row < table.rows(); ++row) {
        EXPECT_EQ(table.header(row).operation, row % 2 == 0 ? Operation::update_before : Operation::update);
        EXPECT_EQ(table.cell(row, 1).integer, table.cell(row / 2 * 2, 1).integer);
      }
    }
    return batch.end && rows != 0;
  });
  EXPECT_EQ(rows, 600u);
}

// An idle database must never look expired.
TEST(R04_Position, MovesOnWithoutRows) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("other", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.settings();
  settings.include = {"dbo.t"};
  Opened opened(settings);
  opened.stream();
  for (const char* sql : {"EXEC sp_sim_control N'marker'", "INSERT INTO other VALUES (1)"}) {
    SCOPED_TRACE(sql);
    database.run(sql);
    const Lsn max = Lsn::parse(
        database.answer("SELECT CONVERT(nvarchar(22), MAX(start_lsn), 2) FROM cdc.lsn_time_mapping"));
    opened.until([&](const ChangeBatch& batch) {
      EXPECT_EQ(batch.rows(), 0u);
      return batch.end && batch.end->lsn >= max;
    });
  }
}

TEST(R03_HighMark, IsReachedOnlyBehindWhatWasCommittedBefore) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  database.control("N'agent', N'stop'");
  Opened opened(database.settings());
  const std::vector<Lsn> lows = opened.source.take_low(opened.info.tables);
  // Committed before the mark, captured long after it: max_lsn says nothing about it.
  database.run("INSERT INTO t VALUES (1)");
  const HighMark mark = opened.source.take_mark();
  const StreamPlan plan{std::nullopt, {{opened.info.tables[0], lows[0], mark}}, mark};
  opened.source.start_stream(plan);
  for (const ChangeBatch& batch : opened.all_within(std::chrono::milliseconds(500)))
    EXPECT_TRUE(batch.caught_up.empty()) << "nothing was captured yet";
  database.control("N'agent', N'start'");
  Opened again(database.settings());
  again.source.start_stream(plan);
  bool seen = false;
  again.until([&](const ChangeBatch& batch) {
    seen = seen || batch.rows() != 0;
    if (!batch.caught_up.empty()) {
      EXPECT_TRUE(seen) << "the mark was passed without the row";
      EXPECT_TRUE(batch.end);
      EXPECT_TRUE(batch.run_mark_reached);
    }
    return !batch.caught_up.empty();
  });
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
