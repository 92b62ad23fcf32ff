// K4e: what a record does to its row (insert, upsert, update), rows without a key, and tables that are made or altered for records.
#include <future>

#include "tests/integration/postgres/partitions_fixture.h"

namespace tailrace::postgres {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ModesTest : public PartitionsTest {
 protected:
  // A sink that has the partition and the table.
  std::unique_ptr<PostgresPartitions> opened_with(InsertMode mode) {
    Settings with = settings();
    with.insert_mode = mode;
    auto sink = opened_partitions(with);
    schema_ = sink->use_table(*orders_, true);
    EXPECT_TRUE(sink->claim({first}, {}));
    return sink;
  }
  struct Row {
    Operation operation;
    std::vector<Value> values;
  };
  Stretch changes(std::int64_t next, const std::vector<Row>& rows) {
    Stretch out = stretch(schema_, first, next, Operation::insert, {});
    RowBatch& batch = out.rows.emplace_back(schema_);
    for (const Row& row : rows)
      add(batch, row.operation, row.values);
    return out;
  }
  // What the refusal of an apply says; nothing of it is there.
  Error refused(PostgresPartitions& sink, std::int64_t next, const std::vector<Row>& rows) {
    const std::string before = stored();
    try {
      sink.write({changes(next, rows)}, {});
    } catch (const Error& error) {
      EXPECT_EQ(stored(), before);
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "nothing was thrown");
  }
  SchemaPtr schema_;
};

using K4e_Insert = ModesTest;
using K4e_Update = ModesTest;
using K4e_NoKey = ModesTest;
using K4e_Tables = ModesTest;

constexpr Operation op_insert = Operation::insert;
constexpr Operation op_update = Operation::update;
constexpr Operation op_delete = Operation::delete_;

// Never over a row that is there, whoever wrote it; and nobody can bring another partition's row that makes it right, so it is not
// waited for.
TEST_F(K4e_Insert, ARowThatIsThereIsAnError) {
  auto sink = opened_with(InsertMode::insert);
  EXPECT_EQ(sink->write({changes(1, {{op_insert, {1, "one"}}})}, {}).end, WriteEnd::durable);
  const Error error = refused(*sink, 2, {{op_insert, {2, "two"}}, {op_insert, {1, "again"}}});
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("sqlstate"), "23505");
  EXPECT_EQ(error.context("key"), "(id)=(1)");
  EXPECT_EQ(error.context("target_table"), "public.orders");
  EXPECT_EQ(rows(), "1|one");
}

// In one part, too: of two records of a key the second would win unseen.
TEST_F(K4e_Insert, ARowThatThePartHasBroughtIsAnErrorToo) {
  auto sink = opened_with(InsertMode::insert);
  EXPECT_EQ(refused(*sink, 1, {{op_insert, {1, "one"}}, {op_insert, {1, "again"}}}).context("key"),
            "(id)=(1)");
  // Whatever the operation was at the source.
  EXPECT_EQ(refused(*sink, 1, {{op_insert, {1, "one"}}, {op_update, {1, "again"}}}).context("sqlstate"),
            "23505");
  EXPECT_EQ(rows(), "");
}

// Each in its order: a delete makes room, and a row that is to be inserted before it must not be there.
TEST_F(K4e_Insert, DeletesKeepTheirPlace) {
  auto sink = opened_with(InsertMode::insert);
  EXPECT_EQ(sink->write({changes(1, {{op_insert, {1, "a"}}, {op_insert, {9, "other"}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(sink->write({changes(2, {{op_delete, {1, Null{}}},
                                     {op_delete, {1, Null{}}},
                                     {op_insert, {1, "b"}},
                                     {op_delete, {1, Null{}}},
                                     {op_insert, {1, "c"}},
                                     {op_insert, {2, "d"}},
                                     {op_delete, {2, Null{}}}})},
                        {})
                .end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|c\n9|other");
  // Came and went, but its row was there before: the insert fails, as it does alone.
  EXPECT_EQ(refused(*sink, 3, {{op_insert, {9, "x"}}, {op_delete, {9, Null{}}}}).context("sqlstate"),
            "23505");
  EXPECT_EQ(rows(), "1|c\n9|other");
}

// Another unique index of the target may be given free by another partition: that is waited for as ever.
TEST_F(K4e_Insert, AnotherUniqueIndexIsWaitedFor) {
  reader_.run("CREATE TABLE orders (id int PRIMARY KEY, note text UNIQUE)");
  auto sink = opened_with(InsertMode::insert);
  EXPECT_EQ(sink->write({changes(1, {{op_insert, {1, "one"}}})}, {}).end, WriteEnd::durable);
  EXPECT_EQ(sink->write({changes(2, {{op_insert, {2, "one"}}})}, {}).end, WriteEnd::waits);
}

// The row of the record would have a made-up value.
TEST_F(K4e_Insert, WhatARecordLeavesOutIsNotMadeUp) {
  auto sink = opened_with(InsertMode::insert);
  const Error error = refused(*sink, 1, {{op_update, {1, Absent{}}}});
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("insert_mode"), HasSubstr("id=1")));
}

// As the JDBC sinks do: nothing happens, and the position moves.
TEST_F(K4e_Update, ARowThatIsNotThereStaysAway) {
  auto sink = opened_with(InsertMode::update);
  reader_.run("INSERT INTO orders VALUES (1, 'old'), (2, 'old'), (3, 'old')");
  EXPECT_EQ(sink->write({changes(4, {{op_insert, {1, "new"}},
                                     {op_update, {2, "x"}},
                                     {op_update, {2, "new"}},
                                     {Operation::read, {7, "x"}},
                                     {op_update, {8, Absent{}}},
                                     {op_update, {3, Absent{}}}})},
                        {})
                .end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|new\n2|new\n3|old");
  EXPECT_EQ(*sink->positions().at(first).next_offset, 4);
}

// What follows a delete finds nothing: an upsert in its place would bring the row back.
TEST_F(K4e_Update, BehindADeleteThereIsNothing) {
  auto sink = opened_with(InsertMode::update);
  reader_.run("INSERT INTO orders VALUES (1, 'old'), (2, 'old')");
  EXPECT_EQ(sink->write({changes(4, {{op_update, {1, "x"}},
                                     {op_delete, {1, Null{}}},
                                     {op_insert, {1, "y"}},
                                     {op_update, {1, Absent{}}},
                                     {op_delete, {2, Null{}}},
                                     {op_delete, {2, Null{}}}})},
                        {})
                .end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "");
}

// Equal records are two rows, and they come in their order.
TEST_F(K4e_NoKey, EachRecordIsARowOfItsOwn) {
  const SchemaPtr log = table("log", {column("id", int_type), column("note", lob_type)}, {});
  Settings with = settings();
  with.insert_mode = InsertMode::insert;
  auto sink = opened_partitions(with);
  schema_ = sink->use_table(*log, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_index WHERE indrelid = 'log'::regclass"), "0");
  for (std::int64_t next = 3; next < 9; next += 3) {
    EXPECT_EQ(
        sink->write({changes(next, {{op_insert, {2, "b"}}, {op_update, {1, "a"}}, {op_insert, {2, "b"}}})},
                    {})
            .end,
        WriteEnd::durable);
  }
  EXPECT_EQ(reader_.table("SELECT id, note FROM log ORDER BY ctid"), "2|b\n1|a\n2|b\n2|b\n1|a\n2|b");
  EXPECT_EQ(refused(*sink, 9, {{op_update, {1, Absent{}}}}).kind(), ErrorKind::data);
}

// A table that numbers its rows itself.
TEST_F(K4e_NoKey, ATableMayHaveAKeyThatTheRecordsDoNotKnow) {
  reader_.run("CREATE TABLE log (nr int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, id int, note text)");
  Settings with = settings();
  with.insert_mode = InsertMode::insert;
  auto sink = opened_partitions(with);
  schema_ = sink->use_table(*table("log", {column("id", int_type), column("note", lob_type)}, {}), true);
  ASSERT_TRUE(sink->claim({first}, {}));
  EXPECT_EQ(sink->write({changes(1, {{op_insert, {5, "x"}}, {op_insert, {5, "x"}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows("log"), "1|5|x\n2|5|x");
}

// auto.create off: nothing is made, and who has to make it is given the statement.
TEST_F(K4e_Tables, ATableThatIsNotThereIsRefusedWithItsDdl) {
  Settings with = settings();
  with.make_tables = false;
  try {
    opened_partitions(with)->use_table(*orders_, true);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_THAT(error.message(), HasSubstr("public.orders"));
    EXPECT_THAT(std::string(error.context("remedy")),
                AllOf(HasSubstr("CREATE TABLE \"public\".\"orders\" (   \"id\" integer NOT NULL"),
                      HasSubstr("ADD PRIMARY KEY (\"id\");"), HasSubstr("target.new_tables")));
  }
  EXPECT_EQ(reader_.value("SELECT to_regclass('public.orders') IS NULL"), "t");
  reader_.run("CREATE TABLE orders (id int PRIMARY KEY, note text)");
  EXPECT_NE(opened_partitions(with)->use_table(*orders_, true), nullptr);
}

// auto.evolve adds what may be NULL in the rows that are there, and nothing else.
TEST_F(K4e_Tables, ANewColumnMayBeNullAndAKeyIsNotAdded) {
  reader_.run("CREATE TABLE orders (note text); INSERT INTO orders VALUES ('there')");
  Settings with = settings();
  with.add_columns = true;
  std::string text;
  EXPECT_EQ(kind_of([&] { opened_partitions(with)->use_table(*orders_, true); }, &text), ErrorKind::schema);
  EXPECT_THAT(text, AllOf(HasSubstr("key"), HasSubstr("id")));
  EXPECT_EQ(rows(), "there");
  reader_.run("DROP TABLE orders; CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)");
  const SchemaPtr wide = table("orders", {column("id", int_type, false), column("must", int_type, false)});
  EXPECT_NE(opened_partitions(with)->use_table(*wide, true), nullptr);
  EXPECT_EQ(rows(), "1|NULL");
}

// A type that the column does not hold is never altered, nor are values forced into it.
TEST_F(K4e_Tables, AnotherTypeIsRefusedByName) {
  Settings with = settings();
  with.add_columns = true;
  opened_partitions(with)->use_table(*table("orders", {column("id", int_type, false), column("n", int_type)}),
                                     true);
  const ColumnType bigint{TypeKind::bigint};
  const SchemaPtr wider = table("orders", {column("id", int_type, false), column("n", bigint)});
  std::string text;
  EXPECT_EQ(kind_of([&] { opened_partitions(with)->use_table(*wider, true); }, &text), ErrorKind::schema);
  EXPECT_THAT(text, AllOf(HasSubstr("column n"), HasSubstr("is integer, expected bigint")));
}

// Two processes that see the first record of a new shape at once.
TEST_F(K4e_Tables, AColumnIsAddedOnceByTwo) {
  opened_partitions()->use_table(*orders_, true);
  const SchemaPtr wide =
      table("orders", {column("id", int_type, false), column("note", lob_type), column("more", int_type)});
  Settings with = settings();
  with.add_columns = true;
  auto one = opened_partitions(with);
  auto other = opened_partitions(with);
  // Both have seen the table without it: neither gets the lock before the other asks.
  reader_.run("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE");
  auto added = std::async(std::launch::async, [&] { return one->use_table(*wide, true); });
  auto added_too = std::async(std::launch::async, [&] { return other->use_table(*wide, true); });
  PlainClient watcher(PostgresCluster::shared().url(database_));
  const auto waiting = [&] {
    return watcher.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass");
  };
  for (int i = 0; i < 2000 && waiting() != "2"; ++i)
    watcher.run("SELECT pg_sleep(0.005)");
  EXPECT_EQ(waiting(), "2");
  reader_.run("COMMIT");
  EXPECT_NE(added.get(), nullptr);
  EXPECT_NE(added_too.get(), nullptr);
  EXPECT_EQ(reader_.value(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'more'"),
            "1");
}

// Records without a schema are read by it; a type that no record's value goes into is no column of theirs.
TEST_F(K4e_Tables, ATableSaysWhatItHas) {
  reader_.run(
      "CREATE TABLE orders (id int PRIMARY KEY, a boolean, b smallint, c bigint, d real, e double precision,"
      " f numeric(10,2), g numeric, h text, i varchar(5), j char(3), k xml, l uuid, m date, n time(3), o "
      "timestamp,"
      " p timestamptz(0), q bytea, r jsonb, s int GENERATED ALWAYS AS (id + 1) STORED)");
  auto sink = opened_partitions();
  TableSchema asked;
  asked.name = orders_->name;
  const SchemaPtr found = sink->use_table(asked, false);
  ASSERT_NE(found, nullptr);
  std::string all;
  for (const Column& each : found->columns)
    all += each.name + " " + each.type.sql_name() + "; ";
  EXPECT_EQ(all,
            "id int; a bit; b smallint; c bigint; d real; e float; f decimal(10,2); h nvarchar(max); i "
            "nvarchar(5); "
            "j nchar(3); k xml; l uniqueidentifier; m date; n time(3); o datetime2(6); p datetimeoffset(0); "
            "q varbinary(max); ");
  asked.name.name = "nowhere";
  EXPECT_EQ(sink->use_table(asked, false), nullptr);
}

// It would wait for its own transaction until its patience ends: what is open is begun again instead.
TEST_F(K4e_Tables, ACommitInPartsDoesNotWaitForItself) {
  Settings with = settings();
  with.add_columns = true;
  auto sink = opened_partitions(with);
  schema_ = sink->use_table(*orders_, true);
  ASSERT_TRUE(sink->claim({first}, {}));
  EXPECT_EQ(sink->write_part({changes(1, {{op_insert, {1, "one"}}})}, {}).end, WriteEnd::open);
  const SchemaPtr wide =
      table("orders", {column("id", int_type, false), column("note", lob_type), column("more", int_type)});
  EXPECT_EQ(kind_of([&] { sink->use_table(*wide, true); }), ErrorKind::conflict);
  sink->abandon();
  EXPECT_NE(sink->use_table(*wide, true), nullptr);
}

}  // namespace
}  // namespace tailrace::postgres
