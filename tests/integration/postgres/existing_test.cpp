// R10c: rows that a target table has before its first load: refused, taken over by their differences, kept, or removed once.
#include "postgres/inspect.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

using ::testing::HasSubstr;

class R10_Existing : public SinkTest {
 protected:
  R10_Existing() {
    reader_.run(
        "CREATE TABLE items (id int PRIMARY KEY, name varchar(50));"
        "INSERT INTO items VALUES (1, 'same'), (2, 'other'), (3, 'extra')");
  }
  Settings with(ExistingRows existing, const std::string& runner = "runner-a") const {
    Settings made = settings(runner);
    made.existing = existing;
    return made;
  }
  // What the source has: 1 as it is there, 2 otherwise, 3 not, 4 on top.
  RowBatch loaded() const {
    RowBatch batch(items_);
    add(batch, Operation::read, {1, "same"});
    add(batch, Operation::read, {2, "two"});
    add(batch, Operation::read, {4, "four"});
    return batch;
  }
  std::unique_ptr<PostgresSink> catching_up_with(ExistingRows existing) {
    auto sink = opened(with(existing), {items_});
    begin(*sink, {items_});
    load_chunk(*sink, loaded());
    EXPECT_TRUE(finish_load(*sink, {items_}, {"mark-1"}));
    return sink;
  }
  std::unique_ptr<PostgresSink> streaming_with(ExistingRows existing) {
    auto sink = catching_up_with(existing);
    EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {items_->name}), {}));
    return sink;
  }
  RowBatch one(Operation operation, const std::vector<Value>& values) const {
    RowBatch batch(items_);
    add(batch, operation, values);
    return batch;
  }
  std::string rows() { return reader_.table("SELECT id, name FROM items ORDER BY id"); }
  std::string compared() {
    return reader_.table(
        "SELECT state, existing, compared_deleted, compared_updated, compared_inserted, compared_kept"
        " FROM tailrace.table_state WHERE source_table = 'items'");
  }

  SchemaPtr items_ = table("items", {column("id", int_type), column("name", text_type)});
  const std::string before_ = "1|same\n2|other\n3|extra";
};

TEST_F(R10_Existing, IsRefusedWithTheWaysOut) {
  PostgresSink sink(settings());
  sink.open(false, {});
  std::string text;
  EXPECT_EQ(kind_of([&] { sink.use_tables({items_}); }, &text), ErrorKind::config);
  for (const char* const way : {"public.items", "snapshot.existing", "adopt", "append", "truncate"})
    EXPECT_THAT(text, HasSubstr(way));
  EXPECT_EQ(rows(), before_);
}

// Somebody wrote after the look and before the load.
TEST_F(R10_Existing, IsRefusedWhenTheLoadBeginsToo) {
  reader_.run("TRUNCATE items");
  auto sink = opened(settings(), {items_});
  reader_.run("INSERT INTO items VALUES (9, 'late')");
  EXPECT_EQ(kind_of([&] { begin(*sink, {items_}); }), ErrorKind::config);
  EXPECT_EQ(rows(), "9|late");
}

// Readers see the rows of the other tool until they see the source's; rows that are the same are not even touched.
TEST_F(R10_Existing, AdoptAppliesOnlyTheDifferences) {
  const std::string untouched = "SELECT id FROM items WHERE xmin::text::bigint = ";
  const std::string first = reader_.value("SELECT xmin FROM items WHERE id = 1");
  auto sink = catching_up_with(ExistingRows::adopt);
  EXPECT_TRUE(sink->write(part({one(Operation::update, {4, "replayed"})}), {}));
  EXPECT_EQ(rows(), before_);
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {items_->name}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n4|replayed");
  EXPECT_EQ(reader_.table(untouched + first), "1");
  EXPECT_EQ(compared(), "streaming|adopt|1|1|1|0");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'shadow%' AND relkind = 'r'"),
            "0");
  const PipelineStatus status = read_status(with(ExistingRows::adopt), {});
  ASSERT_EQ(status.tables.size(), 1u);
  EXPECT_EQ(status.tables[0].existing, "adopt");
  ASSERT_TRUE(status.tables[0].compared.has_value());
  EXPECT_EQ(status.tables[0].compared->differed(), 3u);

  EXPECT_TRUE(sink->write(ending_at(lsn(3), {one(Operation::delete_, {4, Null{}})}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(ending_at(lsn(4), {one(Operation::update, {3, "gone"})}), {}));
            }),
            ErrorKind::data)
      << "it is exact: a row that is missing is a fault";
}

TEST_F(R10_Existing, AdoptGoesOnAfterACrash) {
  auto sink = opened(with(ExistingRows::adopt), {items_});
  begin(*sink, {items_});
  load_chunk(*sink, loaded());
  sink->close();
  sink = opened(with(ExistingRows::adopt, "runner-b"), {items_});
  EXPECT_EQ(rows(), before_);
  EXPECT_TRUE(finish_load(*sink, {items_}, {"mark-1"}));
  sink->close();
  // The setting has done its part: what was begun goes on as it was.
  sink = opened(settings("runner-c"), {items_});
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {items_->name}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n4|four");
}

// Equal to the target and not the same bytes: the key as well.
TEST_F(R10_Existing, AdoptMendsKeysThatAreEqualOnly) {
  reader_.run("CREATE TABLE weights (weight float8 PRIMARY KEY, v int); INSERT INTO weights VALUES (0, 1)");
  const SchemaPtr weights =
      table("weights", {column("weight", {TypeKind::float_, 8, 53, 0}), column("v", int_type)});
  auto sink = opened(with(ExistingRows::adopt), {weights});
  begin(*sink, {weights});
  RowBatch batch(weights);
  add(batch, Operation::read, {-0.0, 1});
  load_chunk(*sink, batch);
  EXPECT_TRUE(finish_load(*sink, {weights}, {"mark-1"}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {weights->name}), {}));
  EXPECT_EQ(reader_.table("SELECT weight::text, v FROM weights"), "-0|1");
}

TEST_F(R10_Existing, RowsWithoutAKeyAreNotCompared) {
  reader_.run("ALTER TABLE items DROP CONSTRAINT items_pkey; INSERT INTO items VALUES (3, 'again')");
  auto sink = opened(with(ExistingRows::adopt), {items_});
  std::string text;
  EXPECT_EQ(kind_of([&] { begin(*sink, {items_}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, HasSubstr("(id)=(3)"));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM items"), "4");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.table_state"), "0");
}

TEST_F(R10_Existing, AppendKeepsWhatTheSourceDoesNotHave) {
  auto sink = streaming_with(ExistingRows::append);
  EXPECT_EQ(rows(), "1|same\n2|two\n3|extra\n4|four");
  EXPECT_EQ(compared(), "streaming|append|0|1|1|1");
  // The source comes to have that key later on, by an insert, or by a change of a key.
  reader_.run("INSERT INTO items VALUES (8, 'mine')");
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {one(Operation::insert, {3, "three"})}), {}));
  RowBatch moved(items_);
  add(moved, Operation::update_before, {4, "four"});
  add(moved, Operation::update, {8, "was four"});
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {moved}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n3|three\n8|was four");
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {one(Operation::delete_, {3, Null{}})}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n8|was four");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(ending_at(lsn(6), {one(Operation::delete_, {3, Null{}})}), {}));
            }),
            ErrorKind::data)
      << "only inserts may find something else";
}

// The same where every changed row leaves the target before the first comes back (R9c).
TEST_F(R10_Existing, AppendMeetsKeptRowsWhereRowsAreGathered) {
  reader_.run("CREATE UNIQUE INDEX at_once ON items (name)");
  auto sink = streaming_with(ExistingRows::append);
  RowBatch changes(items_);
  add(changes, Operation::insert, {3, "other"});  // The kept row goes, and the name of 2 changes hands.
  add(changes, Operation::update, {2, "extra"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {changes}), {}));
  EXPECT_EQ(rows(), "1|same\n2|extra\n3|other\n4|four");
}

// A key change at the end of a part puts its row in the place of a kept one, also for the statements that follow.
TEST_F(R10_Existing, AppendReplacesAKeptRowAcrossParts) {
  auto sink = streaming_with(ExistingRows::append);
  RowBatch moved(items_);
  add(moved, Operation::update_before, {4, "four"});
  add(moved, Operation::update, {3, "was four"});
  RowBatch later(items_);
  later.header(add(later, Operation::update, {3, "later"})).command_id = 2;
  EXPECT_TRUE(sink->write(part({moved}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {later}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n3|later");
}

// What was kept stays through a new load, unless the configuration says that the source's rows are all there are.
TEST_F(R10_Existing, AppendKeepsThroughANewLoad) {
  auto sink = streaming_with(ExistingRows::append);
  auto own = load_shadow(*sink, one(Operation::read, {2, "two"}));
  EXPECT_TRUE(own->write(ending_at(lsn(2), {}, {items_->name}), {}));
  EXPECT_TRUE(sink->write(joining(lsn(3), items_), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n3|extra\n4|four");
  EXPECT_EQ(compared(), "streaming|append|0|0|0|3");
  own.reset();
  sink->close();
  sink = opened(with(ExistingRows::adopt, "runner-b"), {items_});
  own = load_shadow(*sink, one(Operation::read, {2, "two"}));
  EXPECT_TRUE(own->write(ending_at(lsn(3), {}, {items_->name}), {}));
  EXPECT_TRUE(sink->write(joining(lsn(4), items_), {}));
  EXPECT_EQ(rows(), "2|two");
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {one(Operation::insert, {3, "three"})}), {}));
}

// Once: what a load has brought before a crash is not an existing row.
TEST_F(R10_Existing, TruncateComesBeforeTheLoadAndOnce) {
  auto sink = opened(with(ExistingRows::truncate), {items_});
  EXPECT_EQ(rows(), before_) << "nothing yet: the source may turn out to be unfit";
  sink->begin_load("fork-1", {start(items_)}, {lsn(1), "evidence", 1});
  EXPECT_EQ(rows(), "");
  sink->add_chunks({{items_->name, 0, {}, {"5"}, 10}, {items_->name, 1, {"5"}, {}, 10}});
  load_chunk(*sink, loaded());
  sink->close();
  sink = opened(with(ExistingRows::truncate, "runner-b"), {items_});
  EXPECT_EQ(rows(), "1|same\n2|two\n4|four");
  load_chunk(*sink, one(Operation::read, {6, "six"}), 1);
  EXPECT_TRUE(finish_load(*sink, {items_}, {"mark-1"}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {items_->name}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n4|four\n6|six");
}

// Nobody has named the table that refers to it, so it must not be emptied, and its rows must not lose theirs.
TEST_F(R10_Existing, TruncateNamesWhoRefersToIt) {
  reader_.run(
      "CREATE TABLE strangers (item int CONSTRAINT of_item REFERENCES items DEFERRABLE INITIALLY DEFERRED);"
      "INSERT INTO strangers VALUES (3)");
  auto sink = opened(with(ExistingRows::truncate), {items_});
  std::string text;
  EXPECT_EQ(kind_of([&] { begin(*sink, {items_}); }, &text), ErrorKind::config);
  EXPECT_THAT(text, HasSubstr("strangers"));
  EXPECT_THAT(text, HasSubstr("of_item"));
  EXPECT_EQ(rows(), before_);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM strangers"), "1");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.table_state"), "0");
}

class R10_ExistingFamily : public R10_Existing {
 protected:
  R10_ExistingFamily() {
    reader_.run(
        "CREATE TABLE parts (id int PRIMARY KEY, item int"
        " CONSTRAINT of_item REFERENCES items DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO parts VALUES (30, 3)");
  }
  RowBatch part_of(int id, int item) const {
    RowBatch batch(parts_);
    add(batch, Operation::read, {id, item});
    return batch;
  }
  std::string keys() {
    return reader_.table(
        "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = 'public'::regnamespace");
  }

  SchemaPtr parts_ = table("parts", {column("id", int_type), column("item", int_type)});
};

// Chunks come in any order, and tables join one by one: foreign keys between them come back when both stream.
TEST_F(R10_ExistingFamily, ForeignKeysStandAside) {
  for (const ExistingRows existing : {ExistingRows::truncate, ExistingRows::adopt}) {
    SCOPED_TRACE(name_of(existing));
    Settings with_other = with(existing);
    with_other.pipeline = name_of(existing);
    auto sink = opened(with_other, {items_, parts_});
    begin(*sink, {items_, parts_});
    EXPECT_EQ(keys(), "");
    load_chunk(*sink, part_of(40, 4));  // The child before its parent.
    load_chunk(*sink, loaded());
    EXPECT_TRUE(finish_load(*sink, {items_, parts_}, {"mark-1"}));
    EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {items_->name}), {}));
    EXPECT_TRUE(sink->finish_constraints({}));
    EXPECT_EQ(keys(), "") << "the child still shows what it had";
    EXPECT_TRUE(sink->write(ending_at(lsn(3), {}, {parts_->name}), {}));
    EXPECT_TRUE(sink->finish_constraints({}));
    EXPECT_EQ(keys(), "of_item|t");
    EXPECT_EQ(rows(), "1|same\n2|two\n4|four");
    EXPECT_EQ(reader_.table("SELECT * FROM parts"), "40|4");
    sink->close();
    reader_.run("DROP SCHEMA tailrace CASCADE; INSERT INTO items VALUES (3, 'extra')");
  }
}

// A table that comes to a running stream: the same, in transactions of its own.
TEST_F(R10_ExistingFamily, AnAddedTableIsTakenOver) {
  auto sink = opened(with(ExistingRows::adopt), {parts_});
  begin(*sink, {parts_});
  load_chunk(*sink, part_of(30, 3));
  EXPECT_TRUE(finish_load(*sink, {parts_}, {"mark-1"}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {parts_->name}), {}));
  EXPECT_EQ(keys(), "of_item|t");

  const auto own = own_sink(*sink, items_);
  own->begin_load({}, {start(items_)}, {});
  EXPECT_EQ(keys(), "");
  own->add_chunks({whole(items_)});
  load_chunk(*own, loaded());
  EXPECT_TRUE(finish_load(*own, {items_}, {"mark-2"}, {}));
  EXPECT_EQ(rows(), before_);
  EXPECT_TRUE(own->write(ending_at(lsn(2), {one(Operation::insert, {3, "three"})}, {items_->name}), {}));
  EXPECT_EQ(rows(), "1|same\n2|two\n3|three\n4|four");
  EXPECT_EQ(compared(), "joining|adopt|0|2|1|0");
  EXPECT_TRUE(sink->write(joining(lsn(3), items_), {}));
  EXPECT_TRUE(own->finish_constraints({}));
  EXPECT_EQ(keys(), "of_item|t");
  EXPECT_EQ(compared(), "streaming|adopt|0|2|1|0");
}

// Chunks of different moments may hold one value twice, and a child before its parent.
TEST_F(R10_Existing, ConstraintsOfTheTargetMeetWholeTablesOnly) {
  reader_.run(
      "TRUNCATE items; ALTER TABLE items ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED;"
      "CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree DEFERRABLE INITIALLY DEFERRED)");
  const SchemaPtr tree = table("tree", {column("id", int_type), column("parent", int_type)});
  auto sink = opened(settings(), {items_, tree});
  sink->begin_load("fork-1", {start(items_), start(tree)}, {lsn(1), "evidence", 1});
  sink->add_chunks({{items_->name, 0, {}, {"5"}, 10}, {items_->name, 1, {"5"}, {}, 10}});
  sink->add_chunks({{tree->name, 0, {}, {"5"}, 10}, {tree->name, 1, {"5"}, {}, 10}});
  load_chunk(*sink, one(Operation::read, {1, "moved"}));
  load_chunk(*sink, one(Operation::read, {6, "moved"}), 1);
  for (const auto& [number, row] : {std::pair{0, std::pair{1, 6}}, std::pair{1, std::pair{6, 6}}}) {
    RowBatch batch(tree);
    add(batch, Operation::read, {row.first, row.second});
    load_chunk(*sink, batch, static_cast<std::uint32_t>(number));
  }
  EXPECT_TRUE(finish_load(*sink, {items_, tree}, {"mark-1"}));
  EXPECT_TRUE(
      sink->write(ending_at(lsn(2), {one(Operation::update, {1, "one"})}, {items_->name, tree->name}), {}));
  EXPECT_EQ(rows(), "1|one\n6|moved");
  EXPECT_EQ(reader_.table("SELECT * FROM tree ORDER BY id"), "1|6\n6|6");
}

}  // namespace
}  // namespace tailrace::postgres
