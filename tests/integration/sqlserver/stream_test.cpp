// The change stream: order, windows, parts, gaps, marks.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <random>
#include <thread>

#include "sqlserver/connection.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a sink would answer after one row of table t was streamed.
ResumeState streamed_once(Database& database) {
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1000)");
  ResumeState resume;
  opened.until([&](const ChangeBatch& batch) {
    resume.position = batch.end;
    return batch.end && batch.rows() != 0;
  });
  EXPECT_FALSE(resume.position->evidence.empty());
  TableProgress progress;
  progress.table = {"dbo", "t"};
  progress.state = TableState::streaming;
  for (const SchemaPtr& table : opened.info.tables) {
    if (table->name == progress.table) progress.instance = table->instance;
  }
  progress.low = progress.instance.start_lsn;
  resume.first_run = false;
  resume.source_identity = opened.info.identity;
  resume.tables[progress.table] = progress;
  return resume;
}

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

// A table outside the stream that is not captured any more is said to be unfit, asked for or not; only its own source refuses
// it (R12). One that is not configured any more is not: that is for good.
TEST(R12_Outside, AnUnfitTableRefusesItsOwnSourceAlone) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("other", "id int NOT NULL PRIMARY KEY");
  database.settle();
  ResumeState resume = streamed_once(database);
  const TableName name{"dbo", "t"};
  resume.tables.at(name).outside = true;
  resume.tables.at(name).state = TableState::paused;
  database.disable("t");
  const auto unfit = [&](const Settings& settings) { return Opened(settings, resume).info.unfit; };
  EXPECT_EQ(unfit(database.settings()), std::vector<TableName>{name});
  resume.requests = {{1, name, Wanted::resnapshot}};
  EXPECT_EQ(unfit(database.settings()), std::vector<TableName>{name});
  ResumeState own = resume;
  own.only = name;
  EXPECT_EQ(kind_of([&] { Opened(database.settings(), own); }), ErrorKind::config);
  Settings without = database.settings();
  without.exclude = {"dbo.t"};
  EXPECT_TRUE(unfit(without).empty());
}

// Patterns say nothing of a table that cannot be seen; its capture instance, which can, tells a right that is gone from a table
// that is gone. The one is refused, or waits outside the stream; the other is no part of the configuration any more.
TEST(R12_Outside, ATableOutOfSightIsNotTakenForOneLeftOut) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.create("other", "id int NOT NULL PRIMARY KEY");
  database.settle();
  ResumeState resume = streamed_once(database);
  const TableName name{"dbo", "t"};
  Settings settings = database.new_login();
  database.run(
      fmt::format("GRANT SELECT ON [dbo].[other] TO {0}; GRANT SELECT ON SCHEMA::cdc TO {0}", settings.user));
  for (const std::vector<std::string>& include :
       {std::vector<std::string>{}, {"dbo.*"}, {"dbo.t", "dbo.other"}}) {
    settings.include = include;
    TableProgress& progress = resume.tables.at(name);
    progress.outside = false;
    progress.state = TableState::streaming;
    std::string message;
    EXPECT_EQ(kind_of([&] { Opened(settings, resume); }, &message), ErrorKind::schema);
    EXPECT_THAT(message, HasSubstr("GRANT SELECT ON [dbo].[t] TO"));
    progress.outside = true;
    progress.state = TableState::paused;
    EXPECT_EQ(Opened(settings, resume).info.unfit, std::vector<TableName>{name});
    resume.requests = {{1, name, Wanted::resnapshot}};
    EXPECT_EQ(Opened(settings, resume).info.unfit, std::vector<TableName>{name});
    resume.requests.clear();
  }
  settings.include = {"dbo.*"};
  settings.exclude = {"dbo.t"};
  EXPECT_TRUE(Opened(settings, resume).info.unfit.empty());
  settings.exclude.clear();
  database.run("DROP TABLE t");
  EXPECT_TRUE(Opened(settings, resume).info.unfit.empty());
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

class R12_Joining : public ::testing::Test {
 protected:
  // Two tables; `other` has a stream of its own up to some LSN, the stream of `t` is somewhere else.
  R12_Joining() {
    if (!is_simulated()) return;
    database.create("t", "id int NOT NULL PRIMARY KEY");
    database.create("other", "id int NOT NULL PRIMARY KEY");
    database.settle();
  }
  Lsn insert(const char* table, int id) {
    database.run(fmt::format("INSERT INTO {} VALUES ({})", table, id));
    database.settle();
    return Lsn::parse(database.answer(
        fmt::format("SELECT CONVERT(nvarchar(22), MAX(__$start_lsn), 2) FROM cdc.dbo_{}_CT", table)));
  }
  // A stream of these tables that has read everything.
  static void read_all(Opened& opened) {
    std::optional<ChangeBatch> batch;
    do {
      batch = opened.source.next({});
    } while (batch && !batch->empty());
  }
  SchemaPtr schema(const Opened& opened, const std::string& name) const {
    for (const SchemaPtr& each : opened.info.tables) {
      if (each->name.name == name) return each;
    }
    return nullptr;
  }
  // All rows until the commit point that names the table as joining is over.
  std::vector<std::string> until_joined(Opened& opened, const std::string& table) {
    std::vector<std::string> rows;
    bool announced = false;
    opened.until([&](const ChangeBatch& batch) {
      for (const SchemaPtr& each : batch.joining)
        announced = announced || each->name.name == table;
      // The sink must know the table before its first row.
      for (const RowBatch& each : batch.tables)
        EXPECT_TRUE(announced || each.schema().name.name != table);
      for (std::string& row : rows_of(batch))
        rows.push_back(std::move(row));
      return announced && batch.end;
    });
    return rows;
  }

  Database database;
};

// The table was replayed up to a place behind the stream: what lies between the two would be lost.
TEST_F(R12_Joining, ATableBehindTheStreamBringsWhatLiesBetween) {
  NEEDS_SIMULATOR();
  Opened opened(database.settings());
  opened.stream();
  read_all(opened);
  opened.source.remove_table(schema(opened, "other")->name);
  const std::vector<ChangeBatch> left =
      opened.until([](const ChangeBatch& batch) { return !batch.left.empty(); });
  ASSERT_TRUE(left.back().end.has_value());
  insert("t", 1);
  const Lsn low = insert("other", 10);
  insert("other", 11);
  insert("t", 2);
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1", "insert id=2")) << "of t alone, in one window";
  read_all(opened);

  opened.source.add_table({schema(opened, "other"), low, std::nullopt});
  const std::vector<std::string> rows = until_joined(opened, "other");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows.front(), HasSubstr("11"));
  insert("other", 12);
  EXPECT_THAT(opened.next_rows().front(), HasSubstr("12"));
}

// It was replayed further than the stream has read: what the table has already would come twice.
TEST_F(R12_Joining, ATableAheadOfTheStreamWaitsForIt) {
  NEEDS_SIMULATOR();
  Settings settings = database.settings();
  settings.commit_transactions = 1;
  Opened opened(settings);
  opened.stream();
  read_all(opened);
  opened.source.remove_table(schema(opened, "other")->name);
  opened.until([](const ChangeBatch& batch) { return !batch.left.empty(); });
  insert("t", 1);
  insert("other", 10);
  insert("t", 2);
  const Lsn low = insert("other", 11);
  insert("t", 3);
  insert("other", 12);
  opened.source.add_table({schema(opened, "other"), low, std::nullopt});
  const std::vector<std::string> rows = until_joined(opened, "other");
  const auto has = [&](const char* what) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const std::string& row) { return row.find(what) != std::string::npos; });
  };
  EXPECT_FALSE(has("10") || has("11"));
  EXPECT_THAT(opened.next_rows(), ::testing::Not(::testing::IsEmpty()));
}

// Everything up to the end that names it has been given away, and nothing behind it.
TEST_F(R12_Joining, ATableLeavesAtAnEnd) {
  NEEDS_SIMULATOR();
  Opened opened(database.settings());
  opened.stream();
  insert("other", 1);
  EXPECT_EQ(opened.next_rows().size(), 1u);
  insert("other", 2);
  opened.source.remove_table(schema(opened, "other")->name);
  const std::optional<ChangeBatch> batch = opened.source.next({});
  ASSERT_TRUE(batch && batch->end);
  EXPECT_EQ(batch->left, std::vector<TableName>{schema(opened, "other")->name});
  EXPECT_EQ(batch->rows(), 0u);
  EXPECT_LT(batch->end->lsn, insert("t", 3));
  EXPECT_THAT(opened.next_rows().front(), HasSubstr("3"));
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

TEST(Faults, ADeadlockIsAConflict) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  database.control("N'deadlock', 1, N'dbo_t_CT'");
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }), ErrorKind::conflict);
}

// A result that is cut off must not look like one that has ended.
TEST(Faults, AResetInsideAResultIsUnavailable) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1), (2), (3), (4)");
  database.control("N'reset', 2, N'__$update_mask'");
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }), ErrorKind::unavailable);
}

TEST(Faults, AStoppedAgentIsWaitedFor) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  const std::vector<Lsn> lows = opened.source.take_low(opened.info.tables);
  opened.stream(lows[0]);
  database.control("N'agent', N'stop'");
  database.run("INSERT INTO t VALUES (1)");
  for (const ChangeBatch& batch : opened.all_within(std::chrono::milliseconds(300)))
    EXPECT_EQ(batch.rows(), 0u);
  database.control("N'agent', N'start'");
  Opened again(database.settings());
  again.stream(lows[0]);
  EXPECT_THAT(again.next_rows(), ElementsAre("insert id=1"));
}

TEST(Ddl, AChangedTableStopsByName) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("ALTER TABLE t ADD extra int NULL");
  database.run("INSERT INTO t VALUES (1, 2)");
  std::string message;
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }, &message), ErrorKind::schema);
  EXPECT_THAT(message, HasSubstr("ALTER TABLE t ADD extra"));
}

TEST(R05_LongValues, StopByName) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, lob varbinary(max) NULL");
  database.settle();
  Settings settings = database.settings();
  settings.max_value_bytes = 65534;  // A captured value has at most 65536 bytes (max text repl size).
  Opened opened(settings);
  opened.stream();
  database.run(
      "INSERT INTO t VALUES (1, CONVERT(varbinary(max), REPLICATE(CONVERT(nvarchar(max), N'x'), 32767)))");
  std::string whole = "insert id=1 lob=0x";
  for (int i = 0; i < 32767; ++i)
    whole += "7800";
  const std::vector<std::string> rows = opened.next_rows();
  ASSERT_EQ(rows.size(), 1u) << "65534 bytes are not too long";
  EXPECT_TRUE(rows[0] == whole) << "read in several pieces, and each of them counts";
  database.run(
      "INSERT INTO t VALUES (7, CONVERT(varbinary(max), REPLICATE(CONVERT(nvarchar(max), N'x'), 32768)))");
  std::string message;
  EXPECT_EQ(kind_of([&] { opened.next_rows(); }, &message), ErrorKind::data);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
  EXPECT_THAT(message, HasSubstr("lob"));
  EXPECT_THAT(message, HasSubstr("id=7"));
}

// A column that was widened after it was looked at: the driver's warning or the length tells.
TEST(R05_LongValues, AreNotCutToTheirBuffer) {
  Database database;
  Connection connection(database.settings());
  const TableSchema nothing_else;
  const RowPlan plan{nothing_else, {{LeadingColumn::Form::bytes, 4}}};
  {
    Statement statement(connection, "read what fits", "SELECT CONVERT(varbinary(4), 0x01020304)");
    const std::unique_ptr<RowReader> rows = statement.rows(plan);
    ASSERT_TRUE(rows->next());
    EXPECT_EQ(rows->bytes(0).size(), 4u);
  }
  Statement statement(connection, "read what does not", "SELECT CONVERT(varbinary(5), 0x0102030405)");
  const std::unique_ptr<RowReader> rows = statement.rows(plan);
  EXPECT_THROW(rows->next(), Error);
}

// Names of databases compare as the server's do, mostly without regard to case: the settings may write one as they like.
TEST(Names, TheDatabaseMayBeWrittenInAnotherCase) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.settings();
  for (char& c : settings.database)
    c = static_cast<char>(std::isupper(static_cast<unsigned char>(c)) != 0
                              ? std::tolower(static_cast<unsigned char>(c))
                              : std::toupper(static_cast<unsigned char>(c)));
  ASSERT_NE(settings.database, database.settings().database);
  Opened opened(settings);
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
  // The same source, whatever it is called.
  EXPECT_EQ(opened.info.identity, Opened(database.settings()).info.identity);
}

TEST(Names, MayHoldAnything) {
  Database database;
  const std::string odd = "a]b.c [d] 'e' %_?";
  std::string quoted;
  for (const char c : odd)
    quoted += c == ']' ? std::string("]]") : std::string(1, c);
  database.run(
      fmt::format("CREATE TABLE [dbo].[{0}] ([{0}] int NOT NULL PRIMARY KEY, [start_lsn] int NULL)", quoted));
  std::string doubled;
  for (const char c : odd)
    doubled += c == '\'' ? std::string("''") : std::string(1, c);
  database.run(fmt::format(
      "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{}', @role_name = NULL",
      doubled));
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run(fmt::format("INSERT INTO [dbo].[{}] VALUES (1, 2)", quoted));
  EXPECT_THAT(opened.next_rows(), ElementsAre(fmt::format("insert {}=1 start_lsn=2", odd)));
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
