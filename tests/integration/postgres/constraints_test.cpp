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
  EXPECT_TRUE(sink->finish_load({people_}, {"m"}, {}));
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
      lock, [&](const std::stop_token& stop) { EXPECT_FALSE(sink->finish_load({people_}, {"m"}, stop)); });
  EXPECT_TRUE(sink->finish_load({people_}, {"m"}, {}));
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

}  // namespace
}  // namespace tailrace::postgres
