// R12 over fakes: tables come and go while the stream runs; the others never wait, and whatever fails wherever, both sides are
// equal at the end.
#include "pipeline/joiner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/log.h"
#include "pipeline/join_attempt.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace {
namespace {

using testing::FakeWorld;

// Waits for something that another thread does; gives up loudly.
class Until {
 public:
  template <typename Predicate>
  static void holds(FakeWorld& world, Predicate predicate) {
    for (int i = 0; i < 5'000; ++i) {
      {
        const std::lock_guard lock(world.mutex);
        if (predicate()) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "it never came";
  }
};

class R12_Joiner : public ::testing::Test {
 protected:
  R12_Joiner() {
    log::configure(log::Level::off, log::Format::text);
    world.schemas = {testing::make_table("a"), testing::make_table("b")};
    settings.readers = 2;
    settings.chunk_rows = 10;
    settings.shortest_retry = std::chrono::milliseconds(1);
    settings.look_every = std::chrono::milliseconds(5);
    for (std::int64_t key = 0; key < 100; ++key)
      world.commit({{a, Operation::insert, key, key}, {b, Operation::insert, key, -key}});
  }
  ~R12_Joiner() override { stop(); }

  // A table goes out and comes in while whatever the test has set fails; then nothing fails any more.
  void run_amid_failures() {
    start();
    for (const Wanted wanted : {Wanted::resnapshot, Wanted::pause, Wanted::resume, Wanted::resnapshot}) {
      await_answer(world.request(a, wanted));
      if (wanted != Wanted::pause) await_streaming(a);
    }
    {
      const std::lock_guard lock(world.mutex);
      world.random_failures = 0;
    }
    await_all_applied();
    stop();
  }

  void catch_up() {
    drain = {};
    RunSettings once = settings;
    once.until_caught_up = true;
    EXPECT_EQ(run(once), RunEnd::caught_up);
  }
  RunEnd run(const RunSettings& with) {
    return run_pipeline(
        with, [this] { return testing::make_fake_source(world); },
        [this] { return testing::make_fake_sink(world); }, progress, drain.get_token(), abandon.get_token());
  }
  void start() {
    drain = {};
    const int before = world.passes["sink.committed"];
    runner = std::thread([this] {
      try {
        static_cast<void>(run(settings));
      } catch (const Error& error) {
        const std::lock_guard lock(world.mutex);
        ended_with = error.kind();
      }
    });
    // The stream has begun: what is asked from here on is asked of a running pipeline.
    Until::holds(world, [&] { return ended_with || world.passes["sink.committed"] > before; });
  }
  void stop() {
    drain.request_stop();
    if (runner.joinable()) runner.join();
  }

  // A re-snapshot of `a` whose work behind the join fails: the table has joined, and the pipeline goes on.
  template <typename Condition>
  void join_and_fail(std::vector<std::optional<ErrorKind>> failures, Condition until) {
    catch_up();
    start();
    {
      const std::lock_guard lock(world.mutex);
      world.failures["outside.finish_constraints"] = std::move(failures);
    }
    await_answer(world.request(a, Wanted::resnapshot));
    Until::holds(world, until);
    EXPECT_TRUE(streams(a));
    stop();
    EXPECT_FALSE(ended_with.has_value());
  }

  // These hold the world's lock already, or the run has ended.
  const TableProgress& progress_of(const TableName& table) { return world.stored.tables[table]; }
  bool streams(const TableName& table) {
    return progress_of(table).state == TableState::streaming && !progress_of(table).outside;
  }
  std::uint64_t position() { return testing::number_of(world.stored.position->lsn); }

  void await_answer(std::int64_t id) {
    Until::holds(world, [&] { return world.answers.contains(id); });
  }
  void await_streaming(const TableName& table) {
    Until::holds(world, [&] { return streams(table) && world.stored.requests.empty(); });
  }
  void await_all_applied() {
    Until::holds(world, [&] { return position() == world.next_lsn - 1; });
  }
  void expect_equal() {
    for (const SchemaPtr& schema : world.schemas)
      EXPECT_EQ(world.sink_rows[schema->name], world.source_rows[schema->name]) << schema->name.str();
  }

  FakeWorld world;
  RunSettings settings;
  Progress progress;
  std::stop_source drain;
  std::stop_source abandon;
  std::thread runner;
  std::optional<ErrorKind> ended_with;
  const TableName a{"dbo", "a"};
  const TableName b{"dbo", "b"};
  const TableName c{"dbo", "c"};
};

// While the load of `a` stands still in its first chunk, changes of `b` are applied and the position moves.
TEST_F(R12_Joiner, TheOthersGoOnWhileATableIsTakenAgain) {
  catch_up();
  bool others_went_on = false;
  bool first = true;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk") return;
    const std::lock_guard once(mutex);
    if (!std::exchange(first, false)) return;
    world.commit({{a, Operation::update, 5, 500}, {b, Operation::update, 5, 501}});
    Until::holds(world, [&] {
      return position() == world.next_lsn - 1 && world.sink_rows[b][5] == 501 && world.sink_rows[a][5] == 5;
    });
    others_went_on = true;
  };
  world.sink_rows[a][6] = 12345;  // Somebody changed the target.
  start();
  await_answer(world.request(a, Wanted::resnapshot));
  await_streaming(a);
  stop();
  EXPECT_TRUE(others_went_on);
  EXPECT_EQ(world.sink_rows[a][5], 500);
  expect_equal();
}

TEST_F(R12_Joiner, ATableIsPausedAndResumed) {
  catch_up();
  start();
  const std::int64_t pause = world.request(a, Wanted::pause);
  await_answer(pause);
  EXPECT_EQ(world.answers[pause], "");
  world.commit({{a, Operation::update, 1, 11}, {b, Operation::update, 1, 12}});
  world.commit({{a, Operation::delete_, 2, 0}});
  await_all_applied();
  {
    const std::lock_guard lock(world.mutex);
    EXPECT_EQ(world.sink_rows[b][1], 12);
    EXPECT_EQ(world.sink_rows[a][1], 1);
    EXPECT_EQ(progress_of(a).state, TableState::paused);
    EXPECT_LT(progress_of(a).low, world.stored.position->lsn);
  }
  await_answer(world.request(a, Wanted::resume));
  await_streaming(a);
  stop();
  expect_equal();
}

// The pause outlives the process, and so does the resume that was begun.
TEST_F(R12_Joiner, APauseOutlivesTheRun) {
  catch_up();
  world.request(a, Wanted::pause);
  catch_up();
  EXPECT_EQ(progress_of(a).state, TableState::paused);
  world.commit({{a, Operation::update, 1, 11}, {b, Operation::update, 1, 12}});
  catch_up();
  EXPECT_EQ(world.sink_rows[a][1], 1);
  EXPECT_EQ(world.sink_rows[b][1], 12);
  world.request(a, Wanted::resume);
  catch_up();
  EXPECT_TRUE(streams(a));
  expect_equal();
}

TEST_F(R12_Joiner, ANewTableComesInWhileTheStreamRuns) {
  catch_up();
  start();
  {
    const std::lock_guard lock(world.mutex);
    world.schemas.push_back(testing::make_table("c"));
  }
  for (std::int64_t key = 0; key < 40; ++key)
    world.commit({{c, Operation::insert, key, key}, {b, Operation::update, key, key}});
  const std::int64_t add = world.request(c, Wanted::add);
  await_answer(add);
  EXPECT_EQ(world.answers[add], "");
  world.commit({{c, Operation::delete_, 3, 0}});
  await_streaming(c);
  await_all_applied();
  stop();
  expect_equal();
}

TEST_F(R12_Joiner, WhatCannotBeIsRefusedWithItsReason) {
  catch_up();
  start();
  const auto refusal = [&](const TableName& table, Wanted wanted) {
    const std::int64_t id = world.request(table, wanted);
    await_answer(id);
    const std::lock_guard lock(world.mutex);
    return world.answers[id];
  };
  EXPECT_EQ(refusal(a, Wanted::add), "dbo.a is replicated already");
  EXPECT_EQ(refusal(a, Wanted::resume), "dbo.a is not paused, its state is streaming");
  EXPECT_EQ(refusal(c, Wanted::pause), "dbo.c is not replicated");
  EXPECT_NE(refusal(c, Wanted::add).find("not among the configured tables"), std::string::npos);
  EXPECT_EQ(refusal(a, Wanted::pause), "");
  EXPECT_EQ(refusal(a, Wanted::pause), "dbo.a is paused already");
  stop();
  EXPECT_FALSE(ended_with.has_value());
}

// Cleanup was faster than the operator: said by name, and the stream goes on.
TEST_F(R12_Joiner, AGapOfAPausedTableIsItsOwn) {
  catch_up();
  start();
  await_answer(world.request(a, Wanted::pause));
  world.commit({{a, Operation::update, 1, 11}});
  {
    const std::lock_guard lock(world.mutex);
    world.cleaned[a] = world.next_lsn - 1;
  }
  const std::int64_t resume = world.request(a, Wanted::resume);
  await_answer(resume);
  {
    const std::lock_guard lock(world.mutex);
    EXPECT_NE(world.answers[resume].find("dbo.a"), std::string::npos);
    EXPECT_FALSE(world.errors[a].empty());
    EXPECT_EQ(progress_of(a).state, TableState::paused);
  }
  world.commit({{b, Operation::update, 1, 12}});
  await_all_applied();
  await_answer(world.request(a, Wanted::resnapshot));
  await_streaming(a);
  stop();
  EXPECT_TRUE(world.errors[a].empty());
  EXPECT_FALSE(ended_with.has_value());
  expect_equal();
}

// A gap that keeps the stream from starting is ended by a pause as well: the others go on.
TEST_F(R12_Joiner, APauseLetsTheOthersGoOnBehindAGap) {
  catch_up();
  world.commit({{a, Operation::update, 1, 11}, {b, Operation::update, 1, 12}});
  world.cleaned[a] = world.next_lsn - 1;
  EXPECT_THROW(catch_up(), Error);
  world.request(a, Wanted::pause);
  catch_up();
  EXPECT_EQ(world.sink_rows[b][1], 12);
  EXPECT_EQ(progress_of(a).state, TableState::paused);
}

// The last window before the join is read twice, once by the table's own source and once by the stream: neither may be lost,
// nor come twice, wherever the two stand to each other.
TEST_F(R12_Joiner, NothingIsLostBetweenTheTwoPositions) {
  catch_up();
  std::int64_t next = 1000;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "outside.source.next" && point != "source.add_table" && point != "outside.committed") return;
    const std::lock_guard lock(mutex);
    if (next >= 1400) return;
    world.commit({{a, Operation::insert, next, 1}, {b, Operation::insert, next, 2}});
    if (next > 1000) world.commit({{a, Operation::delete_, next - 1, 0}});
    ++next;
  };
  start();
  for (const Wanted wanted : {Wanted::resnapshot, Wanted::pause, Wanted::resume, Wanted::resnapshot}) {
    await_answer(world.request(a, wanted));
    if (wanted == Wanted::pause) {
      Until::holds(world, [&] { return progress_of(a).state == TableState::paused; });
    } else {
      await_streaming(a);
    }
  }
  await_all_applied();
  stop();
  EXPECT_GT(next, 1001);
  EXPECT_FALSE(ended_with.has_value());
  expect_equal();
}

// Every point of the joiner meets failures while changes go on and requests come.
TEST_F(R12_Joiner, SurvivesRandomFailures) {
  catch_up();
  world.random_failures = 30;
  std::int64_t next = 1000;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk" && point != "outside.committed" && point != "sink.committed") return;
    const std::lock_guard lock(mutex);
    if (next >= 1500) return;
    world.commit({{a, Operation::insert, next, 1}, {b, Operation::insert, next, 2}});
    world.commit({{a, Operation::update, next, 3}});
    if (next % 3 == 0) world.commit({{a, Operation::delete_, next, 0}});
    ++next;
  };
  run_amid_failures();
  EXPECT_GT(progress.retries, 3u);
  expect_equal();
}

// A table gets other columns again and again, in the stream and outside it: both ends begin anew there, and nothing is lost.
TEST_F(R12_Joiner, ColumnsThatChangeBeginAnewWhereverTheTableIs) {
  catch_up();
  world.random_failures = 60;
  std::int64_t next = 1000;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk" && point != "outside.committed" && point != "sink.committed") return;
    const std::lock_guard lock(mutex);
    if (next >= 1300) return;
    if (next % 7 == 0) {
      const std::lock_guard world_lock(world.mutex);
      world.next_lsn += 3;  // Where nothing lies: the new instance begins behind the end in front of it.
      world.columns_change_at[next % 2 == 0 ? a : b].insert(world.next_lsn);
    }
    world.commit({{a, Operation::insert, next, 1}, {b, Operation::insert, next, 2}});
    ++next;
  };
  run_amid_failures();
  EXPECT_FALSE(ended_with.has_value());
  EXPECT_GT(world.ends_of_streams, 5u);
  expect_equal();
}

// In the middle of a transaction that comes in parts: its own open transaction holds the table's state, and whoever writes down what
// stands against the table would wait for it for ever.
TEST_F(R12_Joiner, AGapInTheMiddleOfATransactionIsWrittenDown) {
  catch_up();
  bool first = true;
  world.at = [&](const std::string& point) {
    const std::lock_guard lock(world.mutex);
    if (point == "outside.write" && std::exchange(first, false))
      world.failures["outside.source.next"] = {ErrorKind::gap};
  };
  start();
  await_answer(world.request(a, Wanted::pause));
  world.commit({{a, Operation::update, 1, 11}, {a, Operation::update, 2, 12}});
  await_all_applied();  // The stream is ahead: the table replays by itself.
  await_answer(world.request(a, Wanted::resume));
  Until::holds(world, [&] { return !world.errors[a].empty(); });
  EXPECT_EQ(world.passes["outside.write"], 1);
  world.commit({{b, Operation::update, 1, 12}});
  await_all_applied();
  stop();
  EXPECT_FALSE(ended_with.has_value());
  catch_up();
  expect_equal();
}

// A row that the target refuses while a table is replayed concerns this table; it stays where it was.
TEST_F(R12_Joiner, AnErrorOfOneTableHoldsThatTableAlone) {
  catch_up();
  world.failures["outside.write"] = {ErrorKind::data};
  start();
  await_answer(world.request(a, Wanted::resnapshot));
  Until::holds(world, [&] { return !world.errors[a].empty(); });
  world.commit({{b, Operation::update, 1, 12}});
  await_all_applied();
  stop();
  EXPECT_FALSE(ended_with.has_value());
  EXPECT_TRUE(progress_of(a).outside);
  catch_up();  // The next run tries again.
  expect_equal();
}

// Whoever waits for "caught up" would wait for ever.
TEST_F(R12_Joiner, AnErrorOfOneTableEndsARunThatIsToCatchUp) {
  catch_up();
  world.request(a, Wanted::resnapshot);
  world.failures["outside.write"] = {ErrorKind::data};
  EXPECT_THROW(catch_up(), Error);
}

TEST_F(R12_Joiner, ADeposedRunnerEndsAltogether) {
  catch_up();
  world.failures["outside.write"] = {ErrorKind::fenced};
  start();
  world.request(a, Wanted::resnapshot);
  Until::holds(world, [&] { return ended_with.has_value(); });
  EXPECT_EQ(ended_with, ErrorKind::fenced);
}

// The table has joined and then its foreign keys meet a lock: they must come back all the same.
TEST_F(R12_Joiner, WhatFailsBehindTheJoinIsDoneAgain) {
  join_and_fail({std::nullopt, ErrorKind::conflict},
                [&] { return world.passes["outside.finish_constraints"] >= 3; });
  EXPECT_EQ(world.errors[a], "");
  expect_equal();
}

TEST_F(R12_Joiner, WhatCannotBeDoneBehindTheJoinIsShown) {
  join_and_fail({std::nullopt, ErrorKind::data}, [&] { return !world.errors[a].empty(); });
}

// An error ends the attempt while a new request for the table comes: that one was not tried yet.
TEST_F(R12_Joiner, ARequestBehindTheFailureIsStillTried) {
  catch_up();
  std::atomic<std::int64_t> again = 0;
  bool failed = false;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    const std::lock_guard lock(mutex);
    if (point == "outside.write") failed = true;
    if (point != "outside.open" || !failed || again != 0) return;
    again = world.request(a, Wanted::resnapshot);  // The error is being recorded.
  };
  world.failures["outside.write"] = {ErrorKind::data};
  start();
  await_answer(world.request(a, Wanted::resnapshot));
  Until::holds(world, [&] { return again != 0 && world.answers.contains(again); });
  EXPECT_EQ(world.answers[again], "");
  await_streaming(a);
  stop();
  EXPECT_FALSE(ended_with.has_value());
  expect_equal();
}

// A table outside the stream that is not fit any more is no reason for the others to stand still.
TEST_F(R12_Joiner, AnUnfitTableThatIsAskedForIsRefusedAlone) {
  catch_up();
  world.request(a, Wanted::pause);
  catch_up();
  world.unfit.insert(a);
  const std::int64_t id = world.request(a, Wanted::resnapshot);
  start();
  await_answer(id);
  {
    const std::lock_guard lock(world.mutex);
    EXPECT_NE(world.answers[id].find("cannot be replicated"), std::string::npos) << world.answers[id];
    EXPECT_EQ(progress_of(a).state, TableState::paused) << "unfit is not taken out";
  }
  world.commit({{b, Operation::update, 1, 12}});
  await_all_applied();
  stop();
  EXPECT_FALSE(ended_with.has_value());
}

TEST_F(R12_Joiner, ATableTakenOutOfTheConfigurationIsForgottenOutsideTheStreamAsWell) {
  catch_up();
  world.request(a, Wanted::pause);
  catch_up();
  world.schemas.erase(world.schemas.begin());
  const std::int64_t id = world.request(a, Wanted::resume);
  world.commit({{b, Operation::update, 1, 12}});
  catch_up();
  EXPECT_FALSE(world.stored.tables.contains(a));
  EXPECT_EQ(world.answers[id], "dbo.a is not replicated");
  EXPECT_EQ(world.sink_rows[b][1], 12);
}

// Also in the middle of its load, and where the run is to end once everything has caught up.
TEST_F(R12_Joiner, ATableTakenOutWhileItIsLoadedIsForgotten) {
  catch_up();
  world.request(a, Wanted::resnapshot);
  world.failures["chunk.write"] = {ErrorKind::data};
  EXPECT_THROW(catch_up(), Error);
  ASSERT_EQ(progress_of(a).state, TableState::loading);
  world.schemas.erase(world.schemas.begin());
  catch_up();
  EXPECT_FALSE(world.stored.tables.contains(a));
  EXPECT_FALSE(world.shadow_rows.contains(a));
}

// A state of an older version has tables outside the stream whose foreign keys were never set aside.
TEST_F(R12_Joiner, KeysOfTablesOutsideAreSetAsideAtEveryStart) {
  catch_up();
  world.request(a, Wanted::pause);
  catch_up();
  world.keys_aside.clear();
  catch_up();
  EXPECT_TRUE(world.keys_aside.contains(a));
}

// Endless retries are told from a slow load by what this table has made durable: not by what the stream has.
TEST_F(R12_Joiner, AnAttemptHasMovedWhereAChunkOfItsTableIsDurable) {
  catch_up();
  world.schemas.push_back(testing::make_table("c"));
  for (std::int64_t key = 0; key < 40; ++key)
    world.commit({{c, Operation::insert, key, key}});
  const SourceFactory make_source = [this] { return testing::make_fake_source(world); };
  const std::unique_ptr<Sink> sink = testing::make_fake_sink(world);
  settings.readers = 1;
  const JoinerTask task{settings, make_source, *sink, progress};
  JoinAttempt first(task, c, nullptr, {});
  world.failures["chunk.begin"] = {std::nullopt, ErrorKind::unavailable};
  EXPECT_THROW(static_cast<void>(first.run()), Error);
  EXPECT_TRUE(first.has_moved());

  JoinAttempt second(task, c, nullptr, {});
  world.failures["chunk.begin"] = {ErrorKind::unavailable};
  world.at = [&](const std::string& point) {
    if (point == "chunk.begin") ++progress.durable_steps;  // The stream's.
  };
  EXPECT_THROW(static_cast<void>(second.run()), Error);
  EXPECT_FALSE(second.has_moved());
}

// A drain comes while the joiner is anywhere: it ends, and the next run goes on from there.
TEST_F(R12_Joiner, DrainEndsItAnywhere) {
  catch_up();
  for (const char* const point :
       {"outside.open", "outside.source.open", "source.plan_chunk", "chunk.begin", "chunk.write",
        "sink.finish_load", "outside.source.next", "outside.write", "outside.committed",
        "sink.set_keys_aside", "source.remove_table", "source.add_table", "outside.finish_constraints"}) {
    SCOPED_TRACE(point);
    world.at = [&](const std::string& passed) {
      if (passed == point) drain.request_stop();
    };
    start();
    world.request(a, Wanted::resnapshot);
    Until::holds(world, [&] { return drain.stop_requested(); });
    stop();
    EXPECT_FALSE(ended_with.has_value());
    world.at = {};
    catch_up();
    expect_equal();
  }
}

// A request that comes while the table is on its way: what is under way ends first, and nothing of it is mixed in.
TEST_F(R12_Joiner, ANewRequestBeginsTheLoadAnew) {
  catch_up();
  std::atomic<std::int64_t> again = 0;
  std::mutex mutex;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk") return;
    const std::lock_guard lock(mutex);
    if (again != 0) return;
    again = world.request(a, Wanted::resnapshot);
  };
  start();
  await_answer(world.request(a, Wanted::resnapshot));
  Until::holds(world, [&] { return again != 0 && world.answers.contains(again); });
  await_streaming(a);
  stop();
  expect_equal();
}

// A first load has nobody to wait for; the tables of a running pipeline do.
TEST_F(R12_Joiner, SnapshotOnlyLoadsATableThatIsNew) {
  catch_up();
  world.schemas.push_back(testing::make_table("c"));
  world.commit({{c, Operation::insert, 1, 1}});
  RunSettings only = settings;
  only.snapshot_only = true;
  EXPECT_EQ(run(only), RunEnd::loaded);
  EXPECT_EQ(progress_of(c).state, TableState::catching_up);
  EXPECT_TRUE(progress_of(c).outside);
  catch_up();
  expect_equal();
}

// A row that is deleted while its table is outside is in no later read: a reader of a log would keep it for ever.
TEST_F(R12_Joiner, ALogMissesNoChangeOfATableThatIsTakenAgain) {
  world.is_log = true;
  catch_up();
  Lsn left;
  Lsn low;
  world.at = [&](const std::string& point) {
    if (point != "source.plan_chunk") return;
    const std::lock_guard lock(world.mutex);
    low = world.stored.tables.at(a).low;
  };
  // It is paused first, so that the delete lies between.
  start();
  await_answer(world.request(a, Wanted::pause));
  {
    const std::lock_guard lock(world.mutex);
    left = world.stored.tables.at(a).low;
  }
  world.commit({{a, Operation::delete_, 5, 0}});
  await_answer(world.request(a, Wanted::resnapshot));
  await_streaming(a);
  stop();
  EXPECT_EQ(low, left);
  expect_equal();
}

}  // namespace
}  // namespace tailrace
