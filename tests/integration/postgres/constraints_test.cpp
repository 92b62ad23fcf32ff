// R9: constraints hold at commit points, not between the parts of a transaction.
#include <thread>

#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class R09_Constraints : public SinkTest {
 protected:
  R09_Constraints() {
    auto people = std::make_shared<TableSchema>(
        *table("people", {column("id", int_type), column("code", int_type), column("email", text_type),
                          column("active", {TypeKind::bit, 1, 1, 0})}));
    people->unique_constraints = {{"uq_code", {1}, ""},
                                  {"uq_email", {2}, "([email] IS NOT NULL AND [active]=(1))"},
                                  {"uq_odd", {2}, "([email]>N'a')"}};
    people_ = people;
    auto orders =
        std::make_shared<TableSchema>(*table("orders", {column("id", int_type), column("person", int_type)}));
    orders->foreign_keys = {{"fk_person", {1}, {"dbo", "people"}, {"id"}, true},
                            {"fk_untrusted", {1}, {"dbo", "people"}, {"id"}, false},
                            {"fk_elsewhere", {1}, {"dbo", "absent"}, {"id"}, true},
                            {"fk_code", {1}, {"dbo", "people"}, {"code"}, true}};
    orders_ = orders;
  }

  std::unique_ptr<PostgresSink> constrained() {
    RowBatch people(people_);
    add(people, Operation::read, {1, 10, "a@x", 1});
    add(people, Operation::read, {2, 20, "b@x", 1});
    add(people, Operation::read, {3, Null{}, "c@x", 0});
    RowBatch orders(orders_);
    add(orders, Operation::read, {100, 1});
    auto sink = streaming({people, orders});
    EXPECT_TRUE(sink->finish_constraints({}));
    return sink;
  }
  RowBatch one(const SchemaPtr& schema, Operation operation, const std::vector<Value>& values) const {
    RowBatch batch(schema);
    add(batch, operation, values);
    return batch;
  }

  SchemaPtr people_;
  SchemaPtr orders_;
};

TEST_F(R09_Constraints, AreMadeDeferredAndOnce) {
  auto sink = constrained();
  EXPECT_EQ(
      reader_.table("SELECT conname, contype, condeferrable, condeferred, convalidated FROM pg_constraint"
                    " WHERE connamespace = 'public'::regnamespace AND contype <> 'p' ORDER BY conname"),
      "fk_person|f|t|t|t\nuq_code|u|t|t|t\nuq_email|x|t|t|t");
  EXPECT_EQ(
      reader_.value("SELECT indnullsnotdistinct FROM pg_index WHERE indexrelid = 'public.uq_code'::regclass"),
      "t");
  EXPECT_EQ(reader_.value("SELECT bool_and(constraints_done) FROM tailrace.table_state"), "t");
  reader_.run("ALTER TABLE people DROP CONSTRAINT uq_code");
  EXPECT_TRUE(sink->finish_constraints({}));  // Done before: not looked at again.
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_constraint WHERE conname = 'uq_code'"), "0");
}

// The two halves of a swap in two parts of one transaction: refused if looked at after the first.
TEST_F(R09_Constraints, ASwapInTwoPartsPasses) {
  auto sink = constrained();
  EXPECT_TRUE(sink->write(part({one(people_, Operation::update, {1, 20, "b@x", 1})}), {}));
  EXPECT_TRUE(sink->write(part({one(people_, Operation::update, {2, 10, "a@x", 1})}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}), {}));
  EXPECT_EQ(reader_.table("SELECT id, code, email FROM people ORDER BY id"),
            "1|20|b@x\n2|10|a@x\n3|NULL|c@x");
}

TEST_F(R09_Constraints, AChildMayComeBeforeItsParent) {
  auto sink = constrained();
  EXPECT_TRUE(sink->write(part({one(orders_, Operation::insert, {101, 7})}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {one(people_, Operation::insert, {7, 70, Null{}, 1})}), {}));
  EXPECT_TRUE(sink->write(part({one(people_, Operation::delete_, {7, Null{}, Null{}, Null{}})}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {one(orders_, Operation::delete_, {101, Null{}})}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "1");
}

// What is still broken at the end is found before COMMIT, named, and nothing stays.
TEST_F(R09_Constraints, AnOffenderIsNamedAndNothingStays) {
  auto sink = constrained();
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  static_cast<void>(
                      sink->write(ending_at(lsn(3), {one(orders_, Operation::insert, {102, 99})}), {}));
                },
                &text),
            ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("fk_person"));
  EXPECT_THAT(text, ::testing::HasSubstr("(person)=(99)"));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM orders"), "1");
  EXPECT_EQ(position(), lsn(2).hex());
}

// SQL Server's unique constraints hold one NULL.
TEST_F(R09_Constraints, ASecondNullIsRefusedAsTheSourceWould) {
  auto sink = constrained();
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(
                  ending_at(lsn(3), {one(people_, Operation::insert, {4, Null{}, "d@x", 1})}), {}));
            }),
            ErrorKind::data);
}

TEST_F(R09_Constraints, AFilteredIndexLooksAtItsRowsOnly) {
  auto sink = constrained();
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {one(people_, Operation::insert, {4, 40, "a@x", 0})}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {one(people_, Operation::insert, {5, 50, Null{}, 1})}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {one(people_, Operation::insert, {6, 60, Null{}, 1})}), {}));
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(
                  sink->write(ending_at(lsn(6), {one(people_, Operation::insert, {7, 70, "a@x", 1})}), {}));
            }),
            ErrorKind::data);
}

// SQL Server's index names need only be unique within their table.
TEST_F(R09_Constraints, EqualNamesOnTwoTablesAreToldApart) {
  std::vector<RowBatch> loaded;
  for (const char* const name : {"first", "second"}) {
    auto made =
        std::make_shared<TableSchema>(*table(name, {column("id", int_type), column("code", int_type)}));
    made->unique_constraints = {{"uq_code", {1}, ""}};
    loaded.emplace_back(made);
  }
  auto sink = streaming(loaded);
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(reader_.value("SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE contype "
                          "= 'u' AND connamespace = 'public'::regnamespace"),
            "second_uq_code,uq_code");
  reader_.run("UPDATE tailrace.table_state SET constraints_done = false");
  sink->close();
  sink = opened(settings("runner-b"), {loaded[0].schema_ptr(), loaded[1].schema_ptr()});
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(
      reader_.value(
          "SELECT count(*) FROM pg_constraint WHERE contype = 'u' AND connamespace = 'public'::regnamespace"),
      "2");
}

// A reader that holds its lock for long delays the DDL; it steps back and tries again instead of blocking others.
TEST_F(R09_Constraints, DdlStepsBackFromLocks) {
  RowBatch people(people_);
  add(people, Operation::read, {1, 10, "a@x", 1});
  Settings impatient = settings();
  impatient.ddl_lock_timeout = std::chrono::milliseconds(50);
  auto sink = opened(impatient, {people_});
  begin(*sink, {people_});
  load_chunk(*sink, people);
  EXPECT_TRUE(finish_load(*sink, {people_}, {"m"}));
  ASSERT_TRUE(sink->write(ending_at(lsn(2), {}, {people_->name}), {}));
  PlainClient holder(PostgresCluster::shared().url(database_));
  holder.run("BEGIN; SELECT FROM people");
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    holder.run("COMMIT");
  });
  EXPECT_TRUE(sink->finish_constraints({}));
  release.join();
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_constraint WHERE conname = 'uq_code'"), "1");
}

// A drain would else wait for every retry, which is more than a minute.
TEST_F(R09_Constraints, AStopEndsDdlThatWaitsForALock) {
  RowBatch people(people_);
  add(people, Operation::read, {1, 10, "a@x", 1});
  auto sink = opened(settings(), {people_});
  begin(*sink, {people_});
  load_chunk(*sink, people);
  const std::string lock = "SELECT FROM people";
  stopped_while_held(
      lock, [&](const std::stop_token& stop) { EXPECT_FALSE(finish_load(*sink, {people_}, {"m"}, stop)); });
  EXPECT_TRUE(finish_load(*sink, {people_}, {"m"}));
  ASSERT_TRUE(sink->write(ending_at(lsn(2), {}, {people_->name}), {}));
  stopped_while_held(lock,
                     [&](const std::stop_token& stop) { EXPECT_FALSE(sink->finish_constraints(stop)); });
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_constraint WHERE conname = 'uq_code'"), "1");
}

// A crash between two constraints: the next run makes the missing ones.
TEST_F(R09_Constraints, HalfMadeConstraintsAreCompleted) {
  constrained()->close();
  reader_.run(
      "ALTER TABLE orders DROP CONSTRAINT fk_person;"
      "ALTER TABLE orders ADD CONSTRAINT fk_person FOREIGN KEY (person) REFERENCES people (id)"
      " DEFERRABLE INITIALLY DEFERRED NOT VALID;"
      "ALTER TABLE people DROP CONSTRAINT uq_email; UPDATE tailrace.table_state SET constraints_done = "
      "false");
  auto sink = opened(settings("runner-b"), {people_, orders_});
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(
      reader_.value(
          "SELECT count(*) FROM pg_constraint WHERE conname IN ('fk_person', 'uq_email') AND convalidated"),
      "2");
}

// R9c: unique indexes of the target that are checked at once, because somebody's foreign key references them.
class R09_ImmediateIndexes : public R09_Constraints {
 protected:
  R09_ImmediateIndexes() {
    people_ = table("people", {column("id", int_type), column("code", int_type), column("note", lob_type)});
    reader_.run(
        "CREATE TABLE people (id int PRIMARY KEY, code int CONSTRAINT at_once UNIQUE, note text);"
        "CREATE TABLE badges (code int REFERENCES people (code) DEFERRABLE INITIALLY DEFERRED)");
  }
  RowBatch loaded() const {
    RowBatch batch(people_);
    for (int id = 1; id <= 4; ++id)
      add(batch, Operation::read, {id, id * 10, "note " + std::to_string(id)});
    return batch;
  }
  std::string rows() { return reader_.table("SELECT id, code, note FROM people ORDER BY id"); }
};

// Neither check nor run refuses them; what the rows exchange, in one part or in several, never meets the index.
TEST_F(R09_ImmediateIndexes, ExchangedValuesNeverMeet) {
  auto sink = streaming({loaded()});
  reader_.run("INSERT INTO badges VALUES (10), (20)");
  RowBatch swap(people_);
  add(swap, Operation::update, {1, 20, "full"});
  add(swap, Operation::update, {2, 10, Absent{}});
  add(swap, Operation::delete_, {3, Null{}, Null{}});
  add(swap, Operation::insert, {5, 30, "new"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {swap}), {}));
  EXPECT_EQ(rows(), "1|20|full\n2|10|note 2\n4|40|note 4\n5|30|new");
  EXPECT_TRUE(sink->write(part({one(people_, Operation::update, {1, 40, Absent{}})}), {}));
  EXPECT_TRUE(sink->write(part({one(people_, Operation::update, {4, 20, Absent{}})}), {}));
  RowBatch moved(people_);
  add(moved, Operation::update_before, {4, Null{}, Null{}});
  add(moved, Operation::update, {6, 20, Absent{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {moved}), {}));
  EXPECT_EQ(rows(), "1|40|full\n2|10|note 2\n5|30|new\n6|20|note 4");
  EXPECT_EQ(position(), lsn(4).hex());
}

// Chunks of different moments, and the replay of old changes over them, hold one value twice for a while.
TEST_F(R09_ImmediateIndexes, ALoadMeetsThemWhenItIsWhole) {
  auto sink = opened(settings(), {people_});
  begin(*sink, {people_});
  RowBatch early(people_);
  add(early, Operation::read, {1, 10, "a"});
  add(early, Operation::read, {2, 10, "b"});  // Read after the exchange, 1 before it.
  load_chunk(*sink, early);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM people"), "0");
  sink->close();
  sink = opened(settings("runner-b"), {people_});
  EXPECT_TRUE(finish_load(*sink, {people_}, {"m"}));
  RowBatch replay(people_);
  add(replay, Operation::update, {1, 20, "a"});
  add(replay, Operation::update, {2, 10, "b"});
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {replay}, {people_->name}), {}));
  EXPECT_EQ(rows(), "1|20|a\n2|10|b");
  EXPECT_EQ(reader_.value("SELECT state FROM tailrace.table_state"), "streaming");
}

// A table that is taken again joins by its differences, of which one may be an exchange.
TEST_F(R09_ImmediateIndexes, ATableTakenAgainMayExchangeValues) {
  auto sink = streaming({loaded()});
  reader_.run("UPDATE people SET code = -code; UPDATE people SET code = 30 - id * 10 WHERE id < 3");
  EXPECT_EQ(reader_.table("SELECT id, code FROM people WHERE id < 3 ORDER BY id"), "1|20\n2|10");
  const auto own = load_shadow(*sink, loaded());
  EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {people_->name}), {}));
  EXPECT_TRUE(sink->write(joining(lsn(3), people_), {}));
  EXPECT_EQ(rows(), "1|10|note 1\n2|20|note 2\n3|30|note 3\n4|40|note 4");
}

// What is unique at the target alone is still a refusal, by its name.
TEST_F(R09_ImmediateIndexes, ADuplicateIsRefused) {
  auto sink = streaming({loaded()});
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  static_cast<void>(
                      sink->write(ending_at(lsn(3), {one(people_, Operation::insert, {9, 10, Null{}})}), {}));
                },
                &text),
            ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("at_once"));
  EXPECT_EQ(position(), lsn(2).hex());
}

}  // namespace
}  // namespace tailrace::postgres
