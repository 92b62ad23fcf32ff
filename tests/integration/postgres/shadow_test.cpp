// R12: a table taken again joins in one step; a reader never sees it empty, and what depends on it stays. Tables outside the
// stream have a position of their own, and no foreign key between them and the others.
#include <atomic>
#include <memory>
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
};

TEST_F(R12_Resnapshot, AppliesOnlyTheDifferences) {
  auto sink = streaming({rows(0, 100, "old")});
  RowBatch again = rows(10, 100, "old");
  add(again, Operation::read, {100, "new", 1.0});
  const auto own = load_shadow(*sink, again);
  reader_.run(
      "CREATE VIEW seen AS SELECT count(*) AS n FROM items; CREATE TABLE log (what text);"
      "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN INSERT INTO public.log VALUES (TG_OP); RETURN NULL; END';"
      "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION note()");
  EXPECT_EQ(reader_.value("SELECT n FROM seen"), "100");

  RowBatch replay(items_);
  add(replay, Operation::update, {50, "changed", -0.0});
  add(replay, Operation::update, {51, "old", -0.0});  // Equal to 0, and yet other bits.
  EXPECT_TRUE(own->write(part({replay}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'changed'"), "0");
  EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {items_->name}), {}));
  EXPECT_EQ(reader_.table("SELECT state, shadow_table FROM tailrace.table_state"), "joining|NULL");

  EXPECT_EQ(reader_.value("SELECT n FROM seen"), "91");
  EXPECT_EQ(reader_.table("SELECT what, count(*) FROM log GROUP BY what ORDER BY what"),
            "DELETE|10\nINSERT|1\nUPDATE|2");
  EXPECT_EQ(reader_.table("SELECT name, weight::text FROM items WHERE id IN (50, 51) ORDER BY id"),
            "changed|-0\nold|-0");
  EXPECT_TRUE(sink->write(joining(lsn(3), items_), {}));
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
  take_out(*sink, items_);
  auto own = own_sink(*sink, items_);
  own->begin_load({}, {start(items_, true)}, {});
  own->add_chunks({whole(items_)});
  own.reset();
  sink->close();
  sink = opened(settings("runner-b"), {items_});
  EXPECT_TRUE(state_.tables.at(items_->name).shadow);
  EXPECT_TRUE(state_.tables.at(items_->name).outside);
  EXPECT_EQ(state_.tables.at(items_->name).state, TableState::loading);
  own = own_sink(*sink, items_);
  load_chunk(*own, rows(0, 5, "new"));
  EXPECT_TRUE(finish_load(*own, {items_}, {"mark-2"}, {}));
  EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {items_->name}), {}));
  own.reset();
  sink->close();
  sink = opened(settings("runner-c"), {items_});
  EXPECT_EQ(state_.position->lsn, lsn(2)) << "the stream's position is another one";
  EXPECT_EQ(state_.tables.at(items_->name).low, lsn(3));
  EXPECT_EQ(state_.tables.at(items_->name).state, TableState::joining);
  own = own_sink(*sink, items_);
  EXPECT_TRUE(sink->write(joining(lsn(3), items_), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'new'"), "5");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items"), "5");
}

// The comparison takes as long as the table is large: the stream must not wait for it.
TEST_F(R12_Resnapshot, TheStreamDoesNotWaitForTheComparison) {
  const SchemaPtr others = table("others", {column("id", int_type)});
  RowBatch one(others);
  add(one, Operation::read, {1});
  auto sink = streaming({rows(0, 10, "old"), one});
  const auto own = load_shadow(*sink, rows(0, 10, "new"));
  PlainClient holder(PostgresCluster::shared().url(database_));
  holder.run(
      "BEGIN; SELECT 1 FROM items WHERE id = 5 FOR UPDATE");  // Somebody whom the comparison waits for.
  std::thread comparing([&] { EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {items_->name}), {})); });
  await_lock_wait();
  RowBatch more(others);
  add(more, Operation::insert, {2});
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {more}), {}));
  EXPECT_EQ(position(), lsn(4).hex());
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'new'"), "0");
  holder.run("ROLLBACK");
  comparing.join();
  EXPECT_TRUE(sink->write(joining(lsn(5), items_), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items WHERE name = 'new'"), "10");
}

// Somebody reads all the time, also with a snapshot from before the join.
TEST_F(R12_Resnapshot, AReaderNeverSeesItEmptyOrMixed) {
  auto sink = streaming({rows(0, 2000, "old")});
  const auto own = load_shadow(*sink, rows(0, 2000, "new"));
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
  EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {items_->name}), {}));
  const int before = looks;
  while (looks < before + 3)
    std::this_thread::yield();
  done = true;
  reader.join();
  EXPECT_THAT(wrong, ::testing::IsEmpty());
  EXPECT_EQ(reader_.table("SELECT name, count(*) FROM items GROUP BY name"), "new|2000");
}

// Each request gets one answer; what cannot be is said before anything is recorded.
TEST_F(R12_Resnapshot, IsRequestedByACommand) {
  auto sink = streaming({rows(0, 1, "old")});
  const auto ask = [&](const TableName& table, Wanted wanted) {
    return request_table(settings(), table, wanted, {});
  };
  EXPECT_EQ(kind_of([&] { ask({"dbo", "unknown"}, Wanted::resnapshot); }), ErrorKind::config);
  EXPECT_EQ(kind_of([&] { ask(items_->name, Wanted::resume); }), ErrorKind::config);
  EXPECT_EQ(kind_of([&] { ask(items_->name, Wanted::add); }), ErrorKind::config);
  const std::int64_t id = ask(items_->name, Wanted::resnapshot);
  EXPECT_EQ(ask(items_->name, Wanted::resnapshot), id);
  EXPECT_EQ(kind_of([&] { ask(items_->name, Wanted::pause); }), ErrorKind::config);
  EXPECT_EQ(sink->heartbeat().size(), 1u);
  EXPECT_FALSE(await_answer(settings(), id, std::chrono::milliseconds(0), {}).answered);
  const auto own = load_shadow(*sink, rows(0, 1, "old"));
  EXPECT_TRUE(await_answer(settings(), id, std::chrono::milliseconds(0), {}).answered);

  const std::int64_t other = ask(items_->name, Wanted::resnapshot);
  sink->answer({id, items_->name, Wanted::resnapshot}, "of an answered one");
  EXPECT_FALSE(await_answer(settings(), other, std::chrono::milliseconds(0), {}).answered);
  sink->answer({other, items_->name, Wanted::resnapshot}, "not today");
  EXPECT_EQ(await_answer(settings(), other, std::chrono::milliseconds(0), {}).refusal, "not today");
  sink->close();
  const RequestAnswer nobody =
      await_answer(settings(), ask(items_->name, Wanted::resnapshot), std::chrono::seconds(20), {});
  EXPECT_FALSE(nobody.answered || nobody.runner_alive);
}

class R12_Outside : public R12_Resnapshot {
 protected:
  SchemaPtr parents_ = table("parents", {column("id", int_type)});
  SchemaPtr children_ = with_parent();

  SchemaPtr with_parent() const {
    auto made = std::make_shared<TableSchema>(
        *table("children", {column("id", int_type), column("parent_id", int_type)}));
    made->foreign_keys = {{"fk_child", {1}, parents_->name, {"id"}}};
    return made;
  }
  static RowBatch one(const SchemaPtr& schema, Operation operation, const std::vector<Value>& values) {
    RowBatch batch(schema);
    add(batch, operation, values);
    return batch;
  }
  std::unique_ptr<PostgresSink> family() {
    auto sink = streaming({one(parents_, Operation::read, {1}), one(children_, Operation::read, {1, 1})});
    EXPECT_TRUE(sink->finish_constraints({}));
    EXPECT_EQ(foreign_keys(), "fk_child|t");
    return sink;
  }
  static ChangeBatch without(Lsn end, const SchemaPtr& table) {
    ChangeBatch batch = ending_at(end, {});
    batch.left = {table->name};
    return batch;
  }
  std::string foreign_keys() {
    return reader_.table(
        "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = 'public'::regnamespace");
  }
  // A command sets `leaving` in the middle of finish_constraints(): behind its look at the state, before its ALTER TABLE.
  void becomes_leaving_beneath(PostgresSink& sink) {
    PlainClient command(PostgresCluster::shared().url(database_));
    command.run("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('tailrace.constraint.shop', 0))");
    std::thread stream([&] { EXPECT_TRUE(sink.finish_constraints({})); });
    await_lock_wait();
    command.run("UPDATE tailrace.table_state SET leaving = true WHERE source_table = 'parents'");
    command.run("COMMIT");
    stream.join();
  }
  std::string low_of(const SchemaPtr& table) {
    return reader_.value("SELECT encode(low, 'hex') FROM tailrace.table_state WHERE source_table = '" +
                         table->name.name + "'");
  }
};

// The stream goes on while the parent stands still: the key would refuse the child's rows and end the pipeline.
TEST_F(R12_Outside, AForeignKeyStandsAsideUntilBothSidesStream) {
  auto sink = family();
  ASSERT_TRUE(sink->set_keys_aside(parents_->name, {}));
  EXPECT_EQ(foreign_keys(), "");
  ASSERT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(foreign_keys(), "") << "it is about to leave";
  EXPECT_TRUE(sink->write(without(lsn(3), parents_), {}));
  EXPECT_EQ(low_of(parents_), lsn(3).hex());
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {one(children_, Operation::insert, {2, 2})}), {}));
  ASSERT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(foreign_keys(), "");

  const auto own = own_sink(*sink, parents_);
  own->record_error("a gap");
  own->rejoin();
  EXPECT_TRUE(own->write(ending_at(lsn(4), {one(parents_, Operation::insert, {2})}), {}));
  EXPECT_EQ(low_of(parents_), lsn(4).hex());
  EXPECT_TRUE(sink->write(joining(lsn(5), parents_, {one(parents_, Operation::insert, {3})}), {}));
  EXPECT_EQ(reader_.value("SELECT last_error FROM tailrace.table_state WHERE source_table = 'parents'"), "");
  EXPECT_TRUE(own->finish_constraints({}));
  EXPECT_EQ(foreign_keys(), "fk_child|t");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM parents"), "3");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.key_aside"), "0");
}

// The next attempt finds the table in the stream, and has no schema of it.
TEST_F(R12_Outside, ForeignKeysComeBackAlsoWithoutTheAttemptThatLetItsTableIn) {
  auto sink = family();
  ASSERT_TRUE(sink->set_keys_aside(parents_->name, {}));
  EXPECT_TRUE(sink->write(without(lsn(3), parents_), {}));
  {
    const auto own = own_sink(*sink, parents_);
    own->rejoin();
    EXPECT_TRUE(sink->write(joining(lsn(4), parents_, {}), {}));
  }
  const std::unique_ptr<Sink> again = sink->outside(parents_->name);
  again->open(false, {});
  EXPECT_EQ(foreign_keys(), "");
  EXPECT_TRUE(again->finish_constraints({}));
  EXPECT_EQ(foreign_keys(), "fk_child|t");
  EXPECT_TRUE(sink->set_keys_aside(parents_->name, {}));
  EXPECT_TRUE(again->finish_constraints({})) << "about to leave: nothing to be made, and no error";
  EXPECT_EQ(foreign_keys(), "");
}

// While the stream's thread is about to make a key again its table begins to leave: whoever comes second sees the first.
TEST_F(R12_Outside, AForeignKeyDoesNotComeBackWhileItsTableLeaves) {
  auto sink = family();
  ASSERT_TRUE(sink->set_keys_aside(parents_->name, {}));
  reader_.run("UPDATE tailrace.table_state SET leaving = false");  // It stays after all.
  becomes_leaving_beneath(*sink);
  EXPECT_EQ(foreign_keys(), "");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.key_aside"), "1");
}

// The same where the key is made for the first time.
TEST_F(R12_Outside, AForeignKeyIsNotMadeWhileItsTableLeaves) {
  auto sink = streaming({one(parents_, Operation::read, {1}), one(children_, Operation::read, {1, 1})});
  becomes_leaving_beneath(*sink);
  EXPECT_EQ(foreign_keys(), "");
  reader_.run("UPDATE tailrace.table_state SET leaving = false");
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(foreign_keys(), "fk_child|t") << "it was put off, and not forgotten";
}

// Taken out of the configuration while it is outside the stream: nothing of it stays behind in the state.
TEST_F(R12_Outside, AForgottenTableLeavesNoKeyAside) {
  auto sink = family();
  ASSERT_TRUE(sink->set_keys_aside(parents_->name, {}));
  EXPECT_TRUE(sink->write(without(lsn(3), parents_), {}));
  sink->close();
  auto next = opened(settings(), {children_});
  next->forget({parents_->name});
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.key_aside"), "0");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.table_state"), "1");
  EXPECT_TRUE(next->write(ending_at(lsn(4), {one(children_, Operation::insert, {2, 77})}), {}));
}

// Unfit at the source, it is not among the tables of the run; it is paused as it was asked to be, and not forgotten.
TEST_F(R12_Outside, AnUnfitTableIsPausedAtTheStart) {
  family()->close();
  reader_.run(
      "INSERT INTO tailrace.table_request (pipeline, source_schema, source_table, wanted)"
      " VALUES ('shop', 'dbo', 'parents', 'pause')");
  auto sink = opened(settings("runner-b"), {children_});
  ASSERT_TRUE(sink->set_keys_aside(parents_->name, {}));
  EXPECT_EQ(foreign_keys(), "");
  sink->leave({parents_->name});
  EXPECT_EQ(reader_.table("SELECT state, outside FROM tailrace.table_state WHERE source_table = 'parents'"),
            "paused|t");
}

// What was paused is exact: a row that is missing there is missing for a reason, and must not be passed over (R7c).
TEST_F(R12_Outside, AMissingRowStopsATableThatIsResumed) {
  auto sink = family();
  take_out(*sink, parents_);
  const auto own = own_sink(*sink, parents_);
  own->rejoin();
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(own->write(ending_at(lsn(3), {one(parents_, Operation::delete_, {7})}), {}));
            }),
            ErrorKind::data);
  EXPECT_EQ(low_of(parents_), lsn(2).hex());
}

// Rows and the table's position are one transaction, and the stream's position is no part of it: they do not wait for each other.
TEST_F(R12_Outside, TheStreamDoesNotWaitForATableThatIsReplayed) {
  auto sink = family();
  take_out(*sink, parents_);
  const auto own = own_sink(*sink, parents_);
  own->rejoin();
  EXPECT_TRUE(own->write(part({one(parents_, Operation::insert, {2})}), {}));  // Its transaction is open.
  EXPECT_TRUE(sink->write(ending_at(lsn(9), {one(children_, Operation::insert, {2, 2})}), {}));
  EXPECT_EQ(position(), lsn(9).hex());
  EXPECT_EQ(low_of(parents_), lsn(2).hex());
  EXPECT_TRUE(own->write(ending_at(lsn(5), {}), {}));
  EXPECT_EQ(low_of(parents_), lsn(5).hex());
}

// R6c, R6d for a table's own transactions: a runner that was deposed, and a table that somebody else has moved.
TEST_F(R12_Outside, AStaleSinkCommitsNothing) {
  auto sink = family();
  take_out(*sink, parents_);
  const auto old = own_sink(*sink, parents_);
  old->rejoin();
  const auto newer = own_sink(*sink, parents_);
  EXPECT_TRUE(newer->write(ending_at(lsn(4), {one(parents_, Operation::insert, {4})}), {}));
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(old->write(ending_at(lsn(4), {one(parents_, Operation::insert, {4})}), {}));
            }),
            ErrorKind::conflict);
  reader_.run("UPDATE tailrace.pipeline SET fence = fence + 1");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(newer->write(ending_at(lsn(5), {one(parents_, Operation::insert, {5})}), {}));
            }),
            ErrorKind::fenced);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM parents"), "2");
}

// A COMMIT may be on its way when its connection is lost: the next sink of the table must see its outcome (R6b).
TEST_F(R12_Outside, ASinkWaitsForItsOldBackend) {
  auto sink = family();
  take_out(*sink, parents_);
  const auto old = own_sink(*sink, parents_);
  old->rejoin();
  EXPECT_TRUE(old->write(part({one(parents_, Operation::insert, {2})}), {}));
  std::atomic<bool> opened{false};
  std::unique_ptr<Sink> newer = sink->outside(parents_->name);
  ResumeState state;
  std::thread opener([&] {
    state = newer->open(false, {});
    opened = true;
  });
  await_lock_wait();
  EXPECT_FALSE(opened);
  EXPECT_TRUE(old->write(ending_at(lsn(4), {}), {}));
  opener.join();
  EXPECT_EQ(state.position->lsn, lsn(4));
}

// A new table is loaded where it will be; nobody knows it before.
TEST_F(R12_Outside, ANewTableComesIn) {
  auto sink = family();
  const auto own = own_sink(*sink, items_);
  own->begin_load({}, {start(items_)}, {});
  own->add_chunks({whole(items_)});
  load_chunk(*own, rows(0, 3, "new"));
  EXPECT_TRUE(finish_load(*own, {items_}, {"mark-2"}, {}));
  EXPECT_TRUE(own->write(ending_at(lsn(3), {rows(2, 4, "replayed")}, {items_->name}), {}));
  EXPECT_EQ(position(), lsn(2).hex());
  RowBatch more(items_);
  add(more, Operation::insert, {4, "joining", 0.0});
  ChangeBatch first = part({more});
  first.joining = {items_};
  EXPECT_TRUE(sink->write(first, {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {}), {}));
  EXPECT_EQ(reader_.table("SELECT name, count(*) FROM items GROUP BY name ORDER BY name"),
            "joining|1\nnew|2\nreplayed|2");
  EXPECT_EQ(reader_.table("SELECT state, outside FROM tailrace.table_state WHERE source_table = 'items'"),
            "streaming|f");
}

// R8, invariant 2: whoever reads sees whole commit points, across tables.
TEST_F(R12_Resnapshot, ReadersSeeWholeTransactions) {
  const SchemaPtr accounts = table("accounts", {column("id", int_type), column("balance", int_type)});
  RowBatch loaded(accounts);
  for (int id = 0; id < 50; ++id)
    add(loaded, Operation::read, {id, 100});
  auto sink = streaming({loaded, rows(0, 1, "x")});
  std::atomic<bool> done{false};
  std::atomic<int> looks{0};
  int wrong = 0;
  std::thread reader([&] {
    PlainClient client(PostgresCluster::shared().url(database_));
    do {
      if (client.value("SELECT sum(balance) FROM accounts") != "5000") ++wrong;
      ++looks;
      looks.notify_one();
    } while (!done);
  });
  looks.wait(0);  // A busy machine would else be through before the first look.
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
}

}  // namespace
}  // namespace tailrace::postgres
