// R7, R8, R13: changes become rows, exactly.
#include <thread>

#include "postgres/inspect.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

// id, name NOT NULL, note (a LOB that updates may leave out), body (another).
class R07_UnchangedColumns : public SinkTest {
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
};

// The same tables, under the rules that their tests guard.
class R08_Parts : public R07_UnchangedColumns {};
class R11_Stop : public R07_UnchangedColumns {};
class R13_Bulk : public R07_UnchangedColumns {};
class R04_Instance : public R07_UnchangedColumns {};

// From which capture instance changes come is a part of the position: one without the other would lose what lies between.
TEST_F(R04_Instance, AnotherOneIsDurableWithItsPosition) {
  const CaptureInstance second{"orders_v2", 77, "2026-11-23T00:00:00.0000000", lsn(3)};
  const TableName name = loaded().schema().name;
  const auto stored = [&] {
    auto again = std::make_unique<PostgresSink>(settings());
    const ResumeState state = again->open(false, {});
    again->close();
    return state;
  };
  auto sink = streaming({loaded()});
  ChangeBatch refused = changes(3, [](RowBatch& batch) {
    add(batch, Operation::insert, {1, "is there", Null{}, Null{}});
  });
  refused.switched = {{name, second}};
  EXPECT_THROW(static_cast<void>(sink->write(refused, {})), Error);
  sink->close();
  EXPECT_EQ(stored().position->lsn, lsn(2));
  EXPECT_FALSE(stored().tables.at(name).instance.same_as(second));

  sink = opened(settings(), {loaded().schema_ptr()});
  ChangeBatch batch = ending_at(lsn(3), {});
  batch.switched = {{name, second}};
  EXPECT_TRUE(sink->write(batch, {}));
  sink->close();
  EXPECT_EQ(stored().position->lsn, lsn(3));
  EXPECT_TRUE(stored().tables.at(name).instance.same_as(second));
  EXPECT_EQ(stored().tables.at(name).instance.start_lsn, lsn(3));
}

// NULL, absent and empty are three things; a column that the source did not say keeps its value.
TEST_F(R07_UnchangedColumns, AbsentNullAndEmptyDiffer) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "uno", Absent{}, ""});
                                    add(batch, Operation::update, {2, "dos", Null{}, Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|uno|note 1|\n2|dos|NULL|NULL");
}

// name is NOT NULL and absent here: an INSERT ... ON CONFLICT would be refused before the conflict is looked at.
TEST_F(R07_UnchangedColumns, AnAbsentNotNullColumnIsKept) {
  auto sink = catching_up({loaded()});
  EXPECT_TRUE(sink->write(changes(2,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, Absent{}, "new note", Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|one|new note|body 1\n2|two|note 2|NULL");
}

// R7b, each line one rule.
TEST_F(R07_UnchangedColumns, ChangesOfOneKeyMerge) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(
      changes(3,
              [](RowBatch& batch) {
                add(batch, Operation::insert, {3, "three", "n", "b"});  // insert + partial = full
                add(batch, Operation::update, {3, "tres", Absent{}, "b2"});
                add(batch, Operation::update, {1, "x", "n2", Absent{}});  // partial + partial = union
                add(batch, Operation::update, {1, "y", Absent{}, "b3"});
                add(batch, Operation::delete_, {2, Null{}, Null{}, Null{}});  // delete, insert = replacement
                add(batch, Operation::insert, {2, "deux", Null{}, Null{}});
                add(batch, Operation::insert, {4, "four", Null{}, Null{}});  // came and went
                add(batch, Operation::delete_, {4, Null{}, Null{}, Null{}});
              }),
      {}));
  EXPECT_EQ(rows(), "1|y|n2|b3\n2|deux|NULL|NULL\n3|tres|n|b2");
}

TEST_F(R07_UnchangedColumns, DeleteWins) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "x", Absent{}, Absent{}});
                                    add(batch, Operation::delete_, {1, Null{}, Null{}, Null{}});
                                    add(batch, Operation::delete_, {2, Null{}, Null{}, Null{}});
                                    add(batch, Operation::insert, {2, "a", "b", "c"});
                                    add(batch, Operation::delete_, {2, Null{}, Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(rows(), "");
}

// R7c: after the high mark a missing row is a divergence, and nothing of the transaction may stay.
TEST_F(R07_UnchangedColumns, AMissingRowStopsAStreamingTable) {
  for (const Operation operation : {Operation::update, Operation::delete_}) {
    reader_.run("DROP SCHEMA IF EXISTS tailrace CASCADE; DROP TABLE IF EXISTS docs");
    auto sink = streaming({loaded()});
    reader_.run("DELETE FROM docs WHERE id = 2");
    std::string text;
    const auto write = [&] {
      static_cast<void>(
          sink->write(changes(3,
                              [&](RowBatch& batch) {
                                add(batch, Operation::update, {1, "changed", Absent{}, Absent{}});
                                add(batch, operation, {2, "two", Absent{}, Null{}});
                              }),
                      {}));
    };
    EXPECT_EQ(kind_of(write, &text), ErrorKind::data);
    EXPECT_THAT(text, ::testing::HasSubstr("source and target have diverged"));
    EXPECT_THAT(text, ::testing::HasSubstr("dbo.docs"));
    EXPECT_THAT(text, ::testing::HasSubstr("id=2"));
    EXPECT_EQ(rows(), "1|one|note 1|body 1");
    EXPECT_EQ(position(), lsn(2).hex());
    sink->close();
  }
}

// A full update finds nothing either: it would otherwise bring back a row that somebody deleted.
TEST_F(R07_UnchangedColumns, AFullUpdateOfAMissingRowStopsToo) {
  auto sink = streaming({loaded()});
  reader_.run("DELETE FROM docs WHERE id = 1");
  EXPECT_EQ(kind_of([&] {
              static_cast<void>(sink->write(changes(3,
                                                    [](RowBatch& batch) {
                                                      add(batch, Operation::update, {1, "x", "y", "z"});
                                                    }),
                                            {}));
            }),
            ErrorKind::data);
}

TEST_F(R07_UnchangedColumns, AnInsertOfARowThatIsThereStops) {
  auto sink = streaming({loaded()});
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  static_cast<void>(sink->write(changes(3,
                                                        [](RowBatch& batch) {
                                                          add(batch, Operation::insert, {1, "x", "y", "z"});
                                                        }),
                                                {}));
                },
                &text),
            ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("(id)=(1)"));
}

// While catching up the same is normal: the snapshot was taken later than these changes.
TEST_F(R07_UnchangedColumns, CatchingUpIsIdempotent) {
  auto sink = catching_up({loaded()});
  const auto replay = [](RowBatch& batch) {
    add(batch, Operation::insert, {1, "one", "note 1", "body 1"});
    add(batch, Operation::delete_, {9, Null{}, Null{}, Null{}});
    add(batch, Operation::update, {3, "three", "full", "image"});
  };
  EXPECT_TRUE(sink->write(changes(2, replay), {}));
  EXPECT_TRUE(sink->write(changes(3, replay), {}));
  EXPECT_EQ(rows(), "1|one|note 1|body 1\n2|two|note 2|NULL\n3|three|full|image");
  EXPECT_TRUE(sink->parked_keys().empty());
}

TEST_F(R07_UnchangedColumns, ParkedKeysAreSettledByTheSource) {
  auto sink = catching_up({loaded()});
  EXPECT_TRUE(sink->write(
      changes(2,
              [](RowBatch& batch) {
                add(batch, Operation::update, {7, "a", Absent{}, Absent{}});   // Stays parked.
                add(batch, Operation::update, {8, "b", Absent{}, Absent{}});   // Deleted later.
                add(batch, Operation::update, {9, "c", Absent{}, Absent{}});   // Whole later.
                add(batch, Operation::update, {10, "d", Absent{}, Absent{}});  // Gone at the source.
              }),
      {}));
  EXPECT_EQ(sink->parked_keys().at(0).keys.size(), 4u);
  ChangeBatch mark = changes(3, [](RowBatch& batch) {
    add(batch, Operation::delete_, {8, Null{}, Null{}, Null{}});
    add(batch, Operation::update, {9, "c", "n", "b"});
  });
  mark.caught_up = {docs_->name};
  EXPECT_TRUE(sink->write(mark, {}));
  EXPECT_EQ(reader_.value("SELECT state FROM tailrace.table_state"), "catching_up");
  sink->close();

  sink = opened(settings("runner-b"), {docs_});  // Parked keys survive a restart.
  ParkedKeys parked = sink->parked_keys().at(0);
  EXPECT_THAT(parked.keys,
              ::testing::UnorderedElementsAre(std::vector<std::string>{"7"}, std::vector<std::string>{"10"}));
  RowBatch read(docs_);
  add(read, Operation::read, {7, "seven", "from", "source"});
  sink->settle_parked(parked, read, {"mark-2"});
  EXPECT_TRUE(sink->parked_keys().empty());
  EXPECT_EQ(reader_.table("SELECT state, high_mark FROM tailrace.table_state"), "catching_up|mark-2");
  ChangeBatch end = changes(4, [](RowBatch& batch) {
    add(batch, Operation::update, {7, "siete", Absent{}, Absent{}});
  });
  end.caught_up = {docs_->name};
  EXPECT_TRUE(sink->write(end, {}));
  EXPECT_EQ(reader_.value("SELECT state FROM tailrace.table_state"), "streaming");
  EXPECT_EQ(reader_.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM docs"), "1,2,7,9");
  EXPECT_EQ(reader_.table("SELECT * FROM docs WHERE id = 7"), "7|siete|from|source");
}

// R7e: the row keeps its absent columns under its new key, along a chain as well, and keys may be exchanged.
class R07_KeyChanges : public R07_UnchangedColumns {
 protected:
  static void move(RowBatch& batch, int from, int to, const char* name, std::int32_t command) {
    batch.header(add(batch, Operation::update_before, {from, "?", Null{}, Null{}})).command_id = command;
    batch.header(add(batch, Operation::update, {to, name, Absent{}, Absent{}})).command_id = command;
  }
};

TEST_F(R07_KeyChanges, CarryAbsentColumns) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(changes(3, [](RowBatch& batch) { move(batch, 1, 11, "moved", 1); }), {}));
  EXPECT_EQ(rows(), "2|two|note 2|NULL\n11|moved|note 1|body 1");
}

TEST_F(R07_KeyChanges, ChainsCarryToo) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    move(batch, 1, 11, "a", 1);
                                    move(batch, 11, 12, "b", 2);
                                    move(batch, 2, 1, "c", 3);
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|c|note 2|NULL\n12|b|note 1|body 1");
}

TEST_F(R07_KeyChanges, OneStatementMayExchangeKeys) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    move(batch, 1, 2, "was one", 1);
                                    move(batch, 2, 1, "was two", 1);
                                  }),
                          {}));
  EXPECT_EQ(rows(), "1|was two|note 2|NULL\n2|was one|note 1|body 1");
}

TEST_F(R07_KeyChanges, FromAMissingRowStops) {
  auto sink = streaming({loaded()});
  EXPECT_EQ(
      kind_of([&] {
        static_cast<void>(sink->write(changes(3, [](RowBatch& batch) { move(batch, 5, 6, "x", 1); }), {}));
      }),
      ErrorKind::data);
}

TEST_F(R07_KeyChanges, CatchingUpParksTheNewKey) {
  auto sink = catching_up({loaded()});
  EXPECT_TRUE(sink->write(changes(2, [](RowBatch& batch) { move(batch, 5, 6, "x", 1); }), {}));
  EXPECT_EQ(sink->parked_keys().at(0).keys, (std::vector<std::vector<std::string>>{{"6"}}));
}

// The snapshot was taken after the row had moved on and another one had come to its key: what that one holds is not the moved
// row's.
TEST_F(R07_KeyChanges, CatchingUpCarriesNothingFromALaterRow) {
  auto sink = catching_up(
      {loaded()});  // At the source 1 was another row, became 2, and a new 1 came, before the load.
  EXPECT_TRUE(sink->write(changes(2,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::delete_, {2, Null{}, Null{}, Null{}});
                                    move(batch, 1, 2, "two", 1);
                                    add(batch, Operation::insert, {1, "one", "note 1", "body 1"});
                                  }),
                          {}));
  EXPECT_EQ(sink->parked_keys().at(0).keys, (std::vector<std::vector<std::string>>{{"2"}}));
}

// The halves of an exchange lie in two parts: the key that a row gets is still another row's.
TEST_F(R07_KeyChanges, AnExchangeInTwoParts) {
  for (const bool streams : {true, false}) {
    reader_.run("DROP SCHEMA IF EXISTS tailrace CASCADE; DROP TABLE IF EXISTS docs");
    auto sink = streams ? streaming({loaded()}) : catching_up({loaded()});
    RowBatch first(docs_);
    move(first, 1, 2, "was one", 1);
    RowBatch second(docs_);
    move(second, 2, 1, "was two", 1);
    EXPECT_TRUE(sink->write(part({first}), {}));
    EXPECT_TRUE(sink->write(ending_at(lsn(3), {second}), {}));
    if (streams) {
      EXPECT_EQ(rows(), "1|was two|note 2|NULL\n2|was one|note 1|body 1");
      EXPECT_TRUE(sink->parked_keys().empty());
    } else {
      // The snapshot may have seen the exchange, or not.
      EXPECT_EQ(sink->parked_keys().at(0).keys, (std::vector<std::vector<std::string>>{{"1"}, {"2"}}));
    }
    sink->close();
  }
}

// Every row gets its neighbour's key, one row a part; then other statements of the same transaction go on with them.
TEST_F(R07_KeyChanges, AShiftOverManyParts) {
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(
      changes(3,
              [](RowBatch& batch) {
                for (int id = 3; id <= 6; ++id)
                  add(batch, Operation::insert, {id, "row", "note " + std::to_string(id), Null{}});
              }),
      {}));
  for (int id = 1; id <= 6; ++id) {
    RowBatch batch(docs_);
    move(batch, id, id + 1, "shifted", 1);
    if (id == 6) {
      move(batch, 7, 70, "twice", 2);  // The row that came from 6.
      add(batch, Operation::update, {3, Absent{}, Absent{}, "later"});
      add(batch, Operation::delete_, {4, Null{}, Null{}, Null{}});
      add(batch, Operation::insert, {1, "new", "one", "here"});
    }
    EXPECT_TRUE(sink->write(part({batch}), {}));
  }
  RowBatch last(docs_);
  move(last, 70, 4, "again", 3);
  add(last, Operation::update, {4, Absent{}, Absent{}, "end"});
  EXPECT_TRUE(sink->write(part({last}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "6");  // Nobody sees any of it.
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {}), {}));
  EXPECT_EQ(rows(),
            "1|new|one|here\n2|shifted|note 1|body 1\n3|shifted|note 2|later\n4|again|note 6|end\n"
            "5|shifted|note 4|NULL\n6|shifted|note 5|NULL");
}

// While the table catches up its snapshot may hold the row under the new key already: that is one row, not two.
TEST_F(R07_KeyChanges, CatchingUpMayFindTheNewKeyAtTheEndOfAPart) {
  auto sink = catching_up({loaded()});
  RowBatch first(docs_);
  add(first, Operation::update_before, {5, "?", Null{}, Null{}});
  add(first, Operation::update, {2, "was five", "note 5", Null{}});
  RowBatch second(docs_);
  add(second, Operation::insert, {7, "seven", "note 7", Null{}});
  EXPECT_TRUE(sink->write(part({first}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {second}), {}));
  EXPECT_EQ(rows(), "1|one|note 1|body 1\n2|was five|note 5|NULL\n7|seven|note 7|NULL");

  RowBatch third(docs_);
  add(third, Operation::update_before, {6, "?", Null{}, Null{}});
  add(third, Operation::update, {1, "was six", "note 6", Null{}});
  RowBatch fourth(docs_);
  fourth.header(add(fourth, Operation::update, {1, "later", Absent{}, Absent{}})).command_id = 2;
  EXPECT_TRUE(sink->write(part({third}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(4), {fourth}), {}));
  EXPECT_EQ(rows(), "1|later|note 6|NULL\n2|was five|note 5|NULL\n7|seven|note 7|NULL");
}

// R7c holds in the temporary table, too: a row that is missing is a divergence.
TEST_F(R07_KeyChanges, GatheredChangesNeedTheirRows) {
  auto sink = streaming({loaded()});
  RowBatch first(docs_);
  move(first, 1, 2, "was one", 1);
  RowBatch second(docs_);
  move(second, 2, 1, "was two", 1);
  add(second, Operation::update, {9, "nobody", Absent{}, Absent{}});
  EXPECT_TRUE(sink->write(part({first}), {}));
  std::string text;
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(3), {second}), {})); }, &text),
            ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("id=9"));
  EXPECT_EQ(rows(), "1|one|note 1|body 1\n2|two|note 2|NULL");
}

// R8: parts of one transaction are seen together or not at all.
TEST_F(R08_Parts, PartsAreOneTransaction) {
  auto sink = streaming({loaded()});
  RowBatch first(docs_);
  add(first, Operation::insert, {3, "three", Null{}, Null{}});
  RowBatch second(docs_);
  add(second, Operation::update, {3, "tres", Absent{}, Absent{}});
  add(second, Operation::delete_, {1, Null{}, Null{}, Null{}});
  EXPECT_TRUE(sink->write(part({first}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
  EXPECT_TRUE(sink->write(part({second}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE id = 1"), "1");
  EXPECT_EQ(position(), lsn(2).hex());
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}), {}));
  EXPECT_EQ(rows(), "2|two|note 2|NULL\n3|tres|NULL|NULL");
  EXPECT_EQ(position(), lsn(3).hex());
}

// A transaction that stays open between its parts must outlive the role's timeouts.
TEST_F(R08_Parts, TimeoutsOfTheRoleDoNotEndATransaction) {
  reader_.run("ALTER ROLE postgres IN DATABASE " + database_ +
              " SET idle_in_transaction_session_timeout = '100ms'; ALTER ROLE postgres IN DATABASE " +
              database_ + " SET statement_timeout = '5s'");
  auto sink = streaming({loaded()});
  EXPECT_TRUE(sink->write(part({}), {}));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {}), {}));
}

// R11: a fault stops everything of its transaction and is named.
TEST_F(R11_Stop, AFaultStopsItsTransaction) {
  auto sink = streaming({loaded()});
  RowBatch good(docs_);
  add(good, Operation::insert, {3, "three", Null{}, Null{}});
  RowBatch bad(docs_);
  add(bad, Operation::insert, {4, "four", Null{}, Null{}});
  bad.add_fault({0, 1, RowFaultCode::zero_in_text, "U+0000 in text"});
  EXPECT_TRUE(sink->write(part({good}), {}));
  std::string text;
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(3), {bad}), {})); }, &text),
            ErrorKind::data);
  for (const char* const expected : {"dbo.docs", "column=name", "id=4", "zero_in_text"})
    EXPECT_THAT(text, ::testing::HasSubstr(expected));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
}

// The cell of a fault is NULL: copied as it is, the row would be altered and nobody would hear of it.
TEST_F(R11_Stop, AFaultStopsItsChunk) {
  auto sink = opened(settings(), {docs_});
  begin(*sink, {docs_});
  RowBatch bad = loaded();
  bad.add_fault({0, 2, RowFaultCode::lone_surrogate, "half a surrogate pair in text"});
  {
    const auto writer = sink->chunk_writer();
    ASSERT_EQ(writer->begin(docs_, whole(docs_), {}), ChunkBegin::begun);
    std::string text;
    EXPECT_EQ(kind_of([&] { static_cast<void>(writer->write(bad, {})); }, &text), ErrorKind::data);
    for (const char* const expected : {"dbo.docs", "column=note", "id=1", "lone_surrogate"})
      EXPECT_THAT(text, ::testing::HasSubstr(expected));
  }
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "0");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.snapshot_chunk WHERE done"), "0");
}

TEST_F(R11_Stop, ARowThatTheTargetRefusesIsNamed) {
  reader_.run(
      "CREATE TABLE docs (id int PRIMARY KEY, name varchar(50) NOT NULL CHECK (name <> 'bad'), note text, "
      "body text)");
  auto sink = streaming({loaded()});
  std::string text;
  EXPECT_EQ(
      kind_of(
          [&] {
            static_cast<void>(sink->write(changes(3,
                                                  [](RowBatch& batch) {
                                                    add(batch, Operation::insert, {5, "bad", Null{}, Null{}});
                                                  }),
                                          {}));
          },
          &text),
      ErrorKind::data);
  EXPECT_THAT(text, ::testing::HasSubstr("docs_name_check"));
}

// A deadlock or lock timeout is no matter of data: the sink repeats its own transaction.
TEST_F(R11_Stop, AConflictIsRepeated) {
  auto sink = streaming({loaded()});
  reader_.run(
      "CREATE SEQUENCE failures; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
      " IF nextval('public.failures') < 3 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END IF; "
      "RETURN NEW; END$$;"
      "CREATE TRIGGER fail BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION fail()");
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::update, {1, "x", Absent{}, Absent{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT name FROM docs WHERE id = 1"), "x");
}

// The parts before it are gone with the transaction: repeated alone the last part would commit without them.
TEST_F(R11_Stop, AConflictAfterAPartIsNotRepeated) {
  auto sink = streaming({loaded()});
  reader_.run(
      "CREATE SEQUENCE failures; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
      " IF nextval('public.failures') = 1 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END IF; "
      "RETURN NEW; END$$;"
      "CREATE TRIGGER fail BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION fail()");
  RowBatch first(docs_);
  add(first, Operation::insert, {3, "three", Null{}, Null{}});
  RowBatch second(docs_);
  add(second, Operation::update, {1, "x", Absent{}, Absent{}});
  ASSERT_TRUE(sink->write(part({first}), {}));
  EXPECT_EQ(kind_of([&] { static_cast<void>(sink->write(ending_at(lsn(3), {second}), {})); }),
            ErrorKind::conflict);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE id = 3 OR name = 'x'"), "0");
  EXPECT_EQ(position(), lsn(2).hex());

  ASSERT_TRUE(sink->write(part({first}), {}));
  EXPECT_TRUE(sink->write(ending_at(lsn(3), {second}), {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs WHERE id = 3 OR name = 'x'"), "2");
}

// R7a: a rule or trigger that swallows the update is found by the count.
TEST_F(R07_UnchangedColumns, ASwallowedUpdateIsFound) {
  auto sink = streaming({loaded()});
  reader_.run(
      "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
      "CREATE TRIGGER swallow BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION swallow()");
  EXPECT_EQ(
      kind_of([&] {
        static_cast<void>(sink->write(changes(3,
                                              [](RowBatch& batch) {
                                                add(batch, Operation::update, {1, "x", Absent{}, Absent{}});
                                              }),
                                      {}));
      }),
      ErrorKind::data);
}

TEST_F(R07_UnchangedColumns, StoppedBeforeItBeganWritesNothing) {
  auto sink = streaming({loaded()});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(sink->write(changes(3,
                                   [](RowBatch& batch) {
                                     add(batch, Operation::delete_, {1, Null{}, Null{}, Null{}});
                                   }),
                           stop.get_token()));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
}

// A statement that waits for a lock is cancelled, and the batch comes again.
TEST_F(R07_UnchangedColumns, StoppedWhileItWaitsWritesNothing) {
  auto sink = streaming({loaded()});
  PlainClient locker(PostgresCluster::shared().url(database_));
  locker.run("BEGIN; SELECT FROM docs WHERE id = 1 FOR UPDATE");
  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  EXPECT_FALSE(sink->write(changes(3,
                                   [](RowBatch& batch) {
                                     add(batch, Operation::delete_, {1, Null{}, Null{}, Null{}});
                                   }),
                           stop.get_token()));
  stopper.join();
  locker.run("COMMIT");
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "2");
  EXPECT_TRUE(sink->write(changes(3,
                                  [](RowBatch& batch) {
                                    add(batch, Operation::delete_, {1, Null{}, Null{}, Null{}});
                                  }),
                          {}));
  EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "1");
}

// R13: many rows in several statements, mixed kinds, the same answer as row by row.
TEST_F(R13_Bulk, ManyRowsInSeveralStatements) {
  Settings small = settings();
  small.statement_rows = 7;
  for (const bool sliced : {true, false}) {
    reader_.run("DROP SCHEMA IF EXISTS tailrace CASCADE; DROP TABLE IF EXISTS docs");
    auto sink = opened(sliced ? small : settings(), {docs_});
    begin(*sink, {docs_});
    RowBatch many(docs_);
    for (int id = 0; id < 100; ++id)
      add(many, Operation::read, {id, "n", "note " + std::to_string(id), Null{}});
    load_chunk(*sink, many);
    EXPECT_TRUE(finish_load(*sink, {docs_}, {"m"}, {}));
    ASSERT_TRUE(sink->write(ending_at(lsn(2), {}, {docs_->name}), {}));
    ASSERT_TRUE(sink->write(
        changes(3,
                [](RowBatch& batch) {
                  for (int id = 0; id < 150; ++id) {
                    if (id >= 100)
                      add(batch, Operation::insert, {id, "new", "full", "b"});
                    else if (id % 3 == 0)
                      add(batch, Operation::delete_, {id, Null{}, Null{}, Null{}});
                    else if (id % 3 == 1)
                      add(batch, Operation::update, {id, "u", Absent{}, "b" + std::to_string(id)});
                  }
                }),
        {}));
    EXPECT_EQ(reader_.value("SELECT count(*) FROM docs"), "116");
    EXPECT_EQ(reader_.value(
                  "SELECT count(*) FROM docs WHERE name = 'u' AND note = 'note ' || id AND body = 'b' || id"),
              "33");
    sink->close();
  }
}

// Many rows must not cost a statement each, nor one statement hold all of them.
TEST_F(R13_Bulk, StatementsAreCutByRowsAndByBytes) {
  Settings by_rows = settings();
  by_rows.statement_rows = 40;
  Settings by_bytes = settings();
  by_bytes.statement_bytes = 10'000;
  for (const auto& [with, largest, most] :
       {std::tuple(by_rows, "40", 3), std::tuple(by_bytes, "16", 10), std::tuple(settings(), "100", 1)}) {
    reader_.run("DROP SCHEMA IF EXISTS tailrace CASCADE; DROP TABLE IF EXISTS docs, sizes");
    auto sink = opened(with, {docs_});
    begin(*sink, {docs_});
    load_chunk(*sink, loaded());
    EXPECT_TRUE(finish_load(*sink, {docs_}, {"m"}, {}));
    ASSERT_TRUE(sink->write(ending_at(lsn(2), {}, {docs_->name}), {}));
    reader_.run(
        "CREATE TABLE sizes (n bigint); CREATE OR REPLACE FUNCTION note_size() RETURNS trigger LANGUAGE "
        "plpgsql AS"
        " 'BEGIN INSERT INTO public.sizes SELECT count(*) FROM added; RETURN NULL; END';"
        "CREATE TRIGGER note_size AFTER INSERT ON docs REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
        " EXECUTE FUNCTION note_size()");
    ASSERT_TRUE(sink->write(
        changes(3,
                [](RowBatch& batch) {
                  for (int id = 100; id < 200; ++id)
                    add(batch, Operation::insert, {id, "n", std::string(500, 'x'), std::string(20, 'y')});
                }),
        {}));
    EXPECT_EQ(reader_.value("SELECT sum(n) FROM sizes"), "100");
    EXPECT_EQ(reader_.value("SELECT max(n) FROM sizes"), largest);
    EXPECT_LE(std::stoi(reader_.value("SELECT count(*) FROM sizes")), most);
    sink->close();
  }
}

// Without statistics the first large batches are joined as if the table were empty.
TEST_F(R13_Bulk, ATableIsAnalyzedAfterItsLoad) {
  auto sink = catching_up({loaded()});
  EXPECT_EQ(reader_.value("SELECT reltuples FROM pg_class WHERE oid = 'docs'::regclass"), "2");
  EXPECT_NE(reader_.value("SELECT count(*) FROM pg_stats WHERE tablename = 'docs'"), "0");
}

}  // namespace
}  // namespace tailrace::postgres
