// R11: with errors.on_row: dead_letter a bad row is told from the others, kept, and passed over; nothing else is.
#include "postgres/inspect.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

class R11_DeadLetters : public SinkTest {
 protected:
  SchemaPtr docs_ = table("docs", {column("id", int_type), column("name", text_type, /*nullable=*/false),
                                   column("note", lob_type)});

  // The target refuses the name 'bad' and what is longer than 20 characters.
  void make_strict_target() {
    reader_.run(
        "CREATE TABLE docs (id int PRIMARY KEY, name varchar(50) NOT NULL"
        " CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%'), note text)");
  }
  Settings tolerant(const std::string& runner = "runner-a") const {
    Settings made = settings(runner);
    made.dead_letters = true;
    return made;
  }
  RowBatch loaded() const {
    RowBatch batch(docs_);
    for (int id = 1; id <= 5; ++id)
      add(batch, Operation::read, {id, "n" + std::to_string(id), "note"});
    return batch;
  }
  std::unique_ptr<PostgresSink> tolerant_stream(const std::vector<RowBatch>& rows) {
    std::vector<SchemaPtr> tables;
    std::vector<TableName> names;
    for (const RowBatch& each : rows) {
      tables.push_back(each.schema_ptr());
      names.push_back(each.schema().name);
    }
    auto sink = opened(tolerant(), tables);
    begin(*sink, tables);
    for (const RowBatch& each : rows)
      load_chunk(*sink, each);
    EXPECT_TRUE(finish_load(*sink, tables, {"m"}, {}));
    EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, names), {}));
    return sink;
  }
  ChangeBatch changes(std::uint8_t end, const std::function<void(RowBatch&)>& fill) const {
    RowBatch batch(docs_);
    fill(batch);
    for (std::size_t row = 0; row < batch.rows(); ++row)
      batch.header(row).commit_lsn = lsn(end);
    return ending_at(lsn(end), {batch});
  }
  std::string rows() { return reader_.table("SELECT * FROM docs ORDER BY id"); }
  std::string letters() {
    return reader_.table(
        "SELECT array_to_string(key, '/', '?'), operation, reason, coalesce(sqlstate, '-'),"
        " coalesce(constraint_name, '-'), coalesce(column_name, '-'), row_values"
        " FROM tailrace.dead_letter ORDER BY id");
  }
  std::string diverged() {
    return reader_.value(
        "SELECT coalesce(string_agg(source_table || key::text, ' ' ORDER BY source_table, key), '')"
        " FROM tailrace.diverged_key WHERE NOT in_shadow");
  }
};

// One bad row among many: it alone is passed over, with everything that is needed to mend it.
TEST_F(R11_DeadLetters, TheBadRowAloneIsPassedOver) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    for (int id = 10; id < 200; ++id)
                                      add(batch, Operation::insert, {id, id == 77 ? "bad one" : "good", "x"});
                                    add(batch, Operation::update, {1, "bad too", Absent{}});
                                    add(batch, Operation::update, {2, "fine", Absent{}});
                                    add(batch, Operation::delete_, {3, Null{}, Null{}});
                                    batch.header(0).commit_time = 637'134'336'000'000'000;
                                  }),
                          {}));
  EXPECT_EQ(letters(),
            "77|insert|refused|23514|no_bad|-|{\"id\": \"77\", \"name\": \"bad one\", \"note\": \"x\"}\n"
            "1|update|refused|23514|no_bad|-|{\"id\": \"1\", \"name\": \"bad too\"}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE name = 'good'"), "189");
  EXPECT_EQ(reader_.table("SELECT id, name FROM docs WHERE id < 10 ORDER BY id"), "1|n1\n2|fine\n4|n4\n5|n5");
  EXPECT_EQ(diverged(), "docs{1} docs{77}");
  EXPECT_EQ(position(), lsn(3).hex());
  EXPECT_EQ(reader_.value("SELECT DISTINCT encode(lsn, 'hex') FROM tailrace.dead_letter"), lsn(3).hex());
  EXPECT_EQ(sink->take_dead_letters().at(docs_->name), 2u);
  EXPECT_TRUE(sink->take_dead_letters().empty());
  const PipelineStatus status = read_status(tolerant(), {});
  EXPECT_EQ(status.tables.at(0).diverged_keys, 2u);
  EXPECT_EQ(status.tables.at(0).dead_letters, 2u);
}

// The good path pays nothing: the next commit point needs no savepoint, and a careful one ends with its position.
TEST_F(R11_DeadLetters, OnlyTheRefusedCommitPointIsAppliedCarefully) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  const auto one = [](int id, const char* name) {
    return [id, name](RowBatch& batch) { add(batch, Operation::insert, {id, name, Null{}}); };
  };
  EXPECT_TRUE(sink->write(changes(3, one(10, "bad")), {}));
  EXPECT_TRUE(sink->write(changes(4, one(11, "ok")), {}));
  // A row of a savepoint has a transaction id of its own.
  EXPECT_EQ(reader_.value("SELECT d.xmin = p.xmin FROM docs d, tailrace.pipeline p WHERE d.id = 11"), "t");
  EXPECT_TRUE(sink->write(changes(5, one(12, "bad")), {}));
  EXPECT_EQ(reader_.value("SELECT string_agg(key::text, '') FROM tailrace.dead_letter"), "{10}{12}");
}

// A value that no column could hold is noted by the source; the key itself may be one.
TEST_F(R11_DeadLetters, FaultsOfTheSourceAreLetters) {
  SchemaPtr named = table("named", {column("name", text_type, false), column("v", int_type)});
  auto sink = tolerant_stream({loaded(), RowBatch(named)});
  RowBatch docs(docs_);
  add(docs, Operation::insert, {10, "ok", Null{}});
  add(docs, Operation::insert, {11, Null{}, "x"});
  docs.add_fault({1, 1, RowFaultCode::zero_in_text, "U+0000 in name"});
  add(docs, Operation::update, {1, "ok", Null{}});
  docs.add_fault({2, 2, RowFaultCode::too_large, "note is too long"});
  add(docs, Operation::update, {2, "x", Null{}});  // The next change of the key mends it.
  docs.add_fault({3, 2, RowFaultCode::too_large, "note is too long"});
  add(docs, Operation::update, {2, "mended", "short"});
  RowBatch keys(named);
  add(keys, Operation::insert, {Null{}, 1});
  keys.add_fault({0, 0, RowFaultCode::lone_surrogate, "half a pair"});
  add(keys, Operation::insert, {"fine", 2});
  add(keys, Operation::update_before, {"fine", Null{}});
  add(keys, Operation::update, {Null{}, 3});
  keys.add_fault({3, 0, RowFaultCode::lone_surrogate, "half a pair"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {docs, keys}), {}));
  EXPECT_EQ(letters(),
            "11|insert|value|22021|-|name|{\"id\": \"11\", \"note\": \"x\"}\n"
            "1|update|value|54000|-|note|{\"id\": \"1\", \"name\": \"ok\"}\n"
            "?|insert|value|22021|-|name|{\"v\": \"1\"}\n"
            "?|update|value|22021|-|name|{\"v\": \"3\"}");
  EXPECT_EQ(reader_.table("SELECT * FROM docs WHERE id IN (1, 2, 10, 11) ORDER BY id"),
            "1|n1|note\n2|mended|short\n10|ok|NULL");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM named"), "0");
  EXPECT_EQ(diverged(), "docs{1} docs{11}");
}

// What comes after: a partial update cannot be applied to a row that is not there or not right, a full one heals, a
// delete clears.
TEST_F(R11_DeadLetters, LaterChangesOfADivergedKey) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    for (const int id : {10, 11, 12})
                                      add(batch, Operation::insert, {id, "bad", "x"});
                                    add(batch, Operation::update, {1, "bad", "x"});
                                    add(batch, Operation::update, {2, "bad", "x"});
                                  }),
                          {}));
  EXPECT_EQ(diverged(), "docs{1} docs{10} docs{11} docs{12} docs{2}");
  EXPECT_TRUE(sink->write(changes(4,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {10, "part", Absent{}});
                                    add(batch, Operation::update, {1, "part", Absent{}});
                                    add(batch, Operation::update, {11, "full", "row"});
                                    add(batch, Operation::delete_, {12, Null{}, Null{}});
                                    add(batch, Operation::update, {2, "whole", "again"});
                                    add(batch, Operation::update, {3, "good", Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|n1|note\n2|whole|again\n3|good|note\n4|n4|note\n5|n5|note\n11|full|row");
  EXPECT_EQ(diverged(), "docs{1} docs{10}");
  EXPECT_EQ(
      reader_.table(
          "SELECT key, reason, row_values FROM tailrace.dead_letter WHERE reason = 'diverged' ORDER BY id"),
      "{10}|diverged|{\"id\": \"10\", \"name\": \"part\"}\n{1}|diverged|{\"id\": \"1\", \"name\": \"part\"}");
  sink->close();
  sink = opened(tolerant("runner-b"), {docs_});  // The list outlives the run.
  EXPECT_TRUE(sink->write(changes(5,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::delete_, {10, Null{}, Null{}});
                                    add(batch, Operation::delete_, {1, Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(diverged(), "");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE id IN (1, 10)"), "0");
}

// The row that would lend the absent columns is not right: the new key must not be given what the old one shows.
TEST_F(R11_DeadLetters, AKeyChangeTakesNothingFromADivergedRow) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "bad", "newer"});
                                  }),
                          {}));
  EXPECT_TRUE(sink->write(changes(4,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update_before, {1, "?", Null{}});
                                    add(batch, Operation::update, {21, "moved", Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE id IN (1, 21)"), "0");
  EXPECT_EQ(diverged(), "docs{21}");
}

// R7c under dead letters: the change is kept, the others land.
TEST_F(R11_DeadLetters, ChangesWithoutTheirRow) {
  auto sink = tolerant_stream({loaded()});
  reader_.run("DELETE FROM docs WHERE id IN (1, 2, 4)");
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "x", Absent{}});
                                    add(batch, Operation::delete_, {2, Null{}, Null{}});
                                    add(batch, Operation::update, {3, "y", Absent{}});
                                    add(batch, Operation::update_before, {4, "?", Null{}});
                                    add(batch, Operation::update, {40, "z", Absent{}});
                                    add(batch, Operation::insert, {5, "again", "n"});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "3|y|note\n5|n5|note");
  EXPECT_EQ(reader_.table(
                "SELECT key, operation, reason, sqlstate FROM tailrace.dead_letter ORDER BY key, operation"),
            "{1}|update|missing|NULL\n{2}|delete|missing|NULL\n{4}|delete|missing|NULL\n"
            "{40}|update|missing|NULL\n{5}|insert|refused|23505");
  EXPECT_EQ(diverged(), "docs{1} docs{40} docs{5}");
}

// R8: the parts before a bad one are gone with their transaction; the source gives them again.
TEST_F(R11_DeadLetters, ATransactionInPartsIsReadAgain) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  const auto piece = [&](int first, int bad) {
    RowBatch batch(docs_);
    for (int id = first; id < first + 10; ++id) {
      const std::size_t row = add(batch, Operation::insert, {id, id == bad ? "bad" : "good", Null{}});
      batch.header(row).commit_lsn = lsn(3);
    }
    return batch;
  };
  const auto give = [&](PostgresSink& to) {
    return to.write(part({piece(10, 0)}), {}) && to.write(part({piece(20, 25)}), {}) &&
           to.write(ending_at(lsn(3), {piece(30, 39)}), {});
  };
  EXPECT_EQ(kind_of([&] { static_cast<void>(give(*sink)); }), ErrorKind::conflict);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "5");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "0");
  sink->close();
  sink = opened(tolerant("runner-b"), {docs_});
  EXPECT_TRUE(give(*sink));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE name = 'good'"), "28");
  EXPECT_EQ(diverged(), "docs{25} docs{39}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "2");
  EXPECT_EQ(position(), lsn(3).hex());
}

// Rows that wait in a temporary table for the transaction's end are refused there only.
TEST_F(R11_DeadLetters, GatheredRowsAreTakenApartAtTheEnd) {
  make_strict_target();
  reader_.run("CREATE INDEX ON docs ((1 / (id - 50)))");
  auto sink = tolerant_stream({loaded()});
  const auto pair = [&](RowBatch& batch, int from, int to, const char* name) {
    for (const auto& [operation, id] :
         {std::pair(Operation::update_before, from), std::pair(Operation::update, to)}) {
      const std::size_t row = add(batch, operation, {id, name, Absent{}});
      batch.header(row).commit_lsn = lsn(3);
    }
  };
  RowBatch first(docs_);
  pair(first, 1, 2, "was 1");
  RowBatch second(docs_);
  pair(second, 2, 1, "was 2");
  pair(second, 3, 30, "bad");
  pair(second, 4, 40, "good");
  pair(second, 5, 50, "not to be divided by");
  bool done = false;
  for (int attempt = 0; attempt < 4 && !done; ++attempt) {
    try {
      done = sink->write(part({first}), {}) && sink->write(ending_at(lsn(3), {second}), {});
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::conflict) << error.what();
      sink->close();
      sink = opened(tolerant("runner-b"), {docs_});
    }
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(rows(), "1|was 2|note\n2|was 1|note\n40|good|note");
  EXPECT_EQ(diverged(), "docs{30} docs{50}");
  EXPECT_EQ(reader_.table("SELECT key, operation, sqlstate FROM tailrace.dead_letter ORDER BY key"),
            "{30}|update|23514\n{50}|update|22012");
}

// A conflict in the middle of the search is no bad row: everything is done again, and no letter is there twice.
TEST_F(R11_DeadLetters, AConflictWhileSearchingIsNotData) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  reader_.run(
      "CREATE SEQUENCE passes; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
      " IF nextval('public.passes') IN (40, 90) THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END "
      "IF; "
      "RETURN NEW; END$$;"
      "CREATE TRIGGER fail BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION fail()");
  EXPECT_TRUE(
      sink->write(changes(3,
                          [](RowBatch& batch) {
                            for (int id = 10; id < 42; ++id)
                              add(batch, Operation::insert, {id, id % 16 == 0 ? "bad" : "ok", Null{}});
                          }),
                  {}));
  EXPECT_GT(std::stoi(reader_.value("SELECT last_value FROM passes")), 90);
  EXPECT_EQ(diverged(), "docs{16} docs{32}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "2");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE name = 'ok'"), "30");
}

// A chunk is refused as a whole: it is given again, and its bad rows are found.
TEST_F(R11_DeadLetters, AChunksBadRowsAreTakenApart) {
  make_strict_target();
  auto sink = opened(tolerant(), {docs_});
  begin(*sink, {docs_});
  RowBatch batch(docs_);
  for (int id = 1; id <= 100; ++id)
    add(batch, Operation::read, {id, id == 42 || id == 43 ? "bad" : "good", "x"});
  batch.add_fault({98, 2, RowFaultCode::zero_in_text, "U+0000 in note"});
  const auto writer = sink->chunk_writer();
  const auto give = [&] {
    EXPECT_EQ(writer->begin(docs_, whole(docs_), {}), ChunkBegin::begun);
    EXPECT_TRUE(writer->write(batch, {}));
    return writer->finish({});
  };
  EXPECT_EQ(kind_of([&] { give(); }), ErrorKind::data);
  EXPECT_TRUE(writer->wants_again());
  EXPECT_EQ(give(), 97u);
  EXPECT_EQ(letters(),
            "99|read|value|22021|-|note|{\"id\": \"99\", \"name\": \"good\"}\n"
            "42|read|refused|23514|no_bad|-|{\"id\": \"42\", \"name\": \"bad\", \"note\": \"x\"}\n"
            "43|read|refused|23514|no_bad|-|{\"id\": \"43\", \"name\": \"bad\", \"note\": \"x\"}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "97");
  EXPECT_EQ(reader_.table("SELECT done, rows FROM tailrace.snapshot_chunk"), "t|97");
  EXPECT_EQ(sink->take_dead_letters().at(docs_->name), 3u);
  // The replay of such a key neither stops nor waits for the source.
  EXPECT_TRUE(finish_load(*sink, {docs_}, {"m"}, {}));
  ChangeBatch replay = changes(2, [](RowBatch& rows) { add(rows, Operation::update, {42, "p", Absent{}}); });
  replay.caught_up = {docs_->name};
  EXPECT_TRUE(sink->write(replay, {}));
  EXPECT_TRUE(sink->parked_keys().empty());
  EXPECT_EQ(diverged(), "docs{42} docs{43} docs{99}");
}

// Nothing was read since the position: the table that joins is refused as it would be with any other end.
TEST_F(R11_DeadLetters, AJoinThatIsRefusedEnds) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  RowBatch batch(docs_);
  add(batch, Operation::read, {1, "bad", "x"});
  const auto own = load_shadow(*sink, batch);
  EXPECT_EQ(kind_of([&] { static_cast<void>(own->write(ending_at(lsn(1), {}, {docs_->name}), {})); }),
            ErrorKind::data);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "5");
}

// Its own sink was a moment behind the stream, and the rows between the two are bad: they are read once more there, and the
// stream goes on meanwhile.
TEST_F(R11_DeadLetters, ABadRowOfATableThatJoinsIsItsOwn) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  take_out(*sink, docs_);
  auto own = own_sink(*sink, docs_);
  own->rejoin();
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {}), {}));
  RowBatch bad(docs_);
  add(bad, Operation::update, {1, "bad", "x"});
  bad.header(0).commit_lsn = lsn(4);
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(joining(lsn(5), docs_, {bad}), {})); }),
            ErrorKind::conflict);
  EXPECT_EQ(reader_.value("SELECT outside FROM tailrace.table_state"), "t");
  EXPECT_TRUE(own->write(ending_at(lsn(5), {bad}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "1");
  own.reset();
  sink->close();
  sink = opened(tolerant("runner-b"), {docs_});
  own = own_sink(*sink, docs_);
  EXPECT_TRUE(sink->write(joining(lsn(5), docs_), {}));
  EXPECT_EQ(reader_.value("SELECT state FROM tailrace.table_state"), "streaming");
}

// What was passed over while it was opted into is not passed over any more.
TEST_F(R11_DeadLetters, WithStopADivergedKeyStops) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "bad", "x"});
                                  }),
                          {}));
  sink->close();
  sink = opened(settings("runner-b"), {docs_});
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(changes(4,
                                                    [](RowBatch& batch) {
                                                      add(batch, Operation::update, {1, "part", Absent{}});
                                                    }),
                                            {}));
            }),
            ErrorKind::data);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "1");
  EXPECT_EQ(position(), lsn(3).hex());
}

// A row that comes from a key which was never in the target must not be completed from the row that its new key had.
TEST_F(R11_DeadLetters, AKeyChangeFromAFaultyKeyTakesNothingFromTheRowBefore) {
  SchemaPtr named =
      table("named", {column("name", text_type, false), column("v", int_type), column("note", lob_type)});
  RowBatch old(named);
  add(old, Operation::read, {"b", 1, "old note"});
  auto sink = tolerant_stream({old});
  RowBatch keys(named);
  add(keys, Operation::delete_, {"b", Null{}, Null{}});
  add(keys, Operation::update_before, {Null{}, Null{}, Null{}});
  keys.add_fault({1, 0, RowFaultCode::lone_surrogate, "half a pair"});
  add(keys, Operation::update, {"b", 2, Absent{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {keys}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM named WHERE v = 2"), "0");
  EXPECT_EQ(diverged(), "named{b}");
}

// The old row ends with the change: what it alone knew must be in the letter.
TEST_F(R11_DeadLetters, ALetterOfAKeyChangeHasWhatItTookAlong) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update_before, {1, "?", Null{}});
                                    add(batch, Operation::update, {21, "bad", Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT row_values FROM tailrace.dead_letter"),
            "{\"id\": \"21\", \"name\": \"bad\", \"note\": \"note\"}");
}

// A constraint that is deferrable may still be checked at once: between the halves of a search it must not be.
TEST_F(R11_DeadLetters, HalvesDoNotMeetConstraintsThatTheWholeKeeps) {
  reader_.run(
      "CREATE TABLE docs (id int PRIMARY KEY, name varchar(50) NOT NULL UNIQUE DEFERRABLE"
      " CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%'), note text)");
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update_before, {1, "?", Null{}});
                                    add(batch, Operation::update, {1, "n1 no more", Absent{}});
                                    add(batch, Operation::insert, {10, "n2", Null{}});
                                    add(batch, Operation::insert, {11, "bad", Null{}});
                                    add(batch, Operation::update, {2, "n2 no more", Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(diverged(), "docs{11}");
  EXPECT_EQ(reader_.table("SELECT id, name FROM docs WHERE id IN (1, 2, 10) ORDER BY id"),
            "1|n1 no more\n2|n2 no more\n10|n2");
}

// Failures that only the end of a commit point shows.
class R11_DeferredConstraints : public R11_DeadLetters {
 protected:
  R11_DeferredConstraints() {
    auto people = std::make_shared<TableSchema>(
        *table("people", {column("id", int_type), column("code", int_type), column("email", text_type)}));
    people->unique_constraints = {{"uq_code", {1}, ""}, {"uq_email", {2}, "([email] IS NOT NULL)"}};
    people_ = people;
    auto orders =
        std::make_shared<TableSchema>(*table("orders", {column("id", int_type), column("person", int_type)}));
    orders->foreign_keys = {{"fk_person", {1}, {"dbo", "people"}, {"id"}, true}};
    orders_ = orders;
  }
  std::unique_ptr<PostgresSink> constrained() {
    RowBatch people(people_);
    for (int id = 1; id <= 4; ++id)
      add(people, Operation::read, {id, id * 10, "mail" + std::to_string(id)});
    RowBatch orders(orders_);
    add(orders, Operation::read, {100, 1});
    auto sink = tolerant_stream({people, orders});
    EXPECT_TRUE(sink->finish_constraints({}));
    return sink;
  }
  static RowBatch at(RowBatch batch, std::uint8_t number) {
    for (std::size_t row = 0; row < batch.rows(); ++row)
      batch.header(row).commit_lsn = lsn(number);
    return batch;
  }
  std::string causes() {
    return reader_.table(
        "SELECT source_table, key, operation, reason, sqlstate, constraint_name FROM tailrace.dead_letter"
        " ORDER BY source_table, key");
  }
  SchemaPtr people_;
  SchemaPtr orders_;
};

TEST_F(R11_DeferredConstraints, OffendersAreFoundByKey) {
  auto sink = constrained();
  RowBatch people(people_);
  add(people, Operation::insert, {5, 50, "mail5"});
  add(people, Operation::insert, {6, 10, "mail6"});  // The code of 1.
  add(people, Operation::insert, {7, 70, "mail2"});  // The address of 2.
  add(people, Operation::update, {3, 40, "mail3"});  // 3 and 4 change codes:
  add(people, Operation::update, {4, 30, "mail4"});  // that is no offence.
  RowBatch orders(orders_);
  add(orders, Operation::insert, {101, 5});
  add(orders, Operation::insert, {102, 99});  // Nobody.
  add(orders, Operation::insert, {103, 6});   // A person who is kept back.
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {at(people, 3), at(orders, 3)}), {}));
  EXPECT_EQ(causes(),
            "orders|{102}|insert|constraint|23503|fk_person\norders|{103}|insert|constraint|23503|fk_person\n"
            "people|{6}|insert|constraint|23505|uq_code\npeople|{7}|insert|constraint|23P01|uq_email");
  EXPECT_EQ(reader_.table("SELECT id, code FROM people ORDER BY id"), "1|10\n2|20\n3|40\n4|30\n5|50");
  EXPECT_EQ(reader_.table("SELECT id FROM orders ORDER BY id"), "100\n101");
  EXPECT_EQ(diverged(), "orders{102} orders{103} people{6} people{7}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.rejected_key"), "0");
}

// Both rows were written now: the one that had the code before keeps it, wherever its key stands.
TEST_F(R11_DeferredConstraints, AGoodUpdateIsNoLetterBesideANewRowOfItsCode) {
  auto sink = constrained();
  RowBatch people(people_);
  add(people, Operation::update, {4, 40, "moved"});
  add(people, Operation::update, {1, 20, "mail1"});
  add(people, Operation::insert, {0, 40, "mail0"});
  add(people, Operation::update, {2, 20, "moved too"});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {at(people, 3)}), {}));
  EXPECT_EQ(causes(),
            "people|{0}|insert|constraint|23505|uq_code\npeople|{1}|update|constraint|23505|uq_code");
  EXPECT_EQ(reader_.table("SELECT id, code, email FROM people WHERE id IN (0, 1, 2, 4) ORDER BY id"),
            "1|10|mail1\n2|20|moved too\n4|40|moved");
}

// The child was never touched: the parent may not go.
TEST_F(R11_DeferredConstraints, AParentThatIsStillNeededStays) {
  auto sink = constrained();
  RowBatch people(people_);
  add(people, Operation::delete_, {1, Null{}, Null{}});
  add(people, Operation::delete_, {2, Null{}, Null{}});
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {at(people, 3)}), {}));
  EXPECT_EQ(causes(), "people|{1}|delete|constraint|23503|fk_person");
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM people"), "1,3,4");
  EXPECT_EQ(diverged(), "people{1}");
}

TEST_F(R11_DeferredConstraints, InALargeTransactionTheyAreFoundByAnotherReading) {
  auto sink = constrained();
  RowBatch first(orders_);
  add(first, Operation::insert, {200, 98});
  add(first, Operation::insert, {201, 2});
  RowBatch second(people_);
  add(second, Operation::insert, {8, 80, "mail8"});
  add(second, Operation::insert, {9, 80, "mail9"});
  const auto give = [&](PostgresSink& to) {
    return to.write(part({at(first, 3)}), {}) && to.write(part({at(second, 3)}), {}) &&
           to.write(ending_at(lsn(3), {}), {});
  };
  int attempts = 0;
  for (;; ++attempts) {
    try {
      ASSERT_TRUE(give(*sink));
      break;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::conflict) << error.what();
      ASSERT_LT(attempts, 5);
    }
    EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "0");
    sink->close();
    sink = opened(tolerant("runner-b"), {people_, orders_});
  }
  EXPECT_EQ(attempts, 3);  // The first failure, then one for each constraint.
  EXPECT_EQ(causes(),
            "orders|{200}|insert|constraint|23503|fk_person\npeople|{9}|insert|constraint|23505|uq_code");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.rejected_key"), "0");
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM people"), "1,2,3,4,8");
}

// After the reading that learnt of them the commit points may end elsewhere, and one key may offend in several.
TEST_F(R11_DeferredConstraints, AKeyOffendsAgainInTheNextCommitPoint) {
  auto sink = constrained();
  const auto order = [&](int id, int person, std::uint8_t number) {
    RowBatch rows(orders_);
    add(rows, Operation::insert, {id, person});
    return at(rows, number);
  };
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(part({order(200, 98, 3)}), {}) &&
                                sink->write(ending_at(lsn(6), {order(201, 97, 6)}), {}));
            }),
            ErrorKind::conflict);
  sink->close();
  sink = opened(tolerant("runner-b"), {people_, orders_});
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {order(200, 98, 3)}), {}));
  RowBatch again(orders_);
  add(again, Operation::update, {200, 96});
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {at(again, 5)}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(6), {order(201, 97, 6)}), {}));
  EXPECT_EQ(reader_.value("SELECT string_agg(key::text, '' ORDER BY id) FROM tailrace.dead_letter"),
            "{200}{200}{201}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.rejected_key"), "0");
}

// A constraint that the loaded rows break, because one of them is a letter, must not stop the others.
TEST_F(R11_DeferredConstraints, AConstraintThatCannotBeMadeIsSaid) {
  reader_.run("CREATE TABLE people (id int PRIMARY KEY CHECK (id <> 1), code int, email varchar(50))");
  RowBatch people(people_);
  add(people, Operation::read, {1, 10, "a"});
  add(people, Operation::read, {2, 20, "b"});
  RowBatch orders(orders_);
  add(orders, Operation::read, {100, 1});
  const std::vector<SchemaPtr> tables{people_, orders_};
  auto sink = opened(tolerant(), tables);
  begin(*sink, tables);
  const auto writer = sink->chunk_writer();
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_EQ(writer->begin(people_, whole(people_), {}), ChunkBegin::begun);
    ASSERT_TRUE(writer->write(people, {}));
    if (attempt == 0) {
      EXPECT_EQ(kind_of([&] { static_cast<void>(writer->finish({})); }), ErrorKind::data);
      ASSERT_TRUE(writer->wants_again());
    }
  }
  EXPECT_EQ(writer->finish({}), 1u);
  load_chunk(*sink, orders);
  EXPECT_TRUE(finish_load(*sink, tables, {"m"}, {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, {people_->name, orders_->name}), {}));
  EXPECT_TRUE(sink->finish_constraints({}));
  EXPECT_EQ(reader_.table("SELECT conname, convalidated FROM pg_constraint WHERE contype IN ('u', 'x', 'f')"
                          " AND connamespace = 'public'::regnamespace ORDER BY conname"),
            "fk_person|f\nuq_code|t\nuq_email|t");
}

// The same where the commit point comes in parts: the bad row's part must not be answered for by the stream's next one.
TEST_F(R11_DeadLetters, ABadRowOfATableThatJoinsInPartsIsItsOwn) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  take_out(*sink, docs_);
  own_sink(*sink, docs_)->rejoin();
  EXPECT_TRUE(sink->write(ending_at(lsn(5), {}), {}));
  RowBatch bad(docs_);
  add(bad, Operation::update, {1, "bad", "x"});
  bad.header(0).commit_lsn = lsn(4);
  ChangeBatch first = part({bad});
  first.joining = {docs_};
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  static_cast<void>(sink->write(first, {}));
                  static_cast<void>(sink->write(ending_at(lsn(6), {}), {}));
                },
                &text),
            ErrorKind::conflict);
  EXPECT_THAT(text, ::testing::HasSubstr("a table that joins"));
  EXPECT_EQ(reader_.value("SELECT careful_until IS NULL FROM tailrace.pipeline"), "t");
}

// A table outside the stream has nobody who would remember what was learnt of a large transaction: its first part is repeated
// at once, and the others with it are told apart.
TEST_F(R11_DeadLetters, ALargeTransactionOfATableOutsideIsToldApart) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  take_out(*sink, docs_);
  auto own = own_sink(*sink, docs_);
  own->rejoin();
  const auto piece = [&](int first, int bad) {
    RowBatch batch(docs_);
    for (int id = first; id < first + 10; ++id) {
      const std::size_t row = add(batch, Operation::insert, {id, id == bad ? "bad" : "good", Null{}});
      batch.header(row).commit_lsn = lsn(5);
    }
    return batch;
  };
  EXPECT_TRUE(own->write(part({piece(10, 15)}), {}));
  EXPECT_TRUE(own->write(part({piece(20, 25)}), {}));
  EXPECT_TRUE(own->write(ending_at(lsn(5), {piece(30, 0)}), {}));
  EXPECT_EQ(diverged(), "docs{15} docs{25}");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE name = 'good'"), "28");
}

// A key that a part makes whole again is whole for the next one, which gathers: its partial update is no letter.
TEST_F(R11_DeadLetters, AKeyThatAPartMadeWholeIsWholeWhereTheNextGathers) {
  make_strict_target();
  auto sink = tolerant_stream({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "bad", "x"});
                                  }),
                          {}));
  EXPECT_EQ(diverged(), "docs{1}");
  RowBatch whole(docs_);
  add(whole, Operation::update, {1, "whole", "again"});
  RowBatch moving(docs_);
  add(moving, Operation::update, {1, "in part", Absent{}});
  add(moving, Operation::update_before, {2, Null{}, Null{}});
  add(moving, Operation::update, {20, "moved", Absent{}});
  for (RowBatch* const batch : {&whole, &moving}) {
    for (std::size_t row = 0; row < batch->rows(); ++row)
      batch->header(row).commit_lsn = lsn(4);
  }
  EXPECT_TRUE(sink->write(part({whole}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {moving}), {}));
  EXPECT_EQ(reader_.table("SELECT * FROM docs WHERE id IN (1, 2, 20) ORDER BY id"),
            "1|in part|again\n20|moved|note");
  EXPECT_EQ(diverged(), "");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "1");
}

}  // namespace
}  // namespace tailrace::postgres
