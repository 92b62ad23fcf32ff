// Opening, loading and streaming: the ordinary way, and what is refused before anything is written.
#include <array>
#include <thread>

#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class Load : public SinkTest {
 protected:
  SchemaPtr orders_ = table("orders", {column("id", int_type), column("name", text_type)});

  RowBatch rows(std::initializer_list<std::pair<int, const char*>> values) const {
    RowBatch batch(orders_);
    for (const auto& [id, name] : values)
      add(batch, Operation::read, {id, name});
    return batch;
  }
};

TEST_F(Load, FirstRunKnowsNothing) {
  PostgresSink sink(settings());
  const ResumeState state = sink.open(false, {});
  EXPECT_TRUE(state.first_run);
  EXPECT_FALSE(state.succeeded_before);
  EXPECT_FALSE(state.position.has_value());
}

TEST_F(Load, RowsProgressAndStateSurvive) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  load_chunk(*sink, rows({{1, "one"}, {2, "two"}}));
  sink->close();

  sink = opened(settings("runner-b"), {orders_});
  ASSERT_EQ(state_.tables.size(), 1u);
  const TableProgress& progress = state_.tables.begin()->second;
  EXPECT_EQ(progress.state, TableState::loading);
  EXPECT_EQ(progress.instance.name, "dbo_orders");
  ASSERT_EQ(progress.chunks.size(), 1u);
  EXPECT_TRUE(progress.chunks[0].done);
  EXPECT_EQ(progress.chunks[0].rows, 2u);
  EXPECT_EQ(state_.source_identity, "fork-1");
  EXPECT_FALSE(state_.first_run);

  EXPECT_TRUE(finish_load(*sink, {orders_}, {"mark-1"}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {orders_->name}), {}));
  EXPECT_EQ(reader_.table("SELECT * FROM public.orders ORDER BY id"), "1|one\n2|two");
  EXPECT_EQ(reader_.value("SELECT state FROM tailrace.table_state"), "streaming");
  EXPECT_EQ(position(), lsn(2).hex());
}

TEST_F(Load, StreamsInsertsUpdatesAndDeletes) {
  auto sink = streaming({rows({{1, "one"}, {2, "two"}})});
  RowBatch changes(orders_);
  add(changes, Operation::insert, {3, "three"});
  add(changes, Operation::update, {1, "uno"});
  add(changes, Operation::delete_, {2, Null{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changes}), {}));
  EXPECT_EQ(reader_.table("SELECT * FROM public.orders ORDER BY id"), "1|uno\n3|three");
  EXPECT_EQ(position(), lsn(3).hex());
}

// Chunk bounds come back as they went, whatever is in them.
TEST_F(Load, ChunkBoundsAreKeptByteForByte) {
  auto sink = opened(settings(), {orders_});
  sink->begin_load("fork-1", {start(orders_)}, {lsn(1), "", 0});
  const std::vector<std::string> odd{"",         "NULL",    "a,b", "\"quoted\"", "back\\slash",
                                     "{braces}", " blank ", "ü\n"};
  sink->add_chunks({{orders_->name, 0, {}, odd, 5}, {orders_->name, 1, odd, {}, 5}});
  sink->close();
  sink = opened(settings(), {orders_});
  const TableProgress& progress = state_.tables.at(orders_->name);
  ASSERT_EQ(progress.chunks.size(), 2u);
  EXPECT_EQ(progress.chunks[0].chunk.upto, odd);
  EXPECT_EQ(progress.chunks[1].chunk.after, odd);
  EXPECT_TRUE(progress.chunks[1].chunk.upto.empty());
}

// A chunk given up halfway leaves nothing and can be written again by the same writer.
TEST_F(Load, AnAbandonedChunkLeavesNothing) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  const auto writer = sink->chunk_writer();
  ASSERT_EQ(writer->begin(orders_, whole(orders_), {}), ChunkBegin::begun);
  EXPECT_TRUE(writer->write(rows({{1, "one"}}), {}));
  ASSERT_EQ(writer->begin(orders_, whole(orders_), {}), ChunkBegin::begun);
  EXPECT_TRUE(writer->write(rows({{2, "two"}}), {}));
  EXPECT_EQ(writer->finish({}), 1u);
  EXPECT_EQ(reader_.table("SELECT id FROM public.orders"), "2");
  EXPECT_EQ(writer->begin(orders_, whole(orders_), {}), ChunkBegin::done_before);
}

// A drain, or the error of another worker, would else wait for as long as somebody holds the lock.
TEST_F(Load, AStopEndsAWriterThatWaitsForALock) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  const auto writer = sink->chunk_writer();
  for (const char* const lock : {"LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE",
                                 "SELECT FROM tailrace.snapshot_chunk FOR UPDATE"}) {
    SCOPED_TRACE(lock);
    stopped_while_held(lock, [&](const std::stop_token& stop) {
      EXPECT_EQ(writer->begin(orders_, whole(orders_), stop), ChunkBegin::stopped);
    });
  }
  ASSERT_EQ(writer->begin(orders_, whole(orders_), {}), ChunkBegin::begun);
  EXPECT_TRUE(writer->write(rows({{1, "one"}}), {}));
  stopped_while_held("SELECT FROM tailrace.pipeline FOR UPDATE",
                     [&](const std::stop_token& stop) { EXPECT_EQ(writer->finish(stop), std::nullopt); });
  load_chunk(*sink, rows({{2, "two"}}));
  EXPECT_EQ(reader_.table("SELECT id FROM public.orders"), "2");
}

// A crash between the tables of finish_load: what is done stays done, and the rest is done by the next run.
TEST_F(Load, FinishLoadMayBeRepeated) {
  const SchemaPtr other = table("items", {column("id", int_type)});
  auto sink = opened(settings(), {orders_, other});
  begin(*sink, {orders_, other});
  load_chunk(*sink, rows({{1, "one"}}));
  load_chunk(*sink, RowBatch(other));
  EXPECT_TRUE(finish_load(*sink, {orders_}, {"mark-1"}));
  sink->close();
  sink = opened(settings(), {orders_, other});
  EXPECT_TRUE(finish_load(*sink, {orders_, other}, {"mark-2"}, {}));
  EXPECT_EQ(reader_.table("SELECT source_table, state, high_mark FROM tailrace.table_state ORDER BY 1"),
            "items|catching_up|mark-2\norders|catching_up|mark-2");
  EXPECT_EQ(
      reader_.value(
          "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace"),
      "2");
}

// The same row in two chunks is a fault of the load and must not be hidden by the key's build.
TEST_F(Load, ADuplicateKeyIsNamed) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  load_chunk(*sink, rows({{1, "one"}, {5, "a"}, {5, "b"}}));
  std::string text;
  EXPECT_EQ(kind_of([&] { static_cast<void>(finish_load(*sink, {orders_}, {"m"}, {})); }, &text),
            ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("dbo.orders"));
  EXPECT_THAT(text, ::testing::HasSubstr("(id)=(5)"));
}

TEST_F(Load, RefusesATableThatHoldsRows) {
  reader_.run(
      "CREATE TABLE public.orders (id int PRIMARY KEY, name varchar(50)); INSERT INTO orders VALUES (1, "
      "'x')");
  PostgresSink sink(settings());
  sink.open(false, {});
  std::string text;
  EXPECT_EQ(kind_of([&] { sink.use_tables({orders_}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, ::testing::HasSubstr("public.orders"));
  EXPECT_EQ(reader_.table("SELECT * FROM orders"), "1|x");
}

// Its changes pass by while it is left out, and the runner says so. Were its state kept, taking it in again would go on
// behind them, silently.
TEST_F(Load, ATableLeftOutIsForgottenNotTakenForStreaming) {
  streaming({rows({{1, "one"}})})->close();
  const auto without = opened(settings(), {table("other", {column("id", int_type)})});
  without->forget({orders_->name});
  without->close();

  PostgresSink again(settings());
  EXPECT_TRUE(again.open(false, {}).tables.empty());
  EXPECT_EQ(kind_of([&] { again.use_tables({orders_}); }), ErrorKind::config);
  EXPECT_EQ(reader_.table("SELECT id, name FROM orders"), "1|one");
}

// A source that turns out to be unfit must leave the target as it was.
TEST_F(Load, NothingIsWrittenBeforeTheFirstLoad) {
  opened(settings(), {orders_})->close();
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'tailrace'"), "0");
}

TEST_F(Load, UsesAnEmptyTableOfTheRightShape) {
  reader_.run("CREATE TABLE public.orders (name varchar(50), id int PRIMARY KEY)");
  auto sink = streaming({rows({{1, "one"}})});
  EXPECT_EQ(reader_.table("SELECT id, name FROM orders"), "1|one");
}

// GENERATED ALWAYS: a row taken again must get into it as a new one does.
TEST_F(Load, AnIdentityOfTheTargetTakesTheSourcesValues) {
  reader_.run(
      "CREATE TABLE public.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(50))");
  auto sink = streaming({rows({{1, "one"}})});
  RowBatch more = rows({});
  add(more, Operation::insert, {2, "two"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {more}), {}));
  take_out(*sink, orders_);
  const auto own = own_sink(*sink, orders_);
  own->begin_load({}, {start(orders_, /*shadow=*/true)}, {});
  own->add_chunks({whole(orders_)});
  load_chunk(*own, rows({{1, "one"}, {3, "three"}}));
  EXPECT_TRUE(finish_load(*own, {orders_}, {"mark-2"}, {}));
  EXPECT_TRUE(own->write(ending_at(lsn(4), {}, {orders_->name}), {}));
  EXPECT_TRUE(sink->write(joining(lsn(4), orders_), {}));
  EXPECT_EQ(reader_.table("SELECT id, name FROM orders ORDER BY id"), "1|one\n3|three");
}

TEST_F(Load, RefusesAnIdentityThatCouldNotBeUpdated) {
  reader_.run("CREATE TABLE public.rated (id int PRIMARY KEY, place int GENERATED ALWAYS AS IDENTITY)");
  PostgresSink sink(settings());
  sink.open(false, {});
  const SchemaPtr rated = table("rated", {column("id", int_type), column("place", int_type)});
  std::string text;
  EXPECT_EQ(kind_of([&] { sink.use_tables({rated}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, ::testing::HasSubstr("column place: is GENERATED ALWAYS AS IDENTITY"));
}

// After a gap in a first load, or before its catch-up's end, this is the one way on.
TEST_F(Load, ATableThatDoesNotStreamYetBeginsAnew) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  load_chunk(*sink, rows({{1, "one"}, {2, "two"}}));
  sink->close();
  sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "0");
  load_chunk(*sink, rows({{1, "uno"}, {2, "two"}}));
  EXPECT_TRUE(finish_load(*sink, {orders_}, {"mark-1"}));
  sink->close();

  for (const char* const name :
       {"due", "zwei"}) {  // Then while it catches up; the second one replaces a shadow.
    sink = opened(settings(), {orders_});
    if (!state_.tables.at(orders_->name).outside) take_out(*sink, orders_);
    const auto own = own_sink(*sink, orders_);
    own->begin_load({}, {start(orders_, /*shadow=*/true)}, {});
    own->add_chunks({whole(orders_)});
    load_chunk(*own, rows({{2, name}}));
    EXPECT_TRUE(finish_load(*own, {orders_}, {"mark-2"}, {}));
    EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "2");
  }
  EXPECT_TRUE(own_sink(*sink, orders_)->write(ending_at(lsn(3), {}, {orders_->name}), {}));
  EXPECT_TRUE(sink->write(joining(lsn(3), orders_), {}));
  EXPECT_EQ(reader_.table("SELECT id, name FROM orders"), "2|zwei");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'shadow%' AND relkind = 'r'"),
            "0");
}

// No grace is not "wait for ever", which is what 0 means to PostgreSQL.
TEST_F(Load, ATakeOverWithoutGraceEndsAnOldBackendAtOnce) {
  streaming({rows({{1, "one"}})})->close();
  PlainClient old(PostgresCluster::shared().url(database_));
  old.run("SET application_name = 'tailrace/shop'");
  old.run("BEGIN; SELECT FROM tailrace.pipeline FOR UPDATE");
  Settings hasty = settings("runner-b");
  hasty.takeover_grace = std::chrono::milliseconds(0);
  opened(hasty, {orders_}, /*take_over=*/true)->close();
}

TEST_F(Load, RefusesAnotherShapeColumnByColumn) {
  reader_.run(
      "CREATE TABLE public.orders (id timestamp, name varchar(10), extra int, PRIMARY KEY (id, extra))");
  PostgresSink sink(settings());
  sink.open(false, {});
  std::string text;
  EXPECT_EQ(kind_of([&] { sink.use_tables({orders_}); }, &text), ErrorKind::config);
  for (const char* const part :
       {"column id: is timestamp", "expected integer", "column name: is character varying(10)",
        "column extra", "primary key: is (id, extra), expected (id)"})
    EXPECT_THAT(text, ::testing::HasSubstr(part));
}

TEST_F(Load, RefusesNamesThatWouldBeCut) {
  const SchemaPtr wide = table(std::string(64, 'x'), {column("id", int_type)});
  PostgresSink sink(settings());
  sink.open(false, {});
  std::string text;
  EXPECT_EQ(kind_of([&] { sink.use_tables({wide}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, ::testing::HasSubstr(std::string(64, 'x')));
}

// A trigger, a rule or a policy would alter, drop or hide rows, and nobody would hear of it.
TEST_F(Load, R10_WhatMeddlesIsRefusedByName) {
  const std::string fresh = "CREATE TABLE orders (id int PRIMARY KEY, name varchar(50));";
  const std::vector<std::array<const char*, 3>> cases{
      {"meddling_trigger",
       "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
       "CREATE TRIGGER meddling_trigger BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()",
       "ALTER TABLE orders DISABLE TRIGGER meddling_trigger"},
      {"meddling_rule", "CREATE RULE meddling_rule AS ON DELETE TO orders DO INSTEAD NOTHING",
       "DROP RULE meddling_rule ON orders"},
      {"unlogged", "ALTER TABLE orders SET UNLOGGED", "ALTER TABLE orders SET LOGGED"},
      {"row security", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
       "ALTER TABLE orders DISABLE ROW LEVEL SECURITY"},
      {"meddling_key",
       "CREATE TABLE child (id int CONSTRAINT meddling_key REFERENCES orders ON DELETE CASCADE)",
       "DROP TABLE child"}};
  for (const auto& [name, make, mend] : cases) {
    SCOPED_TRACE(name);
    reader_.run(fresh + make);
    std::string text;
    EXPECT_EQ(kind_of([&] { opened(settings(), {orders_}); }, &text), ErrorKind::config);
    EXPECT_THAT(text, ::testing::HasSubstr("public.orders"));
    EXPECT_THAT(text, ::testing::HasSubstr(name));
    reader_.run(mend);
    streaming({rows({{1, "one"}})})->close();
    EXPECT_EQ(reader_.table("SELECT id, name FROM orders"), "1|one");
    reader_.run("DROP SCHEMA tailrace CASCADE; DROP TABLE orders; DROP FUNCTION IF EXISTS f()");
  }
}

// Whoever adds one later learns of it at the next start, before it acts on more rows.
TEST_F(Load, R10_WhatMeddlesIsSeenAtEveryStart) {
  streaming({rows({{1, "one"}})})->close();
  reader_.run("CREATE RULE meddling_rule AS ON DELETE TO orders DO INSTEAD NOTHING");
  std::string text;
  EXPECT_EQ(kind_of([&] { opened(settings(), {orders_}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, ::testing::HasSubstr("meddling_rule"));
}

// R10b: int8 bytes in a timestamp column would be taken as garbage.
TEST_F(Load, R10_AColumnAlteredUnderTheRunIsSeenBeforeTheCopy) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  reader_.run("ALTER TABLE public.orders ALTER COLUMN id TYPE bigint");
  const auto writer = sink->chunk_writer();
  EXPECT_EQ(kind_of([&] { static_cast<void>(writer->begin(orders_, whole(orders_), {})); }),
            ErrorKind::config);
}

// The same, when the ALTER commits after the look and before the COPY: int4 and date have the same width.
TEST_F(Load, R10_AColumnIsComparedUnderALock) {
  auto sink = opened(settings(), {orders_});
  begin(*sink, {orders_});
  const auto writer = sink->chunk_writer();
  PlainClient other(PostgresCluster::shared().url(database_));
  other.run("BEGIN; ALTER TABLE public.orders ALTER COLUMN id TYPE date USING '2000-01-01'::date + id");
  std::thread alter([&] {
    await_lock_wait();
    other.run("COMMIT");
  });
  EXPECT_EQ(kind_of([&] { static_cast<void>(writer->begin(orders_, whole(orders_), {})); }),
            ErrorKind::config);
  alter.join();
}

// A generated column of the target computes itself; named in a COPY or INSERT it would be refused.
TEST_F(Load, R10_GeneratedColumnsAreLeftOut) {
  reader_.run(
      "CREATE TABLE public.orders (id int PRIMARY KEY, name varchar(50), twice int GENERATED ALWAYS AS (id * "
      "2) "
      "STORED)");
  auto sink = streaming({rows({{1, "one"}})});
  RowBatch changes(orders_);
  add(changes, Operation::insert, {2, "two"});
  add(changes, Operation::update, {1, "uno"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changes}), {}));
  EXPECT_EQ(reader_.table("SELECT id, name, twice FROM orders ORDER BY id"), "1|uno|2\n2|two|4");
}

TEST_F(Load, R14_AKeyThatLosesDigitsIsRefused) {
  const SchemaPtr events = table("events", {column("at", {TypeKind::datetime2, 8, 27, 7})});
  PostgresSink sink(settings());
  sink.open(false, {});
  EXPECT_EQ(kind_of([&] { sink.use_tables({events}); }), ErrorKind::config);
}

TEST_F(Load, ConnectionFailuresHaveTheirKinds) {
  Settings wrong = settings();
  wrong.url = "postgresql://postgres@127.0.0.1:1/none";
  EXPECT_EQ(kind_of([&] { PostgresSink(wrong).open(false, {}); }), ErrorKind::unavailable);
  wrong.url = PostgresCluster::shared().url("no_such_database");
  std::string text;
  EXPECT_EQ(kind_of([&] { PostgresSink(wrong).open(false, {}); }, &text), ErrorKind::config) << text;
  wrong.url = PostgresCluster::shared().url(database_);
  wrong.user = "nobody_like_that";
  EXPECT_EQ(kind_of([&] { PostgresSink(wrong).open(false, {}); }), ErrorKind::auth);
  wrong.user.clear();
  wrong.url = "not a url";
  EXPECT_EQ(kind_of([&] { PostgresSink(wrong).open(false, {}); }, &text), ErrorKind::config) << text;
}

}  // namespace
}  // namespace tailrace::postgres
