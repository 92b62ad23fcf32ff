// A second capture instance with other columns, to a source that is asked for events: each row has the columns of the instance that its
// commit belongs to, wherever the instance's start lies and whenever the reader is killed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A runner with the sink behind it: what an end says is stored with the end, or lost.
class Reading {
 public:
  explicit Reading(Settings settings) : settings_(std::move(settings)) {
    opened_.emplace(settings_);
    stored_.first_run = false;
    stored_.source_identity = opened_->info.identity;
  }
  Reading(Settings settings, ResumeState stored)
      : settings_(std::move(settings)), stored_(std::move(stored)) {}

  // As if every table had been streaming up to there.
  void begin_at(const Lsn& position) {
    stored_.position = Position{position, "", 0};
    for (const SchemaPtr& schema : opened_->info.tables) {
      TableProgress progress;
      progress.table = schema->name;
      progress.state = TableState::streaming;
      progress.instance = schema->instance;
      progress.low = schema->instance.start_lsn;
      stored_.tables[schema->name] = progress;
    }
  }

  // Rows up to the next end that has some, or that ends the stream; nothing: what was read is lost with the process.
  std::vector<std::string> read(bool is_stored = true) {
    if (!streams_) start();
    std::vector<std::string> rows;
    ResumeState next = stored_;
    opened_->until([&](const ChangeBatch& batch) {
      for (std::string& row : rows_of(batch))
        rows.push_back(std::move(row));
      if (!batch.end) return false;
      next.position = batch.end;
      for (const InstanceSwitch& change : batch.switched) {
        TableProgress& progress = next.tables.at(change.table);
        progress.instance = change.instance;
        progress.low = change.low.value_or(progress.low);
        ++switches_;
      }
      streams_ = !batch.ends_stream;
      return !rows.empty() || batch.ends_stream;
    });
    if (!streams_) {
      EXPECT_FALSE(opened_->source.next({}).has_value());
      ++ends_;
    }
    if (is_stored) {
      stored_ = std::move(next);
    } else {
      streams_ = false;
    }
    return rows;
  }

  // Until there are so many.
  std::vector<std::string> read_rows(std::size_t count) {
    std::vector<std::string> rows;
    while (rows.size() < count) {
      for (std::string& row : read())
        rows.push_back(std::move(row));
    }
    return rows;
  }

  const ResumeState& stored() const { return stored_; }
  std::string instance_of(const char* table) const { return stored_.tables.at({"dbo", table}).instance.name; }
  int ends() const { return ends_; }
  int switches() const { return switches_; }
  void kill() { streams_ = false; }

 private:
  void start() {
    opened_.emplace(settings_, stored_);
    StreamPlan plan;
    plan.position = stored_.position;
    for (const auto& [name, progress] : stored_.tables)
      plan.tables.push_back({opened_->table(name.name), progress.low, std::nullopt, progress.instance});
    opened_->source.start_stream(plan);
    streams_ = true;
  }

  const Settings settings_;
  ResumeState stored_;
  std::optional<Opened> opened_;
  bool streams_ = false;
  int ends_ = 0;
  int switches_ = 0;
};

// Nobody reads while a column is added, the second instance made, and rows 2 to 4 are captured in both.
class Columns : public ::testing::Test {
 protected:
  Columns() {
    if (!is_simulated()) return;
    database_.create("t", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
    agent_.emplace(database_);
    run("INSERT INTO t VALUES (1, N'a')");
    lo_ = max_lsn(database_);
    Reading first(event_settings(database_));
    first.begin_at(lo_);
    stored_ = first.stored();
    database_.run("ALTER TABLE t ADD extra int NULL");
    database_.enable("t", as_second);
    for (int id = 2; id <= 4; ++id)
      insert(id);
    hi_ = max_lsn(database_);
  }

  // One transaction, captured.
  void run(const std::string& sql) {
    database_.run(sql);
    database_.settle();
  }
  void insert(int id) { run(fmt::format("INSERT INTO t VALUES ({0}, N'a', {0})", id)); }
  Lsn lsn_of_row(int id) {
    return lsn_answer(database_, fmt::format("(SELECT [__$start_lsn] FROM cdc.dbo_t_CT WHERE id = {})", id));
  }
  void start_second_at(const Lsn& start) {
    database_.run(fmt::format(
        "UPDATE cdc.change_tables SET start_lsn = 0x{} WHERE capture_instance = N'second'", start.hex()));
    database_.run(fmt::format("DELETE FROM cdc.second_CT WHERE [__$start_lsn] < 0x{}", start.hex()));
  }
  // What was added by the case before lies behind `hi`.
  void forget_behind_hi() {
    database_.run(
        fmt::format("DELETE FROM cdc.dbo_t_CT WHERE [__$start_lsn] > 0x{0}; DELETE FROM cdc.second_CT "
                    "WHERE [__$start_lsn] > 0x{0}; DELETE FROM cdc.lsn_time_mapping WHERE start_lsn > 0x{0}",
                    hi_.hex()));
  }
  static std::string row(int id, int first_of_second) {
    return id < first_of_second ? fmt::format("insert id={} note=a", id)
                                : fmt::format("insert id={0} note=a extra={0}", id);
  }

  Database database_;
  std::optional<StoppedAgent> agent_;
  ResumeState stored_;
  Lsn lo_;
  Lsn hi_;
};

// The instance's start is the one boundary that is exact: a row before it from the second instance is not there, one behind it from the
// first has lost a column.
TEST_F(Columns, EachRowHasThoseOfItsInstanceWhereverThatBegins) {
  NEEDS_SIMULATOR();
  struct Case {
    const char* name;
    Lsn start;
    int first_of_second;
  };
  int next = 5;
  // From the first start to the last: rows in front of one are deleted from the second instance.
  for (const Case& each :
       {Case{"lo", lo_, 2}, Case{"lo + 1", moved(lo_, 1), 2}, Case{"row 3 - 1", moved(lsn_of_row(3), -1), 3},
        Case{"row 3", lsn_of_row(3), 3}, Case{"row 3 + 1", moved(lsn_of_row(3), 1), 4}, Case{"hi", hi_, 4},
        Case{"hi + 1", moved(hi_, 1), 5}, Case{"hi + 2", moved(hi_, 2), 5}}) {
    for (const std::uint64_t transactions : {1, 1000}) {
      SCOPED_TRACE(fmt::format("{}, {} transactions a window", each.name, transactions));
      start_second_at(each.start);
      forget_behind_hi();
      Settings settings = event_settings(database_);
      settings.commit_transactions = transactions;
      Reading reading(settings, stored_);
      std::vector<std::string> rows = reading.read_rows(3);
      insert(next);
      for (std::string& more : reading.read_rows(1))
        rows.push_back(std::move(more));
      EXPECT_THAT(rows, ElementsAre(row(2, each.first_of_second), row(3, each.first_of_second),
                                    row(4, each.first_of_second), row(next, each.first_of_second)));
      ++next;
      EXPECT_EQ(reading.instance_of("t"), "second");
      EXPECT_EQ(reading.ends(), 1);
    }
  }
}

// Killed behind any end, stored or not: nothing is lost, nothing comes twice, and no row changes its columns.
TEST_F(Columns, AreTheSameHoweverOftenItIsKilled) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(3));
  for (int killed = 0; killed < 4; ++killed) {
    SCOPED_TRACE(killed);
    Settings settings = event_settings(database_);
    settings.commit_transactions = 1;
    Reading reading(settings, stored_);
    std::vector<std::string> rows;
    for (int at = 0; rows.size() < 3; ++at) {
      if (at == killed) static_cast<void>(reading.read(/*is_stored=*/false));
      for (std::string& each : reading.read())
        rows.push_back(std::move(each));
      reading.kill();
    }
    EXPECT_THAT(rows, ElementsAre(row(2, 3), row(3, 3), row(4, 3)));
  }
}

// The switch is durable at an end before the start: a new start must not take what lies in between for lost.
TEST_F(Columns, TheOldInstanceMayGoOnceTheNewOneIsStored) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(3));
  Reading reading(event_settings(database_), stored_);
  EXPECT_THAT(reading.read(), ElementsAre(row(2, 3)));
  EXPECT_EQ(reading.instance_of("t"), "second");
  EXPECT_LT(reading.stored().position->lsn, lsn_of_row(3));
  database_.disable("t", "dbo_t");
  EXPECT_THAT(reading.read_rows(2), ElementsAre(row(3, 3), row(4, 3)));
  // What cleanup takes before it was read is lost all the same.
  Reading late(event_settings(database_), reading.stored());
  ResumeState before = stored_;
  before.tables.begin()->second = reading.stored().tables.begin()->second;
  before.tables.begin()->second.low = lo_;
  EXPECT_EQ(kind_of([&] { Opened(event_settings(database_), before); }), ErrorKind::gap);
}

// Before the second one is stored the first is all that has the rows.
TEST_F(Columns, TheOldInstanceGoneTooEarlyIsAGap) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(3));
  database_.disable("t", "dbo_t");
  EXPECT_EQ(kind_of([&] { Opened(event_settings(database_), stored_); }), ErrorKind::gap);
}

// Instances that begin with no transaction in between are gone over to at one end: those of hundreds of tables ask for one new start.
TEST_F(Columns, ManyTablesGoOverAtOneEnd) {
  NEEDS_SIMULATOR();
  database_.create("u", "id int NOT NULL PRIMARY KEY");
  database_.create("v", "id int NOT NULL PRIMARY KEY");
  run("INSERT INTO u VALUES (1)");
  Reading reading(event_settings(database_));
  reading.begin_at(max_lsn(database_));
  for (const char* table : {"u", "v"})
    database_.run(fmt::format("ALTER TABLE {} ADD extra int NULL", table));
  for (const char* table : {"u", "v"}) {
    database_.enable(table, fmt::format(", @capture_instance = N'{}_second'", table));
  }
  run("INSERT INTO u VALUES (2, 2); INSERT INTO v VALUES (3, 3)");
  std::vector<std::string> rows = reading.read_rows(2);
  std::sort(rows.begin(), rows.end());
  EXPECT_THAT(rows, ElementsAre("insert id=2 extra=2", "insert id=3 extra=3"));
  EXPECT_EQ(reading.ends(), 1);
  EXPECT_EQ(reading.switches(), 2);
}

// One with the same columns is gone over to in the middle of the stream.
TEST_F(Columns, TheSameOnesAskForNoNewStart) {
  NEEDS_SIMULATOR();
  database_.create("u", "id int NOT NULL PRIMARY KEY");
  run("INSERT INTO u VALUES (1)");
  Reading reading(event_settings(database_));
  reading.begin_at(max_lsn(database_));
  database_.enable("u", ", @capture_instance = N'u_second'");
  run("INSERT INTO u VALUES (2)");
  run("INSERT INTO u VALUES (3)");
  EXPECT_THAT(reading.read_rows(2), ElementsAre("insert id=2", "insert id=3"));
  EXPECT_EQ(reading.instance_of("u"), "u_second");
  EXPECT_EQ(reading.ends(), 0);
  database_.disable("u", "dbo_u");
  run("INSERT INTO u VALUES (4)");
  EXPECT_THAT(reading.read_rows(1), ElementsAre("insert id=4"));
}

// Columns may go, too: whoever made the instance left them out.
TEST_F(Columns, FewerOnesAreThoseOfTheInstance) {
  NEEDS_SIMULATOR();
  database_.create("u", "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL");
  run("INSERT INTO u VALUES (1, N'a')");
  Reading reading(event_settings(database_));
  reading.begin_at(max_lsn(database_));
  database_.enable("u", ", @capture_instance = N'u_second', @captured_column_list = N'id'");
  run("INSERT INTO u VALUES (2, N'b')");
  EXPECT_THAT(reading.read_rows(1), ElementsAre("insert id=2"));
}

// While a table comes in: its rows from before the position are the first instance's.
TEST_F(Columns, ATableThatComesInHasThoseOfTheTime) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(4));
  const CaptureInstance stored = stored_.tables.begin()->second.instance;
  const Lsn position = lsn_of_row(3);
  ResumeState resume = stored_;
  resume.tables.begin()->second.outside = true;
  resume.position = Position{position, "", 0};
  Opened opened(event_settings(database_), resume);
  StreamPlan plan;
  plan.position = resume.position;
  opened.source.start_stream(plan);
  opened.source.add_table({opened.table("t"), lo_, std::nullopt, stored});
  std::vector<std::string> rows;
  std::vector<InstanceSwitch> switched;
  opened.until([&](const ChangeBatch& batch) {
    for (std::string& each : rows_of(batch))
      rows.push_back(std::move(each));
    switched.insert(switched.end(), batch.switched.begin(), batch.switched.end());
    return batch.ends_stream;
  });
  EXPECT_THAT(rows, ElementsAre(row(2, 4), row(3, 4)));
  ASSERT_EQ(switched.size(), 1u);
  EXPECT_EQ(switched[0].instance.name, "second");
  EXPECT_LT(switched[0].low.value_or(Lsn{}), lsn_of_row(4));
}

// The stream was further than the table's own replay when it was handed over, and the second instance begins in between: no end in front of
// that can be had in the stream any more. Its own source has to go over first.
TEST_F(Columns, ATableThatComesInBehindTheStartIsRefusedForNow) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(3));
  const CaptureInstance stored = stored_.tables.begin()->second.instance;
  for (const Lsn& position : {lsn_of_row(3), hi_}) {
    ResumeState resume = stored_;
    resume.tables.begin()->second.outside = true;
    resume.position = Position{position, "", 0};
    Opened opened(event_settings(database_), resume);
    StreamPlan plan;
    plan.position = resume.position;
    opened.source.start_stream(plan);
    EXPECT_EQ(kind_of([&] {
                opened.source.add_table({opened.table("t"), lo_, std::nullopt, stored});
              }),
              ErrorKind::conflict);
    // Where its own source has gone over it comes in.
    Opened newest(event_settings(database_));
    opened.source.add_table(
        {newest.table("t"), moved(lsn_of_row(3), -1), std::nullopt, newest.table("t")->instance});
    std::vector<std::string> rows;
    opened.until([&](const ChangeBatch& batch) {
      for (std::string& each : rows_of(batch))
        rows.push_back(std::move(each));
      return batch.end && !batch.joining.empty();
    });
    EXPECT_EQ(rows.front(), row(3, 3));
  }
}

// Its low is no transaction's (it was loaded while nothing went on), and the second instance begins before the next one.
TEST_F(Columns, ATableThatComesInFurtherOnHasThoseOfItsSecondInstance) {
  NEEDS_SIMULATOR();
  start_second_at(moved(lo_, 3));
  ASSERT_LT(moved(lo_, 3), lsn_of_row(2));
  ResumeState resume = stored_;
  resume.tables.begin()->second.outside = true;
  Opened opened(event_settings(database_), resume);
  StreamPlan plan;
  plan.position = resume.position;
  opened.source.start_stream(plan);
  TableProgress outside = resume.tables.begin()->second;
  ResumeState own = resume;
  own.only = TableName{"dbo", "t"};
  own.tables.begin()->second.low = moved(lo_, 1);
  Opened its(event_settings(database_), own);
  opened.source.add_table({its.table("t"), moved(lo_, 1), std::nullopt, outside.instance});
  std::vector<std::string> rows;
  opened.until([&](const ChangeBatch& batch) {
    for (std::string& each : rows_of(batch))
      rows.push_back(std::move(each));
    return batch.ends_stream || !rows.empty();
  });
  // It comes in, goes over, and none of its rows was read before.
  EXPECT_THAT(rows, IsEmpty());
}

// What a table's own replay says when it closes: its end lies before the start of the instance that is stored with it.
TEST_F(Columns, ATableThatHasGoneOverJoinsThoughTheOldOneIsGone) {
  NEEDS_SIMULATOR();
  database_.create("u", "id int NOT NULL PRIMARY KEY");
  run("INSERT INTO u VALUES (1)");
  Reading first(event_settings(database_));
  first.begin_at(max_lsn(database_));
  run("INSERT INTO u VALUES (2)");
  const Lsn end = max_lsn(database_);
  database_.enable("u", ", @capture_instance = N'u_second'");
  run("INSERT INTO u VALUES (3)");
  database_.run(
      fmt::format("UPDATE cdc.change_tables SET start_lsn = 0x{} WHERE capture_instance = N'u_second'",
                  moved(end, 2).hex()));
  Reading reading(event_settings(database_), first.stored());
  static_cast<void>(reading.read());
  ASSERT_EQ(reading.instance_of("u"), "u_second");
  ASSERT_EQ(reading.stored().position->lsn, end);
  ASSERT_GT(reading.stored().tables.at({"dbo", "u"}).low, end);
  database_.disable("u", "dbo_u");
  const Lsn low = reading.stored().tables.at({"dbo", "u"}).low;
  ResumeState resume = reading.stored();
  Opened opened(event_settings(database_), resume);
  StreamPlan plan;
  plan.position = Position{end, "", 0};
  opened.source.start_stream(plan);
  EXPECT_NO_THROW(opened.source.add_table(
      {opened.table("u"), low, std::nullopt, resume.tables.at({"dbo", "u"}).instance}));
  // And where it was paused at this very end.
  resume.tables.at({"dbo", "u"}).outside = true;
  resume.only = TableName{"dbo", "u"};
  resume.position = Position{end, "", 0};
  EXPECT_NO_THROW(Opened(event_settings(database_), resume));
}

// A position that another program has brought here lies before the second instance: that one alone would be a gap.
TEST_F(Columns, APositionThatIsTakenOverBeginsWithTheOneThatReachesBack) {
  NEEDS_SIMULATOR();
  start_second_at(lsn_of_row(3));
  ResumeState adopted;
  adopted.first_run = false;
  adopted.adopted = true;
  adopted.position = Position{lo_, "", 0};
  Opened opened(event_settings(database_), adopted);
  EXPECT_EQ(opened.table("t")->instance.name, "dbo_t");
  adopted.position = Position{lsn_of_row(3), "", 0};
  Opened behind(event_settings(database_), adopted);
  EXPECT_EQ(behind.table("t")->instance.name, "second");
}

// A table that is taken again before the stream has come to the second instance: what was deleted since is in the first one alone, and
// readers of events would never be told of it.
TEST_F(Columns, ATableThatIsTakenAgainMissesNoneOfItsChanges) {
  NEEDS_SIMULATOR();
  run("DELETE FROM t WHERE id = 1");
  start_second_at(max_lsn(database_));
  ResumeState resume = stored_;
  resume.only = TableName{"dbo", "t"};
  resume.requests.push_back({1, *resume.only, Wanted::resnapshot});
  TableProgress& progress = resume.tables.at(*resume.only);
  progress.outside = true;
  progress.low = lo_;
  Opened opened(event_settings(database_), resume);
  EXPECT_EQ(opened.table("t")->instance.name, "dbo_t");
  const auto counts = opened.source.count_changes({opened.table("t")}, lo_, max_lsn(database_));
  EXPECT_EQ(counts.at(*resume.only), std::optional<std::uint64_t>(4));
}

// Under the stream, on any server: a column is added while changes go on, and so is another.
TEST(ColumnsUnderTheStream, ComeWithTheFirstRowOfTheirInstance) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Reading reading(event_settings(database));
  database.run("INSERT INTO t VALUES (1)");
  database.settle();
  reading.begin_at(max_lsn(database));
  database.run("INSERT INTO t VALUES (2)");
  EXPECT_THAT(reading.read_rows(1), ElementsAre("insert id=2"));
  database.run("ALTER TABLE t ADD extra int NULL");
  database.run("INSERT INTO t VALUES (3, 3)");
  EXPECT_THAT(reading.read_rows(1), ElementsAre("insert id=3"));
  database.enable("t", as_second);
  database.run("INSERT INTO t VALUES (4, 4)");
  database.run("UPDATE t SET extra = 33 WHERE id = 3");
  std::vector<std::string> rows = reading.read_rows(3);
  EXPECT_EQ(rows.front(), "insert id=4 extra=4");
  EXPECT_EQ(rows.back(), "update id=3 extra=33");
  database.disable("t", "dbo_t");
  database.run("ALTER TABLE t ADD more int NULL");
  database.enable("t", ", @capture_instance = N'third'");
  database.run("DELETE FROM t WHERE id = 4");
  EXPECT_THAT(reading.read_rows(1), ElementsAre("delete id=4 extra=4 more=NULL"));
  EXPECT_EQ(reading.instance_of("t"), "third");
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
