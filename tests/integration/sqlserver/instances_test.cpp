// Two capture instances of a table: when the newer one is read, and what happens if one of them goes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a sink keeps of table t.
ResumeState state_of(const Opened& opened, const Position& position) {
  ResumeState resume;
  resume.first_run = false;
  resume.source_identity = opened.info.identity;
  resume.position = position;
  TableProgress progress;
  progress.table = {"dbo", "t"};
  progress.state = TableState::streaming;
  progress.instance = opened.table("t")->instance;
  progress.low = progress.instance.start_lsn;
  resume.tables[progress.table] = progress;
  return resume;
}

// As a runner starts the stream after that.
void go_on(Opened& opened, const ResumeState& resume) {
  StreamPlan plan;
  plan.position = resume.position;
  for (const auto& [name, progress] : resume.tables)
    plan.tables.push_back({opened.table(name.name), progress.low, std::nullopt, progress.instance});
  opened.source.start_stream(plan);
}

struct Read {
  std::vector<std::string> rows;
  std::vector<std::string> switched;  // To these instances, with the last end.
  Position end;
};

// Everything up to the next end that has rows, or a switch.
Read read_on(Opened& opened) {
  Read out;
  opened.until([&](const ChangeBatch& batch) {
    for (std::string& row : rows_of(batch))
      out.rows.push_back(std::move(row));
    for (const InstanceSwitch& change : batch.switched)
      out.switched.push_back(change.instance.name);
    if (batch.end) out.end = *batch.end;
    return batch.end && (!out.rows.empty() || !out.switched.empty());
  });
  return out;
}

// Both of them hold what is captured while nobody reads; the rows of the second one are marked.
class Edges : public ::testing::Test {
 protected:
  Edges() {
    if (!is_simulated()) return;
    database_.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
    agent_.emplace(database_);
    insert(1);
    lo_ = max_lsn(database_);
    first_.emplace(database_.settings());
    resume_ = state_of(*first_, {lo_, "", 0});
    EXPECT_EQ(resume_.tables.begin()->second.instance.name, "dbo_t");
    database_.enable("t", as_second);
    for (int id = 2; id <= 4; ++id)
      insert(id);
    hi_ = max_lsn(database_);
  }

  // One transaction, captured.
  void insert(int id) {
    database_.run(fmt::format("INSERT INTO t VALUES ({}, N'first')", id));
    database_.settle();
  }
  void start_second_at(const Lsn& start) {
    database_.run(fmt::format(
        "UPDATE cdc.change_tables SET start_lsn = 0x{} WHERE capture_instance = N'second'", start.hex()));
    database_.run(fmt::format("DELETE FROM cdc.second_CT WHERE [__$start_lsn] < 0x{}", start.hex()));
    mark_second();
  }
  void mark_second() { database_.run("UPDATE cdc.second_CT SET note = N'second'"); }

  Database database_;
  std::optional<StoppedAgent> agent_;
  std::optional<Opened> first_;
  ResumeState resume_;
  Lsn lo_;
  Lsn hi_;
};

// E51. A window (lo, hi] lies around, before or behind the new instance's start: wherever that is, every row comes once, from an
// instance that has it, and the switch is part of the end behind which the new one is read.
TEST_F(Edges, TheSwitchIsMissedAtNone) {
  NEEDS_SIMULATOR();
  struct Case {
    const char* name;
    Lsn start;
    const char* read_first;   // The window around the start.
    const char* read_behind;  // The next one.
    std::vector<std::string> told_first;
    std::vector<std::string> told_behind;
  };
  const std::vector<std::string> told{"second"};
  int next = 5;
  for (const Case& each : std::vector<Case>{{"lo", lo_, "second", "second", told, {}},
                                            {"lo + 1", moved(lo_, 1), "second", "second", told, {}},
                                            {"lo + 2", moved(lo_, 2), "first", "second", told, {}},
                                            {"hi - 1", moved(hi_, -1), "first", "second", told, {}},
                                            {"hi", hi_, "first", "second", told, {}},
                                            {"hi + 1", moved(hi_, 1), "first", "second", told, {}},
                                            {"hi + 2", moved(hi_, 2), "first", "first", {}, told}}) {
    SCOPED_TRACE(each.name);
    start_second_at(each.start);
    // What was read by the cases before lies behind hi: it is left out.
    database_.run(
        fmt::format("DELETE FROM cdc.dbo_t_CT WHERE [__$start_lsn] > 0x{0}; DELETE FROM cdc.second_CT "
                    "WHERE [__$start_lsn] > 0x{0}; DELETE FROM cdc.lsn_time_mapping WHERE start_lsn > 0x{0}",
                    hi_.hex()));
    Opened opened(database_.settings(), resume_);
    EXPECT_EQ(opened.table("t")->instance.name, "dbo_t");
    go_on(opened, resume_);
    const Read around = read_on(opened);
    EXPECT_THAT(around.rows, ElementsAre(fmt::format("insert id=2 note={}", each.read_first),
                                         fmt::format("insert id=3 note={}", each.read_first),
                                         fmt::format("insert id=4 note={}", each.read_first)));
    EXPECT_EQ(around.end.lsn, hi_);
    EXPECT_EQ(around.switched, each.told_first);
    insert(next);
    mark_second();
    const Read behind = read_on(opened);
    EXPECT_THAT(behind.rows, ElementsAre(fmt::format("insert id={} note={}", next, each.read_behind)));
    EXPECT_EQ(behind.switched, each.told_behind);
    insert(next + 1);
    mark_second();
    EXPECT_THAT(read_on(opened).rows, ElementsAre(fmt::format("insert id={} note=second", next + 1)));
    next += 2;
  }
}

// Windows of one transaction each: the switch comes with the first end that the new instance reaches back to.
TEST_F(Edges, TheFirstEndBehindTheStartSwitches) {
  NEEDS_SIMULATOR();
  const Lsn third = lsn_answer(database_, "(SELECT [__$start_lsn] FROM cdc.dbo_t_CT WHERE id = 3)");
  start_second_at(third);
  Settings settings = database_.settings();
  settings.commit_transactions = 1;
  Opened opened(settings, resume_);
  go_on(opened, resume_);
  Read read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("insert id=2 note=first"));
  EXPECT_THAT(read.switched, IsEmpty());
  read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("insert id=3 note=first"));
  EXPECT_THAT(read.switched, ElementsAre("second"));
  EXPECT_THAT(read_on(opened).rows, ElementsAre("insert id=4 note=second"));
}

// E16. An instance whose start is not known yet says nothing of what it holds.
TEST_F(Edges, AnInstanceWithoutAStartIsNotRead) {
  NEEDS_SIMULATOR();
  start_second_at(lo_);
  database_.run("UPDATE cdc.change_tables SET start_lsn = NULL WHERE capture_instance = N'second'");
  EXPECT_EQ(Opened(database_.settings()).table("t")->instance.name, "dbo_t");
  Opened opened(database_.settings(), resume_);
  go_on(opened, resume_);
  const Read read = read_on(opened);
  EXPECT_THAT(read.rows.front(), HasSubstr("note=first"));
  EXPECT_THAT(read.switched, IsEmpty());
  database_.disable("t", "dbo_t");
  EXPECT_EQ(kind_of([&] { Opened(database_.settings(), resume_); }), ErrorKind::gap);
}

// A change of the table that the stream has not come to: what the catalog says now is not what the rows before it are. The columns'
// places would be those of another shape.
TEST_F(Edges, ATableThatWasChangedFurtherOnIsNotFollowed) {
  NEEDS_SIMULATOR();
  start_second_at(lo_);
  Opened opened(database_.settings(), resume_);
  database_.run("ALTER TABLE t DROP COLUMN note");
  go_on(opened, resume_);
  const Read read = read_on(opened);
  EXPECT_THAT(read.rows,
              ElementsAre("insert id=2 note=first", "insert id=3 note=first", "insert id=4 note=first"));
  EXPECT_THAT(read.switched, IsEmpty());
  database_.settle();
  EXPECT_EQ(kind_of([&] { read_on(opened); }), ErrorKind::schema);
}

// The new start may become known below what is being read: then the old one may go in the middle of a window.
TEST_F(Edges, TheOldInstanceMayGoInTheMiddleOfAWindow) {
  NEEDS_SIMULATOR();
  start_second_at(lo_);
  database_.run("UPDATE cdc.change_tables SET start_lsn = NULL WHERE capture_instance = N'second'");
  Settings settings = database_.settings();
  settings.commit_bytes = 1;
  Opened opened(settings, resume_);
  go_on(opened, resume_);
  opened.until([](const ChangeBatch& batch) { return batch.rows() != 0; });
  database_.run(fmt::format(
      "UPDATE cdc.change_tables SET start_lsn = 0x{} WHERE capture_instance = N'second'", lo_.hex()));
  database_.disable("t", "dbo_t");
  std::string message;
  EXPECT_EQ(kind_of([&] { read_on(opened); }, &message), ErrorKind::conflict);
  EXPECT_THAT(message, HasSubstr("second"));
  Opened again(database_.settings(), resume_);
  go_on(again, resume_);
  const Read read = read_on(again);
  EXPECT_THAT(read.rows,
              ElementsAre("insert id=2 note=second", "insert id=3 note=second", "insert id=4 note=second"));
  EXPECT_THAT(read.switched, ElementsAre("second"));
}

// While its table joins, too: what is needed lies behind the table's own position.
TEST_F(Edges, ATableThatComesInReadsTheOneThatReachesBack) {
  NEEDS_SIMULATOR();
  start_second_at(lo_);
  database_.disable("t", "dbo_t");
  Opened opened(database_.settings(), resume_);
  StreamPlan plan;
  plan.position = Position{hi_, "", 0};
  opened.source.start_stream(plan);
  const CaptureInstance stored = resume_.tables.begin()->second.instance;
  EXPECT_EQ(kind_of([&] {
              opened.source.add_table({opened.table("t"), Lsn{}, std::nullopt, stored});
            }),
            ErrorKind::gap);
  opened.source.add_table({opened.table("t"), lo_, std::nullopt, stored});
  const Read read = read_on(opened);
  EXPECT_EQ(read.rows.size(), 3u);
  EXPECT_THAT(read.switched, ElementsAre("second"));
}

// E16, on any server: changes go on while the second instance is made, and while the first one goes.
TEST(TwoInstances, TheNewerOneIsFollowedUnderTheStream) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1, NULL)");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1 note=NULL"));
  std::vector<std::string> rows;
  std::vector<std::string> switched;
  const auto until_row = [&](std::string_view last) {
    opened.until([&](const ChangeBatch& batch) {
      for (std::string& row : rows_of(batch))
        rows.push_back(std::move(row));
      for (const InstanceSwitch& change : batch.switched)
        switched.push_back(change.instance.name);
      return batch.end && !rows.empty() && rows.back() == last;
    });
  };
  database.run("INSERT INTO t VALUES (2, NULL)");
  database.enable("t", as_second);
  database.run("INSERT INTO t VALUES (3, NULL)");
  until_row("insert id=3 note=NULL");
  database.run("INSERT INTO t VALUES (4, NULL)");
  until_row("insert id=4 note=NULL");
  EXPECT_THAT(switched, ElementsAre("second"));
  database.disable("t", "dbo_t");
  database.run("UPDATE t SET note = N'x' WHERE id = 1");
  until_row("update id=1 note=x");
  // The place is free again: a third one is followed as the second was.
  database.enable("t", ", @capture_instance = N'third'");
  database.run("DELETE FROM t WHERE id = 4");
  until_row("delete id=4 note=NULL");
  database.disable("t", "second");
  database.run("DELETE FROM t WHERE id = 3");
  until_row("delete id=3 note=NULL");
  EXPECT_THAT(switched, ElementsAre("second", "third"));
  EXPECT_THAT(rows, ElementsAre("insert id=2 note=NULL", "insert id=3 note=NULL", "insert id=4 note=NULL",
                                "update id=1 note=x", "delete id=4 note=NULL", "delete id=3 note=NULL"));
}

// On an idle database markers alone move the position: the old instance may go after one of them.
TEST(TwoInstances, TheNewerOneIsFollowedByAMarkerToo) {
  NEEDS_SIMULATOR();
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.enable("t", as_second);
  database.control("N'marker'");
  const Read read = read_on(opened);
  EXPECT_THAT(read.rows, IsEmpty());
  EXPECT_THAT(read.switched, ElementsAre("second"));
  database.disable("t", "dbo_t");
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_THAT(read_on(opened).rows, ElementsAre("insert id=1"));
}

// The columns' places in the change table, and in its mask, are each instance's own.
TEST(TwoInstances, TheNewerOneHasItsOwnOrdinals) {
  Database database;
  database.create(
      "t", "skipped int NULL, id int NOT NULL PRIMARY KEY, lob nvarchar(max) NULL, note nvarchar(20) NULL");
  database.settle();
  Settings settings = database.settings();
  settings.tables["dbo.t"].exclude_columns = {"skipped"};
  Opened opened(settings);
  opened.stream();
  database.run("INSERT INTO t VALUES (7, 1, N'b', N'a')");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1 lob=b note=a"));
  database.enable("t", fmt::format("{}, @captured_column_list = N'note, lob, id'", as_second));
  database.run("UPDATE t SET note = N'c'");
  Read read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("update id=1 lob=absent note=c"));
  EXPECT_THAT(read.switched, ElementsAre("second"));
  database.run("UPDATE t SET note = N'd'");
  EXPECT_THAT(read_on(opened).rows, ElementsAre("update id=1 lob=absent note=d"));
  database.run("UPDATE t SET lob = NULL");
  EXPECT_THAT(read_on(opened).rows, ElementsAre("update id=1 lob=NULL note=d"));
}

// A newer instance that lacks a column is no successor; when it is all that is left, the shape has changed (exit 6), and it is
// said how.
TEST(TwoInstances, AnIncompleteOneIsSetAsideAndThenStops) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.enable("t", fmt::format("{}, @captured_column_list = N'id'", as_second));
  database.run("INSERT INTO t VALUES (1, N'a')");
  Read read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("insert id=1 note=a"));
  database.run("INSERT INTO t VALUES (2, N'b')");
  read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("insert id=2 note=b"));
  EXPECT_THAT(read.switched, IsEmpty());
  const ResumeState resume = state_of(opened, read.end);
  database.disable("t", "dbo_t");
  database.run("INSERT INTO t VALUES (3, N'c')");
  EXPECT_EQ(kind_of([&] { read_on(opened); }), ErrorKind::conflict);
  std::string message;
  EXPECT_EQ(kind_of([&] { Opened(database.settings(), resume); }, &message), ErrorKind::schema);
  EXPECT_THAT(message, HasSubstr("dbo.t"));
  EXPECT_THAT(message, HasSubstr("second does not hold: note"));
}

// The runner was down while the one was made and the other went: what counts is whether the new one reaches back to the position.
TEST(TwoInstances, AStartGoesOnWithTheOneThatReachesBack) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  const ResumeState before = state_of(opened, read_on(opened).end);
  database.enable("t", as_second);
  database.run("INSERT INTO t VALUES (2)");
  const Read read = read_on(opened);
  EXPECT_THAT(read.rows, ElementsAre("insert id=2"));
  ResumeState behind = before;  // As if killed before the switch was stored.
  behind.position = read.end;
  database.run("INSERT INTO t VALUES (3)");
  database.settle();
  {
    // Both are there: the stored one is kept until the switch.
    Opened both(database.settings(), before);
    EXPECT_EQ(both.table("t")->instance.name, "dbo_t");
    go_on(both, before);
    std::vector<std::string> rows;
    while (rows.size() < 2) {
      for (std::string& row : read_on(both).rows)
        rows.push_back(std::move(row));
    }
    EXPECT_THAT(rows, ElementsAre("insert id=2", "insert id=3"));
  }
  database.disable("t", "dbo_t");
  Opened again(database.settings(), behind);
  EXPECT_EQ(again.table("t")->instance.name, "second");
  go_on(again, behind);
  const Read rest = read_on(again);
  EXPECT_THAT(rest.rows, ElementsAre("insert id=3"));
  EXPECT_THAT(rest.switched, ElementsAre("second"));
  // What lies between the position and the new instance's start went with the old one.
  std::string message;
  EXPECT_EQ(kind_of([&] { Opened(database.settings(), before); }, &message), ErrorKind::gap);
  EXPECT_THAT(message, HasSubstr("dbo_t"));
}

// Retention takes the old instance's low end, by hand and alone: the new one still has what is needed.
TEST(TwoInstances, TheOldOneMayLoseItsLowEnd) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.enable("t", as_second);
  database.run("INSERT INTO t VALUES (1)");
  const ResumeState resume = state_of(opened, read_on(opened).end);
  database.run("INSERT INTO t VALUES (2)");
  database.run("INSERT INTO t VALUES (3)");
  database.settle();
  database.run(
      "DECLARE @mark binary(10) = (SELECT MAX(start_lsn) FROM cdc.lsn_time_mapping); EXEC "
      "sys.sp_cdc_cleanup_change_table @capture_instance = N'dbo_t', @low_water_mark = @mark");
  Opened again(database.settings(), resume);
  EXPECT_EQ(again.table("t")->instance.name, "second");
  go_on(again, resume);
  std::vector<std::string> rows;
  while (rows.size() < 2) {
    for (std::string& row : read_on(again).rows)
      rows.push_back(std::move(row));
  }
  EXPECT_THAT(rows, ElementsAre("insert id=2", "insert id=3"));
}

// A transaction that is open while the second instance is made lies in both, or in the first alone and then below the start of the
// second: never half in it.
TEST(TwoInstances, NoTransactionIsInHalfOfOne) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Connection writer(database.settings());
  run(writer, "change", "BEGIN TRAN; INSERT INTO t VALUES (1)");
  std::jthread maker([&] { database.enable("t", as_second); });
  run(writer, "change", "WAITFOR DELAY '00:00:00.500'; INSERT INTO t VALUES (2); COMMIT");
  maker.join();
  database.run("INSERT INTO t VALUES (3)");
  database.settle();
  const std::string behind =
      "FROM {} AS c WHERE c.[__$start_lsn] >= (SELECT start_lsn FROM cdc.change_tables WHERE "
      "capture_instance = "
      "N'second')";
  const std::string count = "SELECT CONVERT(nvarchar(20), COUNT(*)) ";
  EXPECT_EQ(database.answer(count + fmt::format(fmt::runtime(behind), "cdc.dbo_t_CT")),
            database.answer(count + fmt::format(fmt::runtime(behind), "cdc.second_CT")));
  EXPECT_NE(database.answer(count + "FROM cdc.second_CT"), "0");
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
