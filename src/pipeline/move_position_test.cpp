// A position set by hand, and pipelines that start without a snapshot, on fakes of both sides.
#include "pipeline/move_position.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/runner.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace {
namespace {

using namespace tailrace::testing;
using ::testing::HasSubstr;

class MovePosition : public ::testing::Test {
 protected:
  MovePosition() {
    world.schemas = {make_table("orders"), make_table("lines")};
    world.commit({{orders, Operation::insert, 1, 10}});
  }

  RunEnd run(const RunSettings& settings) {
    Progress progress;
    return run_pipeline(
        settings, [this] { return make_fake_source(world); }, [this] { return make_fake_sink(world); },
        progress, {}, {});
  }
  void catch_up() {
    RunSettings settings;
    settings.until_caught_up = true;
    EXPECT_EQ(run(settings), RunEnd::caught_up);
  }
  MoveResult move(std::uint64_t to, bool skip = false) {
    const auto source = make_fake_source(world);
    const auto sink = make_fake_sink(world);
    return move_position(*source, *sink, {{lsn_of(to), std::nullopt}, skip, "a test", "somebody"}, {})
        .value();
  }
  std::string refused(std::uint64_t to) {
    try {
      move(to);
    } catch (const Error& error) {
      EXPECT_TRUE(world.moves.empty());
      EXPECT_TRUE(world.closed_cleanly);
      return std::string(name_of(error.kind())) + ": " + error.what();
    }
    ADD_FAILURE() << "not refused";
    return "";
  }

  FakeWorld world;
  const TableName orders{"dbo", "orders"};
  const TableName lines{"dbo", "lines"};
};

// What is replayed was applied before: while it is, nothing is missing that is not there, and at its end the target is the source.
TEST_F(MovePosition, BackReplaysUntilNow) {
  catch_up();
  const std::uint64_t before = number_of(world.stored.position->lsn);
  world.commit({{orders, Operation::insert, 2, 20}});
  world.commit({{orders, Operation::delete_, 1, 0}, {lines, Operation::insert, 7, 70}});
  catch_up();
  const MoveResult moved = move(before);
  EXPECT_EQ(moved.kind, MoveKind::back);
  EXPECT_EQ(moved.replayed.size(), 2u);
  EXPECT_EQ(world.stored.tables.at(orders).state, TableState::catching_up);
  EXPECT_EQ(world.moves.at(0).by, "somebody");
  catch_up();
  EXPECT_EQ(world.sink_rows[orders], world.source_rows[orders]);
  EXPECT_EQ(world.sink_rows[lines], world.source_rows[lines]);
  EXPECT_EQ(world.stored.tables.at(orders).state, TableState::streaming);
}

TEST_F(MovePosition, ForwardIsSaidAndCounted) {
  catch_up();
  world.commit({{orders, Operation::insert, 2, 20}, {orders, Operation::insert, 3, 30}});
  const std::uint64_t skipped = world.next_lsn - 1;
  world.commit({{orders, Operation::insert, 4, 40}});
  const std::string refusal = refused(skipped);
  EXPECT_THAT(refusal, HasSubstr("config: "));
  EXPECT_THAT(refusal, HasSubstr("dbo.orders: 2"));
  const MoveResult moved = move(skipped, /*skip=*/true);
  EXPECT_EQ(moved.kind, MoveKind::forward);
  EXPECT_EQ(moved.skipped, (std::map<TableName, std::optional<std::uint64_t>>{{orders, 2}}));
  catch_up();
  EXPECT_EQ(world.sink_rows[orders], (FakeRows{{1, 10}, {4, 40}}));
}

TEST_F(MovePosition, ToWhereItIsDoesNothing) {
  catch_up();
  EXPECT_EQ(move(number_of(world.stored.position->lsn)).kind, MoveKind::none);
  EXPECT_TRUE(world.moves.empty());
}

TEST_F(MovePosition, IsRefusedWhereTheSourceHasNothing) {
  EXPECT_THAT(refused(1), HasSubstr("config: the pipeline has no position yet"));
  catch_up();
  EXPECT_THAT(refused(world.next_lsn), HasSubstr("config: "));
  world.cleaned[lines] = number_of(world.stored.position->lsn);
  EXPECT_THAT(refused(number_of(world.stored.position->lsn) - 1),
              HasSubstr("gap: cleanup has overtaken dbo.lines"));
}

// A gap at the stored position is what a move may be the way out of.
TEST_F(MovePosition, ForwardLeadsOutOfAGap) {
  catch_up();
  world.commit({{orders, Operation::insert, 2, 20}});
  world.cleaned[orders] = world.next_lsn - 1;
  EXPECT_EQ(move(world.next_lsn - 1, /*skip=*/true).kind, MoveKind::forward);
  world.commit({{orders, Operation::insert, 3, 30}});
  catch_up();
  EXPECT_EQ(world.sink_rows[orders], (FakeRows{{1, 10}, {3, 30}}));
}

// Half a load holds what the source had at its chunks' moments: no position but its own fits it.
TEST_F(MovePosition, IsRefusedWhileATableLoads) {
  world.failures["sink.finish_load"] = {ErrorKind::config};
  RunSettings settings;
  EXPECT_THROW(run(settings), Error);
  EXPECT_THAT(refused(1), HasSubstr("is being loaded"));
}

// What the target holds was brought there by somebody else; the changes behind the point follow, and no others.
TEST_F(MovePosition, AFirstStartMayReadNoSnapshot) {
  const std::uint64_t point = world.next_lsn - 1;
  world.sink_rows[orders] = {{1, 10}};
  world.commit({{orders, Operation::insert, 2, 20}});
  RunSettings settings;
  settings.until_caught_up = true;
  settings.snapshot_mode = SnapshotMode::no_data;
  settings.start.lsn = lsn_of(point);
  EXPECT_EQ(run(settings), RunEnd::caught_up);
  EXPECT_EQ(world.rows_read, 0u);
  EXPECT_EQ(world.sink_rows[orders], (FakeRows{{1, 10}, {2, 20}}));
}

// Killed between the beginning and the mark, it must not load after all, whatever the configuration says by then.
TEST_F(MovePosition, AStartWithoutASnapshotStaysOneWhenKilled) {
  world.sink_rows[orders] = {{1, 10}};
  world.failures["sink.finish_load"] = {ErrorKind::config};
  RunSettings settings;
  settings.snapshot_mode = SnapshotMode::no_data;
  EXPECT_THROW(run(settings), Error);
  catch_up();
  EXPECT_EQ(world.rows_read, 0u);
  EXPECT_EQ(world.sink_rows[orders], (FakeRows{{1, 10}}));
}

// A command wants the table loaded that was about to be: what the target holds of it is half a load, and no state of the source.
TEST_F(MovePosition, ALoadThatIsAskedForAnewIsALoad) {
  world.failures["sink.finish_load"] = {ErrorKind::config};
  RunSettings settings;
  EXPECT_THROW(run(settings), Error);
  world.request(orders, Wanted::resnapshot);
  world.sink_rows[orders].clear();
  settings.snapshot_mode = SnapshotMode::no_data;
  settings.until_caught_up = true;
  EXPECT_EQ(run(settings), RunEnd::caught_up);
  EXPECT_EQ(world.sink_rows[orders], world.source_rows[orders]);
}

// Only the first start is without one: what comes later has nothing in the target.
TEST_F(MovePosition, TablesThatComeLaterAreLoaded) {
  RunSettings settings;
  settings.until_caught_up = true;
  settings.snapshot_mode = SnapshotMode::no_data;
  EXPECT_EQ(run(settings), RunEnd::caught_up);
  world.schemas.push_back(make_table("later"));
  const TableName later{"dbo", "later"};
  world.commit({{later, Operation::insert, 5, 50}});
  EXPECT_EQ(run(settings), RunEnd::caught_up);
  EXPECT_EQ(world.sink_rows[later], (FakeRows{{5, 50}}));
  EXPECT_GT(world.rows_read, 0u);
}

}  // namespace
}  // namespace tailrace
