// What ends a stream by its kind: faults of the server, altered tables, values that are too long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sqlserver/connection.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace tailrace::sqlserver::testing
