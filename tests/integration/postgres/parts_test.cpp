// R8: the server works on one part of a commit point while the next one is made ready, and nothing is lost in between.
#include <future>

#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class R08_PartsUnderWay : public SinkTest {
 protected:
  SchemaPtr docs_ = table("docs", {column("id", int_type), column("name", text_type, /*nullable=*/false),
                                   column("note", lob_type)});

  RowBatch loaded() const {
    RowBatch batch(docs_);
    for (int id = 1; id <= 3; ++id)
      add(batch, Operation::read, {id, "old", "note"});
    return batch;
  }
  RowBatch changed(Operation operation, std::initializer_list<Value> values) const {
    RowBatch batch(docs_);
    add(batch, operation, values);
    return batch;
  }
  std::string rows() { return reader_.table("SELECT * FROM docs ORDER BY id"); }
  // With COPY for two new rows or more.
  std::unique_ptr<PostgresSink> streaming_copies() {
    streaming({loaded()})->close();
    Settings made = settings();
    made.copy_rows = 2;
    return opened(made, {docs_});
  }
};

// What the caller holds must not matter: the rows are the sink's until their answers are read.
TEST_F(R08_PartsUnderWay, RowsOutliveTheCallersBatch) {
  auto sink = streaming({loaded()});
  {
    ChangeBatch first = part({changed(Operation::update, {1, "one", Absent{}})});
    EXPECT_TRUE(sink->write(first, {}));
    EXPECT_TRUE(first.tables.empty());
  }
  EXPECT_TRUE(sink->write(part({changed(Operation::delete_, {2, Null{}, Null{}})}), {}));
  EXPECT_EQ(rows(), "1|old|note\n2|old|note\n3|old|note");
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changed(Operation::update, {3, "three", Null{}})}), {}));
  EXPECT_EQ(rows(), "1|one|note\n3|three|NULL");
  EXPECT_EQ(position(), lsn(3).hex());
}

// Parts without rows lie between those with: their answers are read all the same.
TEST_F(R08_PartsUnderWay, AnEmptyEndCommitsWhatWentBefore) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(part({changed(Operation::update, {1, "one", Absent{}})}), {}));
  EXPECT_TRUE(sink->write(part({}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}), {}));
  EXPECT_EQ(rows(), "1|one|note\n2|old|note\n3|old|note");
  EXPECT_EQ(position(), lsn(3).hex());
}

// A key that a part brings by COPY is changed and deleted by statements of the next parts, and comes again.
TEST_F(R08_PartsUnderWay, CopiesAndStatementsKeepTheirOrder) {
  auto sink = streaming_copies();
  const auto both = [&](Operation operation, const char* name) {
    RowBatch batch(docs_);
    for (const int id : {10, 11})
      add(batch, operation, {id, name, Null{}});
    return batch;
  };
  EXPECT_TRUE(sink->write(part({both(Operation::insert, "new")}), {}));
  EXPECT_TRUE(sink->write(part({both(Operation::update, "changed")}), {}));
  EXPECT_TRUE(sink->write(part({both(Operation::delete_, "")}), {}));
  RowBatch last = both(Operation::insert, "again");
  add(last, Operation::update, {1, "one", Absent{}});
  add(last, Operation::delete_, {2, Null{}, Null{}});
  EXPECT_TRUE(sink->write(part({last}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changed(Operation::update, {11, "last", Null{}})}), {}));
  EXPECT_EQ(rows(), "1|one|note\n3|old|note\n10|again|NULL\n11|last|NULL");
}

// A missing row is found although its part's answers are read one call later, and it is still named (R7c).
TEST_F(R08_PartsUnderWay, AMissingRowIsNamedByTheNextCall) {
  for (const Operation operation : {Operation::delete_, Operation::update}) {
    reader_.run("DROP SCHEMA IF EXISTS tailrace CASCADE; DROP TABLE IF EXISTS docs");
    auto sink = streaming({loaded()});
    EXPECT_TRUE(sink->write(part({changed(operation, {77, "gone", Absent{}})}), {}));
    std::string message;
    const ChangeBatch next = ending_at(lsn(3), {changed(Operation::update, {1, "one", Absent{}})});
    EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ChangeBatch(next), {})); }, &message),
              ErrorKind::data);
    EXPECT_THAT(message, ::testing::HasSubstr("have diverged"));
    EXPECT_THAT(message, ::testing::HasSubstr("id=77"));
    sink->close();
    EXPECT_EQ(rows(), "1|old|note\n2|old|note\n3|old|note");
    EXPECT_EQ(position(), lsn(2).hex());
  }
}

// What the server refuses in one part ends the commit point in the next call, and nothing of either is there.
TEST_F(R08_PartsUnderWay, ARefusedRowIsThrownByTheNextCall) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(part({changed(Operation::insert, {1, "is there", Null{}})}), {}));
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(part({changed(Operation::update, {2, "two", Absent{}})}), {}));
            }),
            ErrorKind::data);
  sink->close();
  EXPECT_EQ(rows(), "1|old|note\n2|old|note\n3|old|note");
}

// The batch comes again after a failure: the sink's own memory of the part before must not mix with it.
TEST_F(R08_PartsUnderWay, AfterAFailureTheNextCommitPointBeginsAnew) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(part({changed(Operation::update, {77, "gone", Absent{}})}), {}));
  EXPECT_THROW(static_cast<void>(sink->write(ending_at(lsn(3), {}), {})), Error);
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changed(Operation::update, {1, "one", Absent{}})}), {}));
  EXPECT_EQ(rows(), "1|one|note\n2|old|note\n3|old|note");
  EXPECT_EQ(position(), lsn(3).hex());
}

// Statements of a part may wait for somebody's lock when the pipeline ends: that must not wait with them.
TEST_F(R08_PartsUnderWay, APartThatWaitsForALockIsAbandoned) {
  auto sink = streaming({loaded()});
  PlainClient locker(PostgresCluster::shared().url(database_));
  locker.run("BEGIN; SELECT FROM docs WHERE id = 1 FOR UPDATE");
  EXPECT_TRUE(sink->write(part({changed(Operation::update, {1, "one", Absent{}})}), {}));
  await_lock_wait();
  auto closed = std::async(std::launch::async, [&] { sink->close(); });
  EXPECT_EQ(closed.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  locker.run("ROLLBACK");
  closed.get();
  EXPECT_EQ(rows(), "1|old|note\n2|old|note\n3|old|note");
}

// What the caller's side finds wrong with the next part is thrown at once: what was sent of the one before may wait for a lock for
// hours, and no stop would end that.
TEST_F(R08_PartsUnderWay, AFailureDoesNotWaitForWhatWasSent) {
  auto sink = streaming({loaded()});
  PlainClient locker(PostgresCluster::shared().url(database_));
  locker.run("BEGIN; SELECT FROM docs WHERE id = 1 FOR UPDATE");
  EXPECT_TRUE(sink->write(part({changed(Operation::update, {1, "one", Absent{}})}), {}));
  await_lock_wait();
  auto failed = std::async(std::launch::async, [&] {
    return kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(1), {}), {})); });
  });
  EXPECT_EQ(failed.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  locker.run("ROLLBACK");
  EXPECT_EQ(failed.get(), ErrorKind::internal);
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changed(Operation::update, {2, "two", Absent{}})}), {}));
  EXPECT_EQ(rows(), "1|old|note\n2|two|note\n3|old|note");
}

// Statements that stood behind a failure were never prepared at the server.
TEST_F(R08_PartsUnderWay, AfterAFailureStatementsArePreparedAnew) {
  const SchemaPtr extras = table("extras", {column("id", int_type), column("name", text_type)});
  auto sink = streaming({loaded(), RowBatch(extras)});
  RowBatch extra(extras);
  add(extra, Operation::insert, {1, "one"});
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(
                  ending_at(lsn(3), {changed(Operation::insert, {1, "is there", Null{}}), extra}), {}));
            }),
            ErrorKind::data);
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {extra}), {}));
  EXPECT_EQ(reader_.table("SELECT * FROM extras"), "1|one");
}

// The server goes away while it works on a part: that is no row's fault, and nothing of it is there.
TEST_F(R08_PartsUnderWay, AConnectionLostBetweenTwoPartsMovesNothing) {
  auto sink = streaming({loaded()});
  PlainClient locker(PostgresCluster::shared().url(database_));
  locker.run("BEGIN; SELECT FROM docs WHERE id = 1 FOR UPDATE");
  EXPECT_TRUE(sink->write(part({changed(Operation::update, {1, "one", Absent{}})}), {}));
  await_lock_wait();
  EXPECT_EQ(reader_.value("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                          " WHERE datname = current_database() AND wait_event_type = 'Lock'"),
            "t");
  locker.run("ROLLBACK");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(
                  sink->write(ending_at(lsn(3), {changed(Operation::update, {2, "two", Absent{}})}), {}));
            }),
            ErrorKind::unavailable);
  EXPECT_EQ(rows(), "1|old|note\n2|old|note\n3|old|note");
  EXPECT_EQ(position(), lsn(2).hex());
}

// Nobody reads between two parts: many answers would fill the socket, and a server that cannot send for half a minute gives the
// connection up.
TEST_F(R08_PartsUnderWay, ManyAnswersAreReadAtOnce) {
  const auto many = [&](Operation operation) {
    RowBatch batch(docs_);
    for (int id = 10; id < 5000; ++id)
      add(batch, operation, {id, "not there", Absent{}});
    return part({batch});
  };
  auto sink = catching_up({loaded()});
  EXPECT_TRUE(sink->write(many(Operation::update), {}));
  ASSERT_EQ(sink->parked_keys().size(), 1u);
  EXPECT_EQ(sink->parked_keys().front().keys.size(), 4990u);
  EXPECT_TRUE(sink->write(many(Operation::delete_), {}));
  EXPECT_TRUE(sink->parked_keys().empty());
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {docs_->name}), {}));
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(many(Operation::delete_), {})); }), ErrorKind::data);
}

}  // namespace
}  // namespace tailrace::postgres
