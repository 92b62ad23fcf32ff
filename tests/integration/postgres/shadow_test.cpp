// R12: a table taken again joins in one step; a reader never sees it empty, and what depends on it stays.
#include <atomic>
#include <thread>

#include "postgres/inspect.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class R12_Resnapshot : public SinkTest {
 protected:
  SchemaPtr items_ = table("items", {column("id", int_type), column("name", text_type),
                                     column("weight", {TypeKind::float_, 8, 53, 0})});

  RowBatch rows(int from, int to, const char* name) const {
    RowBatch batch(items_);
    for (int id = from; id < to; ++id)
      add(batch, Operation::read, {id, name, 0.0});
    return batch;
  }

  // Loads the shadow with these rows, up to its mark.
  void load_shadow(Sink& sink, const RowBatch& rows) {
    sink.begin_load("fork-1", {start(items_, /*shadow=*/true)}, {lsn(1), "", 0});
    sink.add_chunks({whole(items_)});
    load_chunk(sink, rows);
    EXPECT_TRUE(sink.finish_load({items_}, {"mark-2"}, {}));
  }
};

TEST_F(R12_Resnapshot, AppliesOnlyTheDifferences) {
  auto sink = streaming({rows(0, 100, "old")});
  reader_.run(
      "CREATE VIEW seen AS SELECT count(*) AS n FROM items; CREATE TABLE log (what text);"
      "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN INSERT INTO public.log VALUES (TG_OP); RETURN NULL; END';"
      "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION note()");
  RowBatch again = rows(10, 100, "old");
  add(again, Operation::read, {100, "new", 1.0});
  load_shadow(*sink, again);
  EXPECT_EQ(reader_.value("SELECT n FROM seen"), "100");

  RowBatch replay(items_);
  add(replay, Operation::update, {50, "changed", -0.0});
  add(replay, Operation::update, {51, "old", -0.0});  // Equal to 0, and yet other bits.
  EXPECT_TRUE(sink->write(part({replay}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'changed'"), "0");
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}, {items_->name}), {}));

  EXPECT_EQ(reader_.value("SELECT n FROM seen"), "91");
  EXPECT_EQ(reader_.table("SELECT what, count(*) FROM log GROUP BY what ORDER BY what"),
            "DELETE|10\nINSERT|1\nUPDATE|2");
  EXPECT_EQ(reader_.table("SELECT name, weight::text FROM items WHERE id IN (50, 51) ORDER BY id"),
            "changed|-0\nold|-0");
  EXPECT_EQ(reader_.table("SELECT state, shadow_table FROM tailrace.table_state"), "streaming|NULL");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'shadow%' AND relkind = 'r'"),
            "0");

  // And it streams on, into the table itself.
  RowBatch more(items_);
  add(more, Operation::delete_, {100, Null{}, Null{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {more}), {}));
  EXPECT_EQ(reader_.value("SELECT n FROM seen"), "90");
}

TEST_F(R12_Resnapshot, ACrashInItsMiddleGoesOn) {
  auto sink = streaming({rows(0, 10, "old")});
  sink->begin_load("fork-1", {start(items_, true)}, {lsn(1), "", 0});
  sink->add_chunks({whole(items_)});
  sink->close();
  sink = opened(settings("runner-b"), {items_});
  EXPECT_TRUE(state_.tables.at(items_->name).shadow);
  EXPECT_EQ(state_.tables.at(items_->name).state, TableState::loading);
  load_chunk(*sink, rows(0, 5, "new"));
  EXPECT_TRUE(sink->finish_load({items_}, {"mark-2"}, {}));
  sink->close();
  sink = opened(settings("runner-c"), {items_});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}, {items_->name}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'new'"), "5");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items"), "5");
}

// Somebody reads all the time, also with a snapshot from before the join.
TEST_F(R12_Resnapshot, AReaderNeverSeesItEmptyOrMixed) {
  auto sink = streaming({rows(0, 2000, "old")});
  load_shadow(*sink, rows(0, 2000, "new"));
  std::atomic<bool> done{false};
  std::atomic<int> looks{0};
  std::vector<std::string> wrong;
  std::thread reader([&] {
    PlainClient client(PostgresCluster::shared().url(database_));
    PlainClient old(PostgresCluster::shared().url(database_));
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT");
    old.value("SELECT 1");
    while (!done) {
      for (PlainClient* const each : {&client, &old}) {
        const std::string seen = each->table("SELECT name, count(*) FROM items GROUP BY name");
        if (seen != "old|2000" && seen != "new|2000") wrong.push_back(seen);
      }
      ++looks;
    }
    if (old.table("SELECT name, count(*) FROM items GROUP BY name") != "old|2000")
      wrong.push_back("old snapshot");
  });
  while (looks < 3)
    std::this_thread::yield();
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}, {items_->name}), {}));
  const int before = looks;
  while (looks < before + 3)
    std::this_thread::yield();
  done = true;
  reader.join();
  EXPECT_THAT(wrong, ::testing::IsEmpty());
  EXPECT_EQ(reader_.table("SELECT name, count(*) FROM items GROUP BY name"), "new|2000");
}

TEST_F(R12_Resnapshot, IsRequestedByACommand) {
  auto sink = streaming({rows(0, 1, "old")});
  request_resnapshot(settings(), {items_->name}, {});
  EXPECT_EQ(sink->heartbeat().size(), 1u);
  EXPECT_EQ(kind_of([&] { request_resnapshot(settings(), {{"dbo", "unknown"}}, {}); }), ErrorKind::config);
  load_shadow(*sink, rows(0, 1, "old"));
  EXPECT_EQ(reader_.value("SELECT desired FROM tailrace.table_state"), "");
}

// R8, invariant 2: whoever reads sees whole commit points, across tables.
TEST_F(R12_Resnapshot, ReadersSeeWholeTransactions) {
  const SchemaPtr accounts = table("accounts", {column("id", int_type), column("balance", int_type)});
  RowBatch loaded(accounts);
  for (int id = 0; id < 50; ++id)
    add(loaded, Operation::read, {id, 100});
  auto sink = streaming({loaded, rows(0, 1, "x")});
  std::atomic<bool> done{false};
  int wrong = 0;
  int looks = 0;
  std::thread reader([&] {
    PlainClient client(PostgresCluster::shared().url(database_));
    for (; !done; ++looks) {
      if (client.value("SELECT sum(balance) FROM accounts") != "5000") ++wrong;
    }
  });
  for (int step = 0; step < 100; ++step) {
    // Money leaves in one part and arrives in another.
    RowBatch from(accounts);
    add(from, Operation::update, {step % 50, -step});
    RowBatch to(accounts);
    add(to, Operation::update, {step % 50, 100});
    ASSERT_TRUE(sink->write(part({from}), {}));
    ASSERT_TRUE(sink->write(ending_at(lsn(static_cast<std::uint8_t>(step + 3)), {to}), {}));
  }
  done = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(looks, 0);
}

}  // namespace
}  // namespace tailrace::postgres
