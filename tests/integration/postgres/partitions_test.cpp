// K4, K5: rows of partitions and their positions in one transaction; the epoch decides whose they are.
#include <future>

#include "postgres/partition_store.h"
#include "tests/integration/postgres/partitions_fixture.h"

namespace tailrace::postgres {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

using K4a_Claim = PartitionsTest;
using K4b_Epoch = PartitionsTest;
using K4_Apply = PartitionsTest;
using K4_Tables = PartitionsTest;
using K5_Constraints = PartitionsTest;

// The one idea: a crash between the two would lose rows, or apply them twice.
TEST_F(K4_Apply, RowsAndPositionsAreOneTransaction) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first, second}, {}));
  const std::vector<Stretch> both{stretch(orders, first, 5, Operation::insert, {{1, "one"}}),
                                  stretch(orders, second, 9, Operation::insert, {{2, "two"}})};
  EXPECT_EQ(sink->write(both, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|one\n2|two");
  EXPECT_EQ(stored(),
            "orders|0|1|5|4|" + lsn(5).hex() + "|topic-id|3\norders|1|1|9|8|" + lsn(9).hex() + "|topic-id|3");
  EXPECT_EQ(reader_.value("SELECT succeeded FROM tailrace.pipeline WHERE pipeline = 'kafka'"), "t");
  EXPECT_EQ(*sink->positions().at(second).next_offset, 9);
}

// Records come again after a crash of their writer, and deletes of rows that never came: each has one outcome.
TEST_F(K4_Apply, WhatComesAgainChangesNothing) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  for (std::int64_t next = 1; next < 3; ++next) {
    Stretch changes = stretch(orders, first, next, Operation::insert, {{1, "one"}, {2, "two"}});
    add(changes.rows[0], Operation::update, {1, Absent{}});
    add(changes.rows[0], Operation::update, {2, "changed"});
    add(changes.rows[0], Operation::delete_, {3, Null{}});
    EXPECT_EQ(sink->write({changes}, {}).end, WriteEnd::durable);
  }
  EXPECT_EQ(rows(), "1|one\n2|changed");
}

// Nobody can be asked for a row that an update leaves out: its value would be made up.
TEST_F(K4_Apply, APartialRowWithoutItsRowStops) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  sink->write({stretch(orders, first, 1, Operation::update, {{7, Absent{}}})}, {});
                },
                &text),
            ErrorKind::data);
  EXPECT_THAT(text, HasSubstr("key=7"));
  EXPECT_EQ(rows(), "");
  EXPECT_EQ(opened_partitions()->claim({first}, {})->front().position.next_offset, std::nullopt);
}

// A commit of the source that is larger than memory comes in parts, and nothing of it shows before the last.
TEST_F(K4_Apply, PartsOfACommitShowTogether) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  Stretch part = stretch(orders, first, 1, Operation::insert, {{1, "one"}});
  part.ends = false;
  EXPECT_EQ(sink->write_part({part}, {}).end, WriteEnd::open);
  EXPECT_EQ(rows(), "");
  Stretch end = stretch(orders, first, 2, Operation::insert, {{2, "two"}});
  EXPECT_EQ(sink->write({end}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|one\n2|two");
  EXPECT_EQ(*sink->claims().front().position.next_offset, 2);
}

TEST_F(K4_Apply, WhatIsAbandonedIsGone) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  EXPECT_EQ(sink->write_part({stretch(orders, first, 1, Operation::insert, {{1, "one"}})}, {}).end,
            WriteEnd::open);
  sink->abandon();
  EXPECT_EQ(sink->write({stretch(orders, first, 2, Operation::insert, {{2, "two"}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "2|two");
}

// Rows of two shapes of a table: each key's changes keep their order.
TEST_F(K4_Apply, ShapesOfATableAreAppliedInOrder) {
  auto sink = opened_partitions();
  const SchemaPtr wide = sink->use_table(*orders_, true);
  const SchemaPtr narrow = sink->use_table(*table("orders", {column("id", int_type, false)}), true);
  ASSERT_TRUE(sink->claim({first}, {}));
  Stretch changes = stretch(wide, first, 1, Operation::insert, {{1, "one"}, {2, "two"}});
  RowBatch& deletes = changes.rows.emplace_back(narrow);
  add(deletes, Operation::delete_, {1});
  add(deletes, Operation::delete_, {2});
  RowBatch& again = changes.rows.emplace_back(wide);
  add(again, Operation::insert, {2, "again"});
  EXPECT_EQ(sink->write({changes}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "2|again");
}

// A claim answers what is stored, whoever stored it.
TEST_F(K4a_Claim, RaisesTheEpochAndAnswersThePosition) {
  auto old = opened_partitions();
  const SchemaPtr orders = old->use_table(*orders_, true);
  ASSERT_TRUE(old->claim({first}, {}));
  EXPECT_EQ(old->write({stretch(orders, first, 5, Operation::insert, {{1, "one"}})}, {}).end,
            WriteEnd::durable);
  auto now = opened_partitions();
  const std::optional<std::vector<PartitionClaim>> claims = now->claim({second, first}, {});
  ASSERT_TRUE(claims);
  ASSERT_THAT(*claims, SizeIs(2));
  EXPECT_EQ(claims->at(0).where, second);
  EXPECT_EQ(claims->at(0).position.next_offset, std::nullopt);
  EXPECT_EQ(claims->at(1).epoch, 2);
  EXPECT_EQ(claims->at(1).position, (PartitionPosition{5, 4, lsn(5), "topic-id", 3}));
}

// A frozen process holds the row in a transaction that nobody ends: without an end of it no other ever gets the partition.
TEST_F(K4a_Claim, EndsAnOwnerThatHoldsItForTooLong) {
  auto frozen = opened_partitions();
  const SchemaPtr orders = frozen->use_table(*orders_, true);
  ASSERT_TRUE(frozen->claim({first}, {}));
  EXPECT_EQ(frozen->write_part({stretch(orders, first, 1, Operation::insert, {{1, "frozen"}})}, {}).end,
            WriteEnd::open);
  auto now = opened_partitions();
  const SchemaPtr again = now->use_table(*orders_, true);
  const std::optional<std::vector<PartitionClaim>> claims = now->claim({first}, {});
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->front().epoch, 2);
  EXPECT_EQ(now->write({stretch(again, first, 1, Operation::insert, {{1, "now"}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(kind_of([&] { frozen->write({}, {}); }), ErrorKind::unavailable);
  EXPECT_EQ(rows(), "1|now");
}

// Numbers of processes come again: whoever has that of an owner by now may be anybody.
TEST_F(K4a_Claim, ABackendThatHasTheOwnersNumberAloneIsNotEnded) {
  opened_partitions()->claim({first}, {});
  reader_.run(
      "UPDATE tailrace.kafka_position SET owner_pid = pg_backend_pid(),"
      " owner_started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) - interval "
      "'1 day'");
  reader_.run("BEGIN; SELECT FROM tailrace.kafka_position FOR UPDATE");
  Settings with = settings();
  with.pipeline = "kafka";
  Connection connection(with, "test", {});
  const Applier owner = applier_of(connection);
  EXPECT_EQ(
      kind_of([&] { claim_partition(connection, with, first, owner, std::chrono::milliseconds(50), {}); }),
      ErrorKind::conflict);
  reader_.run("COMMIT");
  EXPECT_EQ(reader_.value("SELECT epoch FROM tailrace.kafka_position"), "1");
}

// Somebody's own session is not an owner, whatever it holds.
TEST_F(K4a_Claim, AStopEndsTheWait) {
  opened_partitions()->claim({first}, {});
  auto sink = opened_partitions();
  stopped_while_held("SELECT FROM tailrace.kafka_position FOR UPDATE", [&](const std::stop_token& stop) {
    EXPECT_EQ(sink->claim({first}, stop), std::nullopt);
  });
}

// K4b: whoever was deposed writes nothing, of no partition; what it still has it is told.
TEST_F(K4b_Epoch, AnApplyThatLostOnePartitionWritesNothing) {
  auto old = opened_partitions();
  const SchemaPtr orders = old->use_table(*orders_, true);
  ASSERT_TRUE(old->claim({first, second}, {}));
  auto now = opened_partitions();
  ASSERT_TRUE(now->claim({second}, {}));
  const std::vector<Stretch> both{stretch(orders, first, 5, Operation::insert, {{1, "one"}}),
                                  stretch(orders, second, 9, Operation::insert, {{2, "two"}})};
  EXPECT_EQ(old->write(both, {}).end, WriteEnd::lost);
  EXPECT_EQ(rows(), "");
  const std::vector<PartitionClaim> kept = old->claims();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept.front().where, first);
  // And it goes on with that.
  EXPECT_EQ(old->write({both[0]}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|one");
}

// The claim comes while a commit is applied in parts: its first statement had asked, and nobody asks again.
TEST_F(K4b_Epoch, AClaimAmidACommitInPartsWins) {
  auto old = opened_partitions();
  const SchemaPtr orders = old->use_table(*orders_, true);
  ASSERT_TRUE(old->claim({first, second}, {}));
  EXPECT_EQ(old->write_part({stretch(orders, first, 1, Operation::insert, {{1, "old"}})}, {}).end,
            WriteEnd::open);
  auto now = opened_partitions();
  const SchemaPtr again = now->use_table(*orders_, true);
  // Not yet a part of the apply: the claim gets it at once.
  ASSERT_TRUE(now->claim({second}, {}));
  EXPECT_EQ(old->write({stretch(orders, second, 1, Operation::insert, {{2, "old"}})}, {}).end,
            WriteEnd::lost);
  EXPECT_EQ(now->write({stretch(again, second, 1, Operation::insert, {{2, "now"}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "2|now");
}

// Somebody moved the offset by hand, or an apply of ours whose answer was lost is durable after all.
TEST_F(K4b_Epoch, AnOtherOffsetIsNotOurs) {
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  reader_.run("UPDATE tailrace.kafka_position SET next_offset = 77");
  EXPECT_EQ(sink->write({stretch(orders, first, 5, Operation::insert, {{1, "one"}})}, {}).end,
            WriteEnd::lost);
  EXPECT_EQ(*sink->claims().front().position.next_offset, 77);
}

// K5: the parent may come in another partition; the refusal is told apart from a row that is wrong.
TEST_F(K5_Constraints, ARefusalThatMayPassIsSaidSo) {
  reader_.run(
      "CREATE TABLE parents (id int PRIMARY KEY);"
      "CREATE TABLE orders (id int PRIMARY KEY, note text,"
      " parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED, code int UNIQUE)");
  auto sink = opened_partitions();
  const SchemaPtr orders =
      sink->use_table(*table("orders", {column("id", int_type, false), column("note", lob_type),
                                        column("parent", int_type), column("code", int_type)}),
                      true);
  const SchemaPtr parents = sink->use_table(*table("parents", {column("id", int_type, false)}), true);
  ASSERT_TRUE(sink->claim({first, second}, {}));
  const Stretch child = stretch(orders, first, 1, Operation::insert, {{1, "child", 7, 1}});
  const WriteResult refused = sink->write({child}, {});
  EXPECT_EQ(refused.end, WriteEnd::waits);
  EXPECT_EQ(refused.error->context("sqlstate"), "23503");
  EXPECT_EQ(sink->write({stretch(parents, second, 1, Operation::insert, {{7}})}, {}).end, WriteEnd::durable);
  EXPECT_EQ(sink->write({child}, {}).end, WriteEnd::durable);
  const WriteResult twice = sink->write({stretch(orders, first, 2, Operation::insert, {{2, "x", 7, 1}})}, {});
  EXPECT_EQ(twice.end, WriteEnd::waits);
  EXPECT_EQ(twice.error->context("sqlstate"), "23505");
}

// What tailrace makes has no constraints that could wait for other partitions.
TEST_F(K5_Constraints, TablesOfOursHaveTheirKeyAlone) {
  auto sink = opened_partitions();
  sink->use_table(*orders_, true);
  EXPECT_EQ(reader_.table("SELECT contype FROM pg_constraint WHERE conrelid = 'orders'::regclass"), "p");
}

// Types that records leave open are the target's; the value is then the same as direct mode's.
TEST_F(K4_Tables, ColumnsAreWhatTheTargetSays) {
  reader_.run("CREATE TABLE orders (id int PRIMARY KEY, note varchar(3), extra text DEFAULT 'kept')");
  auto sink = opened_partitions();
  const SchemaPtr orders = sink->use_table(*orders_, true);
  EXPECT_EQ(orders->columns[1].type.sql_name(), "nvarchar(3)");
  ASSERT_TRUE(sink->claim({first}, {}));
  EXPECT_EQ(sink->write({stretch(orders, first, 1, Operation::insert, {{1, "abc"}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|abc|kept");
}

TEST_F(K4_Tables, WhatDoesNotFitIsRefusedByName) {
  reader_.run("CREATE TABLE orders (id int PRIMARY KEY, note int)");
  auto sink = opened_partitions();
  std::string text;
  EXPECT_EQ(kind_of([&] { sink->use_table(*orders_, true); }, &text), ErrorKind::schema);
  EXPECT_THAT(text, HasSubstr("note"));
  reader_.run("DROP TABLE orders; CREATE TABLE orders (id int PRIMARY KEY, note text, must int NOT NULL)");
  EXPECT_EQ(kind_of([&] { sink->use_table(*orders_, true); }, &text), ErrorKind::schema);
  EXPECT_THAT(text, HasSubstr("must"));
}

// A column that the source has got in the meantime: an error, or added where that is asked for.
TEST_F(K4_Tables, ANewColumnIsAddedWhereThatIsAskedFor) {
  const SchemaPtr wide =
      table("orders", {column("id", int_type, false), column("note", lob_type), column("more", int_type)});
  opened_partitions()->use_table(*orders_, true);
  std::string text;
  EXPECT_EQ(kind_of([&] { opened_partitions()->use_table(*wide, true); }, &text), ErrorKind::schema);
  EXPECT_THAT(text, HasSubstr("more"));
  Settings with = settings();
  with.pipeline = "kafka";
  with.add_columns = true;
  PostgresPartitions sink(with);
  sink.open({});
  const SchemaPtr now = sink.use_table(*wide, true);
  ASSERT_TRUE(sink.claim({first}, {}));
  EXPECT_EQ(sink.write({stretch(now, first, 1, Operation::insert, {{1, "one", 5}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|one|5");
}

TEST_F(K4_Tables, ATableIsNotMadeForATombstone) {
  auto sink = opened_partitions();
  EXPECT_EQ(sink->use_table(*orders_, false), nullptr);
  EXPECT_EQ(reader_.value("SELECT to_regclass('public.orders') IS NULL"), "t");
}

// Two processes that see the first record of a table at once.
TEST_F(K4_Tables, IsMadeOnceByTwo) {
  auto one = opened_partitions();
  auto other = opened_partitions();
  auto made = std::async(std::launch::async, [&] { return one->use_table(*orders_, true); });
  EXPECT_NE(other->use_table(*orders_, true), nullptr);
  EXPECT_NE(made.get(), nullptr);
}

// One name for two pipelines of two kinds would mix their states.
TEST_F(K4_Apply, APipelineOfADatabaseIsRefused) {
  RowBatch none(table("docs", {column("id", int_type)}));
  streaming({none})->close();
  Settings with = settings();
  PostgresPartitions sink(with);
  EXPECT_EQ(kind_of([&] { sink.open({}); }), ErrorKind::config);
}

}  // namespace
}  // namespace tailrace::postgres
