// snapshot.mode over fakes: what is read at which start, and what a start needs.
#include <gtest/gtest.h>

#include "base/log.h"
#include "pipeline/runner.h"
#include "pipeline/snapshot_mode.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace {
namespace {

using testing::FakeWorld;

class SnapshotModes : public ::testing::Test {
 protected:
  SnapshotModes() {
    log::configure(log::Level::off, log::Format::text);
    world.schemas = {testing::make_table("a"), testing::make_table("b")};
    settings.readers = 2;
    settings.chunk_rows = 10;
    settings.until_caught_up = true;
    settings.shortest_retry = std::chrono::milliseconds(1);
    for (std::int64_t key = 0; key < 50; ++key)
      world.commit({{a, Operation::insert, key, key}, {b, Operation::insert, key, -key}});
  }

  RunEnd run(SnapshotMode mode) {
    settings.snapshot_mode = mode;
    return run_pipeline(
        settings, [this] { return testing::make_fake_source(world); },
        [this] { return testing::make_fake_sink(world); }, progress, {}, {});
  }
  ErrorKind refusal(SnapshotMode mode) {
    try {
      run(mode);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  }
  void expect_equal() {
    for (const TableName& table : {a, b})
      EXPECT_EQ(world.sink_rows[table], world.source_rows[table]) << table.str();
  }

  FakeWorld world;
  RunSettings settings;
  Progress progress;
  const TableName a{"dbo", "a"};
  const TableName b{"dbo", "b"};
};

// A name that means nothing, or another mode than it says, loads what nobody wants, or loses what somebody does.
TEST(SnapshotModeNames, OldAndNewOnesMeanTheSame) {
  for (const std::string& name : snapshot_mode_names())
    EXPECT_NO_THROW(snapshot_mode_of(name)) << name;
  for (const char* name : {"none", "schema_only", "no_data"})
    EXPECT_EQ(snapshot_mode_of(name), SnapshotMode::no_data) << name;
  EXPECT_EQ(snapshot_mode_of("schema_only_recovery"), SnapshotMode::recovery);
  EXPECT_EQ(name_of(SnapshotMode::no_data), "no_data");
  EXPECT_THROW(snapshot_mode_of("schema"), Error);
}

// The stream of a run that was to load alone would never end.
TEST_F(SnapshotModes, InitialOnlyEndsBehindTheLoad) {
  settings.until_caught_up = false;
  EXPECT_EQ(run(SnapshotMode::initial_only), RunEnd::loaded);
  EXPECT_EQ(world.rows_read, 100u);
  // What is loaded is not loaded again, and a later run of another mode goes on from there.
  EXPECT_EQ(run(SnapshotMode::initial_only), RunEnd::loaded);
  EXPECT_EQ(world.rows_read, 100u);
  world.commit({{a, Operation::delete_, 7, 0}});
  settings.until_caught_up = true;
  EXPECT_EQ(run(SnapshotMode::initial), RunEnd::caught_up);
  expect_equal();
}

TEST_F(SnapshotModes, NoDataReadsNothing) {
  EXPECT_EQ(run(SnapshotMode::no_data), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, 0u);
}

// A pipeline that was to go on would begin behind everything that it has missed, and nobody would know.
TEST_F(SnapshotModes, WhatIsNotStoredIsNotGoneOnFrom) {
  for (const SnapshotMode mode : {SnapshotMode::never, SnapshotMode::recovery}) {
    EXPECT_EQ(refusal(mode), ErrorKind::config) << name_of(mode);
    EXPECT_TRUE(world.stored.first_run);
  }
  EXPECT_EQ(run(SnapshotMode::initial), RunEnd::caught_up);
  world.commit({{a, Operation::update, 3, 33}});
  for (const SnapshotMode mode : {SnapshotMode::never, SnapshotMode::recovery})
    EXPECT_EQ(run(mode), RunEnd::caught_up) << name_of(mode);
  EXPECT_EQ(world.rows_read, 100u);
  expect_equal();
}

// Each start reads everything again, but not each attempt of it: a server that goes away would else keep it from ending.
TEST_F(SnapshotModes, AlwaysReadsAtEachStartOnce) {
  EXPECT_EQ(run(SnapshotMode::always), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, 100u);
  world.commit({{a, Operation::delete_, 7, 0}, {b, Operation::insert, 500, 1}});
  world.failures["source.next"] = {std::nullopt, ErrorKind::unavailable};
  EXPECT_EQ(run(SnapshotMode::always), RunEnd::caught_up);
  EXPECT_GE(progress.retries, 1u);
  EXPECT_EQ(world.rows_read, 200u);
  expect_equal();
}

// A delete behind the stored position is in no snapshot: a reader of a log would keep the row for ever. The fake's sink drops a
// table's rows where its load begins, so that what shows here is the stream's beginning.
TEST_F(SnapshotModes, AlwaysPassesOverNoChange) {
  EXPECT_EQ(run(SnapshotMode::always), RunEnd::caught_up);
  const Lsn before = world.stored.position->lsn;
  world.commit({{a, Operation::delete_, 7, 0}});
  Lsn began;
  world.at = [&](const std::string& point) {
    if (point != "source.read_chunk") return;
    const std::lock_guard lock(world.mutex);
    began = world.stored.tables.at(a).low;
    EXPECT_EQ(world.stored.position->lsn, before);
  };
  EXPECT_EQ(run(SnapshotMode::always), RunEnd::caught_up);
  EXPECT_EQ(began, before);
}

TEST_F(SnapshotModes, AGapIsMendedWhereItMayBe) {
  EXPECT_EQ(run(SnapshotMode::initial), RunEnd::caught_up);
  world.commit({{a, Operation::delete_, 7, 0}, {b, Operation::update, 8, 88}});
  world.commit({{a, Operation::insert, 100, 1}});
  world.cleaned[a] = world.next_lsn - 1;
  EXPECT_EQ(refusal(SnapshotMode::initial), ErrorKind::gap);
  EXPECT_EQ(run(SnapshotMode::when_needed), RunEnd::caught_up);
  EXPECT_EQ(world.passes["sink.begin_again"], 1);
  expect_equal();
  // Nothing is needed any more.
  const std::uint64_t read = world.rows_read;
  EXPECT_EQ(run(SnapshotMode::when_needed), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, read);
}

// The source may find out in the middle of the stream.
TEST_F(SnapshotModes, AGapInTheStreamIsMended) {
  EXPECT_EQ(run(SnapshotMode::when_needed), RunEnd::caught_up);
  world.commit({{a, Operation::insert, 100, 1}});
  world.failures["source.next"] = {ErrorKind::gap};
  EXPECT_EQ(run(SnapshotMode::when_needed), RunEnd::caught_up);
  EXPECT_EQ(world.passes["sink.begin_again"], 1);
  expect_equal();
}

// One that is still there behind the new snapshot's beginning is none that a snapshot mends.
TEST_F(SnapshotModes, AGapBeforeTheNewSnapshotBeginsStops) {
  EXPECT_EQ(run(SnapshotMode::initial), RunEnd::caught_up);
  world.failures["source.open"] = {ErrorKind::gap, ErrorKind::gap};
  EXPECT_EQ(refusal(SnapshotMode::when_needed), ErrorKind::gap);
  EXPECT_EQ(world.passes["sink.begin_again"], 0);
}

// A kill between the decision and the new load, and one in the load: what is durable decides, nothing is half.
TEST_F(SnapshotModes, ANewSnapshotSurvivesFailures) {
  EXPECT_EQ(run(SnapshotMode::initial), RunEnd::caught_up);
  world.commit({{a, Operation::delete_, 7, 0}});
  world.cleaned[a] = world.next_lsn - 1;
  world.failures["sink.begin_again"] = {ErrorKind::unavailable};
  world.failures["chunk.finish"] = {std::nullopt, ErrorKind::unavailable};
  EXPECT_EQ(run(SnapshotMode::when_needed), RunEnd::caught_up);
  EXPECT_EQ(world.passes["sink.begin_again"], 2);
  expect_equal();
}

}  // namespace
}  // namespace tailrace
