// The runner over fakes: whatever fails wherever, both sides are equal at the end.
#include "pipeline/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "pipeline/retry.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace {
namespace {

using ::testing::ElementsAre;
using testing::FakeWorld;

class Runner : public ::testing::Test {
 protected:
  Runner() {
    log::configure(log::Level::off, log::Format::text);
    world.schemas = {testing::make_table("a"), testing::make_table("b")};
    settings.readers = 2;
    settings.chunk_rows = 10;
    settings.until_caught_up = true;
    settings.shortest_retry = std::chrono::milliseconds(1);
    for (std::int64_t key = 0; key < 100; ++key) {
      world.commit({{a, Operation::insert, key, key}, {b, Operation::insert, key, -key}});
    }
  }

  RunEnd run() {
    return run_pipeline(
        settings, [this] { return testing::make_fake_source(world); },
        [this] { return testing::make_fake_sink(world); }, progress, drain.get_token(), abandon.get_token());
  }
  bool is_streaming(const TableName& table) {
    const std::lock_guard lock(world.mutex);
    return world.stored.tables.at(table).state == TableState::streaming;
  }
  void expect_equal() {
    for (const TableName& table : {a, b})
      EXPECT_EQ(world.sink_rows[table], world.source_rows[table]) << table.str();
  }

  FakeWorld world;
  RunSettings settings;
  Progress progress;
  std::stop_source drain;
  std::stop_source abandon;
  const TableName a{"dbo", "a"};
  const TableName b{"dbo", "b"};
};

TEST_F(Runner, LoadsAndCatchesUp) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  expect_equal();
  EXPECT_EQ(world.stored.tables.at(a).state, TableState::streaming);
  EXPECT_TRUE(world.closed_cleanly);
}

// Rows that change between the chunks' reads are only right if the stream replays low..high after the load.
TEST_F(Runner, ReplaysWhatChangedDuringTheSnapshot) {
  std::int64_t next = 1000;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk") return;
    const std::lock_guard lock(mutex);
    world.commit({{a, Operation::insert, next, 1},
                  {a, Operation::delete_, next - 1000, 0},
                  {b, Operation::update, 50, next}});
    ++next;
  };
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_GT(next, 1000);
  expect_equal();
}

TEST_F(Runner, KilledSnapshotGoesOnWithTheChunksLeft) {
  settings.readers = 1;
  world.failures["chunk.finish"] = std::vector<std::optional<ErrorKind>>(12);
  world.failures["chunk.finish"].push_back(ErrorKind::data);
  EXPECT_THROW(run(), Error);
  const std::uint64_t before = world.rows_read;
  EXPECT_EQ(before, 120u);  // And an empty last chunk.

  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read - before, 90u);  // 80 were left, and one chunk was read in vain.
  expect_equal();
}

// A large table's key would else keep the machine's other cores waiting: keys are built as tables become whole.
TEST_F(Runner, ATableIsFinishedBesideTheChunksOfTheNext) {
  settings.readers = 2;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> finished;
  int reads = 0;
  int reads_of_b = 0;
  world.at = [&](const std::string& point) {
    std::unique_lock lock(mutex);
    if (point == "source.read_chunk") ++reads;
    if (point.starts_with("chunk.finish_table ")) {
      finished.push_back(point.substr(point.find(' ') + 1));
      changed.notify_all();
    }
    // Waits for the key of `a`, which the other worker builds.
    if (point == "source.read_chunk b" && ++reads_of_b == 2)
      changed.wait(lock, [&] { return !finished.empty(); });
  };
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(reads, 22);
  EXPECT_THAT(finished, ElementsAre("a", "b"));
  expect_equal();
}

// Nothing is read again for a key that a kill has cut off.
TEST_F(Runner, AKeyThatWasCutOffIsBuiltByTheNextRun) {
  for (const char* const table : {"a", "b"}) {
    SCOPED_TRACE(table);
    world.failures[std::string("chunk.finish_table ") + table] = {ErrorKind::data};
    EXPECT_THROW(run(), Error);
  }
  const std::uint64_t read = world.rows_read;
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, read);
  expect_equal();
}

TEST_F(Runner, GoesOnAfterALostConnectionAnywhere) {
  for (const char* point :
       {"sink.open", "source.open", "source.plan_chunk", "source.read_chunk", "chunk.begin", "chunk.write",
        "chunk.finish", "chunk.finished", "sink.add_chunks", "chunk.finish_table a", "sink.finish_load",
        "source.next", "sink.write", "sink.committed"}) {
    world.failures[point] = {ErrorKind::unavailable};
  }
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_GE(progress.retries, 8u);  // Two threads may fail in one attempt.
  expect_equal();
}

// The seed is fixed; every point of the runner meets failures, together with changes that go on.
TEST_F(Runner, SurvivesRandomFailures) {
  world.random_failures = 40;
  std::int64_t next = 1000;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.next" && point != "source.read_chunk") return;
    const std::lock_guard lock(mutex);
    if (next >= 1300) return;
    world.commit({{a, Operation::insert, next, 1},
                  {b, Operation::insert, next, 2},
                  {a, Operation::update, next, next}});
    if (next % 3 == 0) world.commit({{a, Operation::delete_, next, 0}});
    ++next;
  };
  do {
    EXPECT_EQ(run(), RunEnd::caught_up);
  } while (next < 1300);
  world.random_failures = 0;
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_GT(progress.retries, 5u);
  expect_equal();
}

TEST_F(Runner, GivesUpAtOnceOnWhatCannotBeRetried) {
  for (const ErrorKind kind :
       {ErrorKind::config, ErrorKind::data, ErrorKind::gap, ErrorKind::schema, ErrorKind::fenced}) {
    world.failures["sink.open"] = {kind};
    try {
      run();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
    }
  }
  EXPECT_EQ(progress.retries, 0u);
}

class R11_Stop : public Runner {};

// A deadlock at either side is nobody's fault: taken for data it would end the pipeline.
TEST_F(R11_Stop, AConflictIsTriedAgain) {
  for (const char* point : {"source.next", "sink.write", "sink.finish_load"})
    world.failures[point] = {ErrorKind::conflict};
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(progress.retries, 3u);
  expect_equal();
}

TEST_F(Runner, GivesUpOnAnUnreachableSideBeforeTheFirstSuccess) {
  settings.first_contact = std::chrono::milliseconds(0);
  world.failures["source.open"] = {ErrorKind::unavailable};
  EXPECT_THROW(run(), Error);
}

TEST_F(Runner, DrainEndsAStreamCleanly) {
  settings.until_caught_up = false;
  world.at = [&](const std::string& point) {
    if (point == "sink.committed") drain.request_stop();
  };
  EXPECT_EQ(run(), RunEnd::drained);
  EXPECT_TRUE(world.closed_cleanly);
}

TEST_F(Runner, AbandonEndsWithItsOwnKind) {
  settings.until_caught_up = false;
  world.at = [&](const std::string& point) {
    if (point == "chunk.write") abandon.request_stop();
  };
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::abandoned);
  }
}

// A server that does not answer, or a lock that somebody holds, would keep a drain for as long.
TEST_F(Runner, DrainEndsWhatWaits) {
  for (const char* const waiting : {"source.plan_chunk", "source.open", "chunk.begin", "chunk.finish_table b",
                                    "sink.finish_load", "sink.finish_constraints"}) {
    SCOPED_TRACE(waiting);
    drain = {};
    world.waits[waiting] = 1;
    world.at = [&](const std::string& point) {
      if (point == waiting) drain.request_stop();
    };
    EXPECT_EQ(run(), RunEnd::drained);
    EXPECT_EQ(progress.retries, 0u);
  }
}

// The same for the error of another thread: it is what the run ends with, and at once.
TEST_F(Runner, AnErrorEndsAPlanThatWaits) {
  world.failures["source.read_chunk"] = {ErrorKind::data};
  settings.readers = 1;
  bool first = true;
  world.at = [&](const std::string& point) {
    const std::lock_guard lock(world.mutex);
    if (point == "source.plan_chunk") world.waits[point] = std::exchange(first, false) ? 0 : 1;
  };
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
  }
}

TEST_F(Runner, AnErrorEndsAWriterThatWaits) {
  for (const char* const waiting : {"chunk.begin", "chunk.write", "chunk.finish"}) {
    SCOPED_TRACE(waiting);
    world.passes.clear();
    world.waits[waiting] = 1;
    bool planned = false;
    // Once one writer waits, the other one's next chunk fails. Both may come to their first point at the same time.
    world.at = [&](const std::string& point) {
      const std::lock_guard lock(world.mutex);
      if (point == waiting && world.passes[point] >= 1 && !std::exchange(planned, true))
        world.failures["source.read_chunk"] = {ErrorKind::data};
    };
    try {
      run();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
    }
  }
}

class R07_ParkedKeys : public Runner {
 protected:
  // A table that has lost every row, and waits for them and for more that the source does not have either.
  R07_ParkedKeys() {
    EXPECT_EQ(run(), RunEnd::caught_up);
    world.stored.tables.at(a).state = TableState::catching_up;
    world.stored.tables.at(a).high_mark = HighMark{"1"};
    world.sink_rows[a].clear();
    for (int key = 0; key < 250; ++key)
      world.parked[a].push_back({std::to_string(key)});
  }
};

// Such rows have large values: all of them at once would need memory without a bound.
TEST_F(R07_ParkedKeys, AreReadAgainAFewAtATime) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_TRUE(world.parked[a].empty());
  EXPECT_LE(world.most_keys_settled, 100u);
  expect_equal();
}

TEST_F(R07_ParkedKeys, StayParkedWhereADrainEndsTheirReading) {
  world.waits["source.read_keys"] = 1;
  world.at = [&](const std::string& point) {
    if (point == "source.read_keys") drain.request_stop();
  };
  EXPECT_EQ(run(), RunEnd::drained);
  EXPECT_EQ(progress.retries, 0u);
  EXPECT_EQ(world.parked[a].size(), 250u);
  EXPECT_TRUE(world.closed_cleanly);
}

// R12: the table stays in view as it was until the shadow is whole, then differs by nothing.
TEST_F(Runner, TakesATableAgainOnRequest) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  world.sink_rows[a][5] = 12345;  // Somebody changed the target.
  world.sink_rows[a].erase(6);
  {
    world.request(a, Wanted::resnapshot);
    world.commit({{a, Operation::update, 7, 70}, {b, Operation::update, 7, 71}});
  }
  EXPECT_EQ(run(), RunEnd::caught_up);
  expect_equal();
  EXPECT_FALSE(world.stored.tables.at(a).shadow);
}

// Rows of both loads together would be twice what the table has.
TEST_F(Runner, CountsTheRowsOfATablesLatestLoad) {
  settings.until_caught_up = false;
  world.failures["source.next"] = {std::nullopt, ErrorKind::unavailable};
  world.at = [&](const std::string& point) {
    if (point == "sink.open" && progress.retries == 1) world.request(a, Wanted::resnapshot);
    if (point == "sink.committed" && progress.tables().at(0).loads == 2 && is_streaming(a))
      drain.request_stop();
  };
  EXPECT_EQ(run(), RunEnd::drained);
  EXPECT_EQ(progress.tables().at(0).loads, 2u);
  EXPECT_EQ(progress.tables().at(0).snapshot_rows, 100u);
  EXPECT_EQ(progress.tables().at(1).snapshot_rows, 100u);
}

// A gap may come while a first load runs, or before its catch-up ends. "Take it again" is then the one way on, and
// must not be kept for tables that stream.
TEST_F(Runner, TakesATableAgainThatHasNotCaughtUpYet) {
  settings.readers = 1;
  world.failures["chunk.finish"] = {std::nullopt, ErrorKind::data};
  EXPECT_THROW(run(), Error);
  ASSERT_EQ(world.stored.tables.at(a).state, TableState::loading);
  world.request(a, Wanted::resnapshot);
  world.commit(
      {{a, Operation::delete_, 3, 0}});  // Its row has been loaded, and the old load's low is before this.
  world.failures["source.next"] = {ErrorKind::gap};
  EXPECT_THROW(run(), Error);
  EXPECT_EQ(world.sink_rows[a], world.source_rows[a]);

  ASSERT_EQ(world.stored.tables.at(a).state, TableState::catching_up);
  world.request(a, Wanted::resnapshot);
  world.commit({{a, Operation::delete_, 4, 0}});
  world.log.erase(world.next_lsn - 1);  // Cleaned up before it was read.
  world.commit({{b, Operation::update, 1, 2}});
  EXPECT_EQ(run(), RunEnd::caught_up);
  expect_equal();
}

// Asked for once: who deposes again whoever has deposed it begins a fight. An attempt that found nobody has not used
// it up.
TEST_F(Runner, TakesOverOnceAndOnlyOnce) {
  settings.take_over = true;
  world.failures["sink.open"] = {ErrorKind::unavailable};
  world.failures["source.next"] = {ErrorKind::unavailable};
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(world.opens, 2);
  EXPECT_EQ(world.take_overs, 1);
  expect_equal();
}

class R16_Durable : public Runner {
 protected:
  std::uint64_t changes_counted() const {
    std::uint64_t sum = 0;
    for (const TableCount& count : progress.tables())
      sum += count.inserts + count.updates + count.deletes;
    return sum;
  }
};

// Each transaction here comes in two parts; the second part fails once. Rows of the first part, counted when they
// were applied, would be counted twice, and shown as applied while they were rolled back.
TEST_F(R16_Durable, CountsAChangeOnceAndOnlyWhenItsPositionIsDurable) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(changes_counted(), 0u);
  for (std::int64_t key = 0; key < 5; ++key) {
    world.commit({{a, Operation::update, key, 7}, {b, Operation::update, key, 7}});
  }
  std::uint64_t counted_before_the_commit = 0;
  world.at = [&](const std::string& point) {
    if (point == "sink.write" && progress.commits == 1) counted_before_the_commit = changes_counted();
  };
  world.failures["sink.write"] = {std::nullopt, ErrorKind::unavailable};
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(progress.retries, 1u);
  EXPECT_EQ(counted_before_the_commit, 0u);
  EXPECT_EQ(changes_counted(), 10u);
  expect_equal();
}

// A sink that fills its transactions (K2): whatever fails meanwhile, what was held comes again or is durable.
TEST_F(Runner, SurvivesRandomFailuresOfASinkThatHolds) {
  world.hold = std::chrono::milliseconds(2);
  world.holds_first = false;  // As a sink does that looks at its last commit: each attempt moves on.
  world.random_failures = 40;
  std::int64_t next = 1000;
  world.at = [&](const std::string& point) {
    if (point != "source.next" || next >= 1300) return;
    world.commit({{a, Operation::insert, next, 1},
                  {b, Operation::insert, next, 2},
                  {a, Operation::update, next, next}});
    ++next;
  };
  do {
    EXPECT_EQ(run(), RunEnd::caught_up);
  } while (next < 1300);
  world.random_failures = 0;
  EXPECT_EQ(run(), RunEnd::caught_up);
  expect_equal();
}

// Counted when they were taken, rows would be shown as applied that a crash takes back.
TEST_F(R16_Durable, WhatASinkHoldsIsCountedOnceItIsDurable) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  settings.until_caught_up = false;
  world.hold = std::chrono::milliseconds(20);
  std::uint64_t counted_while_held = 0;
  bool is_committed = false;
  world.at = [&](const std::string& point) {
    if (point == "source.next" && !is_committed) {
      is_committed = true;
      world.commit({{a, Operation::update, 1, 7}});
    }
    if (point != "sink.flush") return;
    counted_while_held = changes_counted();
    drain.request_stop();
  };
  EXPECT_EQ(run(), RunEnd::drained);
  EXPECT_EQ(counted_while_held, 0u);
  EXPECT_EQ(changes_counted(), 1u);
  expect_equal();
}

// A drain ends between commit points: what is held is whole.
TEST_F(R16_Durable, ADrainMakesDurableWhatIsHeld) {
  EXPECT_EQ(run(), RunEnd::caught_up);
  settings.until_caught_up = false;
  world.hold = std::chrono::hours(1);
  int looks = 0;
  world.at = [&](const std::string& point) {
    if (point != "source.next") return;
    if (++looks == 1) world.commit({{a, Operation::update, 1, 7}});
    if (looks == 4) drain.request_stop();
  };
  EXPECT_EQ(run(), RunEnd::drained);
  EXPECT_EQ(changes_counted(), 1u);
  expect_equal();
}

// What another program has brought to a position is not loaded again: the stream goes on there.
TEST_F(Runner, APositionThatIsAdoptedIsStreamedFrom) {
  world.stored.adopted = true;
  world.stored.position = Position{testing::lsn_of(world.next_lsn - 1), "", 0};
  world.sink_rows = world.source_rows;
  world.commit({{a, Operation::update, 1, 7}, {b, Operation::delete_, 2, 0}});
  EXPECT_EQ(run(), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, 0u);
  expect_equal();
}

TEST(RetryPolicy, AuthIsReadAgainOnceThenFatalBeforeTheFirstSuccess) {
  const auto now = std::chrono::steady_clock::now();
  RetryPolicy retry(std::chrono::seconds(30), std::chrono::milliseconds(100), now);
  EXPECT_EQ(retry.after(ErrorKind::auth, now), std::chrono::milliseconds(0));
  EXPECT_EQ(retry.after(ErrorKind::auth, now), std::nullopt);
}

// Accounts get locked by quick retries; a failover refuses logins for minutes.
TEST(RetryPolicy, AuthIsTriedEveryMinuteAfterASuccess) {
  const auto now = std::chrono::steady_clock::now();
  RetryPolicy retry(std::chrono::seconds(30), std::chrono::milliseconds(100), now);
  retry.succeeded_before();
  EXPECT_EQ(retry.after(ErrorKind::auth, now), std::chrono::milliseconds(0));
  EXPECT_EQ(retry.after(ErrorKind::auth, now), std::chrono::minutes(1));
}

// A wait that doubles past the end would make 30 s into 50 s.
TEST(RetryPolicy, TheLastWaitEndsWithTheFirstContact) {
  const auto now = std::chrono::steady_clock::now();
  RetryPolicy retry(std::chrono::milliseconds(1000), std::chrono::milliseconds(400), now);
  EXPECT_EQ(retry.after(ErrorKind::unavailable, now), std::chrono::milliseconds(400));
  EXPECT_EQ(retry.after(ErrorKind::unavailable, now + std::chrono::milliseconds(400)),
            std::chrono::milliseconds(600));
  EXPECT_EQ(retry.after(ErrorKind::unavailable, now + std::chrono::milliseconds(1000)), std::nullopt);
}

TEST(RetryPolicy, UnavailableBacksOffForEverAfterASuccess) {
  const auto now = std::chrono::steady_clock::now();
  RetryPolicy retry(std::chrono::seconds(30), std::chrono::milliseconds(100), now - std::chrono::hours(9));
  retry.made_progress();
  auto last = retry.after(ErrorKind::unavailable, now);
  ASSERT_TRUE(last);
  for (int i = 0; i < 20; ++i) {
    const auto wait = retry.after(ErrorKind::unavailable, now);
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, *last);
    last = wait;
  }
  EXPECT_EQ(*last, std::chrono::seconds(30));
}

}  // namespace
}  // namespace tailrace
