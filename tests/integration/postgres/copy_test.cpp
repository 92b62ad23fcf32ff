// R13: many new rows of a streaming table come by COPY, with the same answer as by INSERT.
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class R13_Copy : public SinkTest {
 protected:
  SchemaPtr docs_ = table("docs", {column("id", int_type), column("name", text_type, /*nullable=*/false),
                                   column("note", lob_type), column("body", lob_type)});

  RowBatch loaded() const {
    RowBatch batch(docs_);
    add(batch, Operation::read, {1, "one", "note 1", "body 1"});
    add(batch, Operation::read, {2, "two", "note 2", Null{}});
    return batch;
  }
  std::string rows() { return reader_.table("SELECT * FROM docs ORDER BY id"); }
  ChangeBatch changes(std::uint8_t end, const std::function<void(RowBatch&)>& fill) const {
    RowBatch batch(docs_);
    fill(batch);
    return ending_at(lsn(end), {batch});
  }
  // Tells by which way rows come: a rewritten INSERT has another text than the COPY.
  void watch_ways() {
    reader_.run(
        "CREATE TABLE ways (copied boolean);"
        "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO public.ways VALUES (current_query() LIKE 'COPY%'); RETURN NULL; END$$;"
        "CREATE TRIGGER watch AFTER INSERT ON docs FOR EACH STATEMENT EXECUTE FUNCTION watch()");
  }
  std::string ways() { return reader_.table("SELECT copied, count(*) FROM ways GROUP BY copied"); }
  Settings copying(std::size_t rows = 2) const {
    Settings made = settings();
    made.copy_rows = rows;
    return made;
  }
  std::unique_ptr<PostgresSink> streaming_copies(std::size_t rows = 2) {
    streaming({loaded()})->close();
    auto sink = opened(copying(rows), {docs_});
    watch_ways();
    return sink;
  }
};

// NULL, empty, values larger than what is sent at once, and rows that end exactly between two sendings.
TEST_F(R13_Copy, BringsEveryValue) {
  auto sink = streaming_copies();
  const std::string huge(1'000'000, 'x');
  EXPECT_TRUE(
      sink->write(changes(3,
                          [&](RowBatch& batch) {
                            add(batch, Operation::insert, {5, "five", Null{}, ""});
                            add(batch, Operation::insert, {-7, "minus seven", huge, Null{}});
                            add(batch, Operation::insert, {4, "", "払った", huge + "y"});
                            for (int id = 100; id < 600; ++id)
                              add(batch, Operation::insert, {id, "n", std::string(1000, 'z'), Null{}});
                            add(batch, Operation::update, {1, "uno", Absent{}, Absent{}});
                            add(batch, Operation::delete_, {2, Null{}, Null{}, Null{}});
                          }),
                  {}));
  EXPECT_EQ(ways(), "t|1");
  EXPECT_EQ(reader_.table("SELECT id, name, md5(note), md5(body) FROM docs WHERE id < 100 ORDER BY id"),
            reader_.table("SELECT -7, 'minus seven', md5(repeat('x', 1000000)), NULL UNION ALL"
                          " SELECT 1, 'uno', md5('note 1'), md5('body 1') UNION ALL"
                          " SELECT 4, '', md5('払った'), md5(repeat('x', 1000000) || 'y') UNION ALL"
                          " SELECT 5, 'five', NULL, md5('')"));
  EXPECT_EQ(
      reader_.value("SELECT count(*) FROM docs WHERE note = repeat('z', 1000) AND id BETWEEN 100 AND 599"),
      "500");
  EXPECT_EQ(position(), lsn(3).hex());
}

// Few rows are not worth the round trips.
TEST_F(R13_Copy, FewRowsComeByInsert) {
  auto sink = streaming_copies(3);
  for (const int rows : {2, 3}) {
    EXPECT_TRUE(sink->write(changes(static_cast<std::uint8_t>(1 + rows),
                                    [&](RowBatch& batch) {
                                      for (int i = 0; i < rows; ++i)
                                        add(batch, Operation::insert, {10 * rows + i, "n", Null{}, Null{}});
                                    }),
                            {}));
  }
  EXPECT_EQ(ways(), "f|1\nt|1");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "7");
}

// While catching up the row may be there already.
TEST_F(R13_Copy, NotWhileCatchingUp) {
  catching_up({loaded()})->close();
  auto sink = opened(copying(1), {docs_});
  EXPECT_TRUE(sink->write(changes(2,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::insert, {1, "again", Null{}, Null{}});
                                    add(batch, Operation::insert, {3, "three", Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|again|NULL|NULL\n2|two|note 2|NULL\n3|three|NULL|NULL");
}

// A row that is there, in the middle of many: nothing of the transaction lands, and the sink can be used again.
TEST_F(R13_Copy, ARefusedRowStops) {
  auto sink = streaming_copies();
  const auto insert = [](RowBatch& batch, int from) {
    add(batch, Operation::update, {1, "uno", Absent{}, Absent{}});
    for (int id = from; id < from + 3000; ++id)
      add(batch, Operation::insert, {id, "n", std::string(200, 'z'), Null{}});
  };
  std::string text;
  EXPECT_EQ(
      kind_of(
          [&] {
            static_cast<void>(sink->write(changes(3, [&](RowBatch& batch) { insert(batch, -1500); }), {}));
          },
          &text),
      ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("docs_pkey"));
  EXPECT_EQ(rows(), "1|one|note 1|body 1\n2|two|note 2|NULL");
  EXPECT_EQ(position(), lsn(2).hex());
  EXPECT_TRUE(sink->write(changes(3, [&](RowBatch& batch) { insert(batch, 10); }), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "3002");
}

// With dead letters the rows around a bad one land all the same.
TEST_F(R13_Copy, ARefusedRowIsToldApart) {
  streaming({loaded()})->close();
  Settings letters = copying();
  letters.dead_letters = true;
  auto sink = opened(letters, {docs_});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    for (int id = 2; id < 6; ++id)
                                      add(batch, Operation::insert, {id, "n", Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs WHERE name = 'n'"),
            "3 4 5");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "1");
}

// A conflict in the middle of the COPY: the transaction is done again.
TEST_F(R13_Copy, AConflictIsRepeated) {
  auto sink = streaming_copies();
  reader_.run(
      "CREATE SEQUENCE failures; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
      " IF NEW.id = 50 AND nextval('public.failures') < 3 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = "
      "'40P01'; END IF; RETURN NEW; END$$;"
      "CREATE TRIGGER fail BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION fail()");
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    for (int id = 10; id < 90; ++id)
                                      add(batch, Operation::insert, {id, "n", Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "82");
  EXPECT_EQ(reader_.value("SELECT last_value FROM failures"), "3");
}

// A connection that is lost in the middle of the COPY: nothing of the transaction is there, and no row's fault is seen in it.
TEST_F(R13_Copy, ALostConnectionMovesNothing) {
  auto sink = streaming_copies();
  reader_.run(
      "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.id = 50 THEN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END$$;"
      "CREATE TRIGGER leave BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION leave()");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(
                  changes(3,
                          [](RowBatch& batch) {
                            for (int id = 10; id < 3000; ++id)
                              add(batch, Operation::insert, {id, "n", std::string(2000, 'z'), Null{}});
                          }),
                  {}));
            }),
            ErrorKind::unavailable);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
  EXPECT_EQ(position(), lsn(2).hex());
}

// COPY takes the bytes of an int for a date, and asks no rule: such tables get their rows by INSERT, which knows.
TEST_F(R13_Copy, AnAlteredTableGetsItsRowsByInsert) {
  auto sink = streaming_copies();
  std::uint8_t end = 3;
  const auto write = [&] {
    return sink->write(changes(end,
                               [&](RowBatch& batch) {
                                 add(batch, Operation::insert, {10 * end, "n", Null{}, Null{}});
                                 add(batch, Operation::insert, {10 * end + 1, "m", Null{}, Null{}});
                               }),
                       {});
  };
  reader_.run("ALTER TABLE docs ALTER COLUMN id TYPE bigint");
  EXPECT_TRUE(write());
  EXPECT_EQ(ways(), "f|1");
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs WHERE id > 9"), "30 31");

  reader_.run("ALTER TABLE docs ALTER COLUMN id TYPE int");
  ++end;
  EXPECT_TRUE(write());
  EXPECT_EQ(ways(), "f|1\nt|1");

  reader_.run("ALTER TABLE docs ENABLE ROW LEVEL SECURITY");
  ++end;
  EXPECT_TRUE(write());
  EXPECT_EQ(ways(), "f|2\nt|1");
  reader_.run(
      "ALTER TABLE docs DISABLE ROW LEVEL SECURITY; CREATE RULE less AS ON INSERT TO docs WHERE NEW.name = "
      "'m'"
      " DO INSTEAD NOTHING");
  ++end;
  EXPECT_TRUE(write());
  EXPECT_EQ(ways(), "f|3\nt|1");
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs WHERE id > 59"), "60");

  reader_.run(
      "DROP RULE less ON docs; ALTER TABLE docs ALTER COLUMN id TYPE date USING '2026-11-23'::date + id");
  ++end;
  EXPECT_EQ(kind_of([&] { static_cast<void>(write()); }), ErrorKind::config);
}

// A transaction in parts is one, by whichever way its rows come.
TEST_F(R13_Copy, PartsAreOneTransaction) {
  auto sink = streaming_copies();
  RowBatch first(docs_);
  RowBatch second(docs_);
  for (int id = 10; id < 20; ++id)
    add(first, Operation::insert, {id, "n", Null{}, Null{}});
  for (int id = 10; id < 15; ++id)
    add(second, Operation::delete_, {id, Null{}, Null{}, Null{}});
  for (int id = 20; id < 30; ++id)
    add(second, Operation::insert, {id, "n", Null{}, Null{}});
  EXPECT_TRUE(sink->write(part({first}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {second}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "17");
  EXPECT_EQ(ways(), "t|2");
}

// A diverged key is replaced, delete before insert: among many new rows as well, although COPY comes before the deletes.
TEST_F(R13_Copy, ADivergedKeyAmongManyNewRowsIsReplaced) {
  streaming({loaded()})->close();
  Settings letters = settings();
  letters.dead_letters = true;
  auto sink = opened(letters, {docs_});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::insert, {2, "is there", Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT key FROM tailrace.diverged_key"), "{2}");
  sink->close();
  sink = opened(copying(), {docs_});
  EXPECT_TRUE(sink->write(changes(4,
                                  [](RowBatch& batch) {
                                    for (int id = 1; id < 5; ++id)
                                      add(batch, Operation::update, {id, "n", Null{}, Null{}});
                                    batch.header(2).operation = Operation::insert;
                                    batch.header(3).operation = Operation::insert;
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|n|NULL|NULL\n2|n|NULL|NULL\n3|n|NULL|NULL\n4|n|NULL|NULL");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.diverged_key"), "0");
}

}  // namespace
}  // namespace tailrace::postgres
