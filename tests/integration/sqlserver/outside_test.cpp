// Tables outside the stream, and how they come in and leave.
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

}  // namespace
}  // namespace tailrace::sqlserver::testing
