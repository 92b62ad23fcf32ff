// R6: one runner owns the target, and after a lost answer the stored position tells what happened.
#include <thread>

#include "tests/integration/postgres/sink_fixture.h"
#include "tests/support/answer_cutter.h"

namespace tailrace::postgres {
namespace {

class R06_Fence : public SinkTest {
 protected:
  SchemaPtr orders_ = table("orders", {column("id", int_type), column("name", text_type)});

  RowBatch one(Operation operation, int id, const char* name) const {
    RowBatch batch(orders_);
    add(batch, operation, {id, name});
    return batch;
  }
  std::string fence() { return reader_.value("SELECT fence FROM tailrace.pipeline"); }
};

// A second runner beside a live one must end without having touched anything.
TEST_F(R06_Fence, ALiveRunnerIsLeftAlone) {
  auto first = streaming({one(Operation::read, 1, "one")});
  const std::string before = fence();
  PostgresSink second(settings("runner-b"));
  EXPECT_EQ(kind_of([&] { second.open(false, {}); }), ErrorKind::fenced);
  EXPECT_EQ(fence(), before);
  EXPECT_TRUE(first->write(ending_at(lsn(3), {one(Operation::insert, 2, "two")}), {}));
}

// A long statement of the first runner is no reason to take it for dead.
TEST_F(R06_Fence, ABusyRunnerIsAlive) {
  auto first = streaming({one(Operation::read, 1, "one")});
  ASSERT_TRUE(first->write(part({one(Operation::update, 1, "uno")}), {}));
  std::this_thread::sleep_for(std::chrono::milliseconds(900));  // Longer than heartbeat_stale.
  PostgresSink second(settings("runner-b"));
  EXPECT_EQ(kind_of([&] { second.open(false, {}); }), ErrorKind::fenced);
  EXPECT_TRUE(first->write(ending_at(lsn(3), {}), {}));
}

// A crashed runner's lock goes with its connections: the next one need not wait for the heartbeat to age.
TEST_F(R06_Fence, ACrashedRunnerIsFollowedAtOnce) {
  streaming({one(Operation::read, 1, "one")}).reset();
  Settings patient = settings("runner-b");
  patient.heartbeat_stale = std::chrono::hours(1);  // Whoever waited for it would not come back to this test.
  auto second = opened(patient, {orders_});
  EXPECT_EQ(state_.position->lsn, lsn(2));
}

TEST_F(R06_Fence, TakeOverDeposesALiveRunner) {
  auto first = streaming({one(Operation::read, 1, "one")});
  auto second = opened(settings("runner-b"), {orders_}, /*take_over=*/true);
  EXPECT_TRUE(second->write(ending_at(lsn(3), {one(Operation::insert, 2, "two")}), {}));
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(first->write(ending_at(lsn(3), {one(Operation::insert, 2, "two")}), {}));
            }),
            ErrorKind::fenced);
  EXPECT_EQ(reader_.table("SELECT * FROM orders ORDER BY id"), "1|one\n2|two");
}

// R6c: the deposed runner does not read answers before it sends more; the server itself must refuse.
TEST_F(R06_Fence, AStaleRunnerThatPipelinesCommitsNothing) {
  auto first = streaming({one(Operation::read, 1, "one")});
  const std::string stale = fence();
  auto second = opened(settings("runner-b"), {orders_}, /*take_over=*/true);
  PlainClient blind(PostgresCluster::shared().url(database_));
  // One message with everything in it, as a pipelining client sends it.
  blind.start("BEGIN; SELECT tailrace.assert_owner('shop', " + stale + ", '\\x" + lsn(2).hex() +
              "'); INSERT INTO orders VALUES (9, 'ghost');"
              "UPDATE tailrace.pipeline SET lsn = '\\x" +
              lsn(9).hex() + "'; COMMIT");
  EXPECT_EQ(blind.wait(), "TR001");
  EXPECT_EQ(reader_.table("SELECT id FROM orders"), "1");
  EXPECT_EQ(position(), lsn(2).hex());
}

// The position is part of the check: what was applied on top of another position is not ours to go on from.
TEST_F(R06_Fence, APositionMovedBySomebodyElseIsFenced) {
  auto sink = streaming({one(Operation::read, 1, "one")});
  reader_.run("UPDATE tailrace.pipeline SET lsn = '\\x" + lsn(5).hex() + "'");
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(6), {}), {})); }), ErrorKind::fenced);
}

TEST_F(R06_Fence, APositionNeverMovesBack) {
  auto sink = streaming({one(Operation::read, 1, "one")});
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(1), {}), {})); }), ErrorKind::internal);
  EXPECT_EQ(position(), lsn(2).hex());
}

// A role whose default is REPEATABLE READ would get 40001 instead of the newer fence.
TEST_F(R06_Fence, WorksUnderARoleThatDefaultsToRepeatableRead) {
  reader_.run("ALTER ROLE postgres IN DATABASE " + database_ +
              " SET default_transaction_isolation = 'repeatable read'");
  auto first = streaming({one(Operation::read, 1, "one")});
  first.reset();
  auto second = opened(settings("runner-b"), {orders_});
  EXPECT_TRUE(second->write(ending_at(lsn(3), {one(Operation::insert, 2, "two")}), {}));
}

// R6d: a chunk writer of a deposed runner must not commit its chunk.
TEST_F(R06_Fence, AStaleChunkWriterCommitsNothing) {
  auto first = opened(settings(), {orders_});
  begin(*first, {orders_});
  const auto writer = first->chunk_writer();
  ASSERT_EQ(writer->begin(orders_, whole(orders_), {}), ChunkBegin::begun);
  EXPECT_TRUE(writer->write(one(Operation::read, 1, "one"), {}));
  auto second = opened(settings("runner-b"), {orders_}, /*take_over=*/true);
  EXPECT_EQ(kind_of([&] { static_cast<void>(writer->finish({})); }), ErrorKind::fenced);
  load_chunk(*second, one(Operation::read, 1, "one"));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "1");
}

// R6b: a chunk that is committing holds the fence row shared; a takeover waits for it and then sees it done.
TEST_F(R06_Fence, ATakeoverWaitsForAChunkThatIsCommitting) {
  auto first = opened(settings(), {orders_});
  begin(*first, {orders_});
  PlainClient committing(PostgresCluster::shared().url(database_));
  committing.run("BEGIN; SELECT tailrace.assert_fence('shop', " + fence() +
                 ");"
                 "UPDATE tailrace.snapshot_chunk SET done = true, rows = 0");
  std::thread second([&] {
    PostgresSink sink(settings("runner-b"));
    state_ = sink.open(/*take_over=*/true, {});
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  committing.run("COMMIT");
  second.join();
  EXPECT_TRUE(state_.tables.at(orders_->name).chunks[0].done);
}

// A backend whose client is gone for good does not block a takeover for ever.
TEST_F(R06_Fence, ABlockerOfTheSamePipelineIsEndedAfterTheGrace) {
  auto first = streaming({one(Operation::read, 1, "one")});
  ASSERT_TRUE(first->write(part({one(Operation::update, 1, "uno")}), {}));  // Holds the row, goes no further.
  auto second = opened(settings("runner-b"), {orders_}, /*take_over=*/true);
  EXPECT_EQ(reader_.table("SELECT name FROM orders"), "one");
  EXPECT_TRUE(second->write(ending_at(lsn(3), {one(Operation::update, 1, "eins")}), {}));
  EXPECT_NE(kind_of([&] { static_cast<void>(first->write(ending_at(lsn(3), {}), {})); }), ErrorKind::data);
  EXPECT_EQ(reader_.table("SELECT name FROM orders"), "eins");
}

// After a reconnect of the runner itself its chunk writers' old backends may still be at work; a chunk that one
// of them has committed is not loaded twice.
TEST_F(R06_Fence, AReconnectingWriterWaitsForItsOldBackend) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  PlainClient old(PostgresCluster::shared().url(database_));
  old.run(
      "BEGIN; SELECT FROM tailrace.snapshot_chunk FOR UPDATE; UPDATE tailrace.snapshot_chunk SET done = "
      "true");
  bool must_load = true;
  std::thread again([&] {
    const auto writer = sink->chunk_writer();
    must_load = writer->begin(orders_, whole(orders_), {}) == ChunkBegin::begun;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  old.run("COMMIT");
  again.join();
  EXPECT_FALSE(must_load);
}

class R06_LostAnswer : public R06_Fence {
 protected:
  // Writes one row through the proxy, loses the COMMIT as told, and opens again: what does the position say?
  void lose(AnswerCutter::When when, bool committed) {
    streaming({one(Operation::read, 1, "one")})->close();
    AnswerCutter proxy(PostgresCluster::shared().port());
    auto sink = opened(settings("runner-a", proxy.port()), {orders_});
    proxy.arm(when);
    ChangeBatch batch = ending_at(lsn(3), {one(Operation::insert, 2, "two")});
    EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(batch, {})); }), ErrorKind::unavailable);
    EXPECT_EQ(proxy.cuts(), 1);
    // The same runner again, in the way of the supervisor.
    sink = opened(settings(), {orders_});
    const Lsn expected = committed ? lsn(3) : lsn(2);
    ASSERT_EQ(state_.position->lsn, expected);
    if (!committed) {
      EXPECT_TRUE(sink->write(batch, {}));
    }
    EXPECT_EQ(reader_.table("SELECT * FROM orders ORDER BY id"), "1|one\n2|two");
    EXPECT_EQ(position(), lsn(3).hex());
  }
};

TEST_F(R06_LostAnswer, AfterTheServerCommitted) {
  lose(AnswerCutter::When::after_answer, true);
}
TEST_F(R06_LostAnswer, BeforeTheServerHeardOfIt) {
  lose(AnswerCutter::When::before_request, false);
}

// The old backend is still in its COMMIT (a slow deferred trigger) when the runner is back: the answer must be
// waited for, not guessed.
TEST_F(R06_LostAnswer, WhileTheServerIsStillCommitting) {
  streaming({one(Operation::read, 1, "one")})->close();
  reader_.run(
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.4); RETURN NULL; "
      "END';"
      "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON tailrace.pipeline DEFERRABLE INITIALLY DEFERRED"
      "  FOR EACH ROW WHEN (NEW.lsn IS DISTINCT FROM OLD.lsn) EXECUTE FUNCTION slow()");
  AnswerCutter proxy(PostgresCluster::shared().port());
  auto sink = opened(settings("runner-a", proxy.port()), {orders_});
  proxy.arm(AnswerCutter::When::after_request);
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(ending_at(lsn(3), {one(Operation::insert, 2, "two")}), {}));
            }),
            ErrorKind::unavailable);
  sink = opened(settings(), {orders_});
  EXPECT_EQ(state_.position->lsn, lsn(3));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "2");
}

TEST_F(R06_Fence, HeartbeatTellsRequestsAndTheFence) {
  auto sink = streaming({one(Operation::read, 1, "one")});
  EXPECT_TRUE(sink->heartbeat().empty());
  reader_.run(
      "INSERT INTO tailrace.table_request (pipeline, source_schema, source_table, wanted)"
      " SELECT pipeline, source_schema, source_table, 'resnapshot' FROM tailrace.table_state");
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  const std::vector<TableRequest> wanted = sink->heartbeat();
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].table, orders_->name);
  EXPECT_EQ(wanted[0].wanted, Wanted::resnapshot);
  reader_.run("UPDATE tailrace.pipeline SET fence = fence + 1");
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_EQ(kind_of([&] { sink->heartbeat(); }), ErrorKind::fenced);
}

}  // namespace
}  // namespace tailrace::postgres
