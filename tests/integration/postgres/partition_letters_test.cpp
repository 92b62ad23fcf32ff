// K7: records that are passed over: which ones, with what of them, and what becomes of their keys.
#include "postgres/letter_box.h"
#include "postgres/partitions.h"
#include "tests/integration/postgres/sink_fixture.h"

namespace tailrace::postgres {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

const PartitionName zeroth{"orders", 0};
const PartitionName other_one{"orders", 1};

class PartitionLettersTest : public SinkTest {
 protected:
  SchemaPtr orders_ =
      table("orders", {column("id", int_type, false), column("size", int_type), column("note", lob_type)});

  void SetUp() override {
    // What the target refuses is a size.
    reader_.run("CREATE TABLE public.orders (id int PRIMARY KEY, size int CHECK (size < 100), note text)");
  }

  Settings with_letters() const {
    Settings with = settings();
    with.pipeline = "kafka";
    with.dead_letters = true;
    return with;
  }
  static std::unique_ptr<PostgresPartitions> opened_with(const Settings& with) {
    auto sink = std::make_unique<PostgresPartitions>(with);
    sink->open({});
    return sink;
  }
  // Opened, and both partitions claimed.
  std::unique_ptr<PostgresPartitions> ready(const Settings& with) {
    auto sink = opened_with(with);
    used_ = sink->use_table(*orders_, true);
    EXPECT_TRUE(sink->claim({zeroth, other_one}, {}));
    return sink;
  }

  struct Row {
    Operation operation;
    std::vector<Value> values;
  };
  // Records at offsets from `next` minus their number on; a boundary lies behind them.
  Stretch stretch(const PartitionName& where, std::int64_t next, const std::vector<Row>& rows) const {
    Stretch out;
    out.where = where;
    out.ends = true;
    out.records = rows.size();
    out.upto = {next, next - 1, lsn(static_cast<std::uint8_t>(next)), "topic-id", 3};
    RowBatch& batch = out.rows.emplace_back(used_);
    std::int64_t offset = next - static_cast<std::int64_t>(rows.size());
    for (const Row& row : rows) {
      batch.header(add(batch, row.operation, row.values)).record = offset;
      out.originals.push_back(original(offset++));
    }
    return out;
  }
  static OriginalRecord original(std::int64_t offset) {
    OriginalRecord out;
    out.offset = offset;
    out.timestamp_ms = 1000 + offset;
    out.key = "key " + std::to_string(offset);
    out.value = std::string("\0\xff", 2) + std::to_string(offset);
    out.headers = {{"origin", "somewhere"}, {"nothing", std::nullopt}};
    return out;
  }
  static void make_unreadable(Stretch& stretch, std::size_t row) {
    RowBatch& batch = stretch.rows.front();
    batch.add_fault({row, 0, RowFaultCode::unreadable, "no JSON"});
    UnreadableRecord& said = stretch.unreadable.emplace_back();
    said.offset = batch.header(row).record;
    said.table = batch.schema().name;
    said.key = {std::to_string(batch.cell(row, 0).integer)};
    said.stage = "VALUE_CONVERTER";
    said.error_kind = "protocol";
    said.error = "no JSON \xff";
  }

  std::string rows() { return reader_.table("SELECT id, size, note FROM public.orders ORDER BY 1"); }
  std::string letters() {
    return reader_.table(
        "SELECT record_partition, record_offset, key, reason, sqlstate, stage, attempt FROM "
        "tailrace.dead_letter"
        " ORDER BY record_partition, record_offset");
  }
  std::string diverged() { return reader_.table("SELECT key FROM tailrace.diverged_key ORDER BY key"); }
  std::string position(int partition = 0) {
    return reader_.value("SELECT next_offset FROM tailrace.kafka_position WHERE partition = " +
                         std::to_string(partition));
  }

  SchemaPtr used_;
};

using K7_Letters = PartitionLettersTest;
using K7_DivergedKeys = PartitionLettersTest;
using K7_Box = PartitionLettersTest;

// One bad record would keep all of its partition from the target, or go without a trace.
TEST_F(K7_Letters, ARefusedRecordIsPassedOverWithItsPosition) {
  auto sink = ready(with_letters());
  const std::vector<Stretch> both{stretch(zeroth, 3,
                                          {{Operation::insert, {1, 1, "a"}},
                                           {Operation::insert, {2, 500, "b"}},
                                           {Operation::insert, {3, 3, "c"}}}),
                                  stretch(other_one, 1, {{Operation::insert, {4, 4, "d"}}})};
  EXPECT_EQ(sink->write(both, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|1|a\n3|3|c\n4|4|d");
  EXPECT_EQ(letters(), "0|1|{2}|refused|23514|TASK_PUT|2");
  EXPECT_EQ(diverged(), "{2}");
  EXPECT_EQ(position(), "3");
  EXPECT_THAT(sink->take_dead_letters(), ElementsAre(Pair(orders_->name, 1U)));
  EXPECT_THAT(sink->take_dead_letters(), IsEmpty());
}

// The record is all that somebody has who wants to mend it: any byte may matter, and NULL is not empty.
TEST_F(K7_Letters, TheRecordIsKeptAsItCame) {
  auto sink = ready(with_letters());
  EXPECT_EQ(sink->write({stretch(zeroth, 8, {{Operation::insert, {2, 500, "b"}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(
      reader_.table("SELECT record_topic, record_time_ms, convert_from(record_key, 'UTF8'), record_value,"
                    " convert_from(record_headers[1], 'UTF8'), convert_from(record_headers[2], 'UTF8'),"
                    " convert_from(record_headers[3], 'UTF8'), record_headers[4] IS NULL, error_kind,"
                    " row_values->>'size', waits FROM tailrace.dead_letter"),
      "orders|1007|key 7|\\x00ff37|origin|somewhere|nothing|t|data|500|f");
}

// Rows of a key go one behind the other: a bad one among good ones is told apart, and the good ones are not lost with it.
TEST_F(K7_Letters, EachRecordOfAKeyIsJudgedByItself) {
  auto sink = ready(with_letters());
  EXPECT_EQ(sink->write({stretch(zeroth, 4,
                                 {{Operation::insert, {1, 1, "a"}},
                                  {Operation::update, {1, 500, "b"}},
                                  {Operation::update, {1, Absent{}, "c"}},
                                  {Operation::update, {1, 600, "d"}}})},
                        {})
                .end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|1|a");
  EXPECT_EQ(letters(),
            "0|1|{1}|refused|23514|TASK_PUT|2\n0|2|{1}|diverged|NULL|TASK_PUT|2\n"
            "0|3|{1}|refused|23514|TASK_PUT|2");
}

// A record that no row could be made of says at most its key; later updates in part would mix two states of the row.
TEST_F(K7_Letters, AnUnreadableRecordMakesItsKeyDiverge) {
  auto sink = ready(with_letters());
  EXPECT_EQ(sink->write({stretch(zeroth, 1, {{Operation::insert, {1, 1, "a"}}})}, {}).end, WriteEnd::durable);
  Stretch bad = stretch(zeroth, 4,
                        {{Operation::update, {1, 2, "lost"}},
                         {Operation::update, {1, 3, Absent{}}},
                         {Operation::insert, {2, 2, "b"}}});
  make_unreadable(bad, 0);
  EXPECT_EQ(sink->write({bad}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|1|a\n2|2|b");
  EXPECT_EQ(letters(), "0|1|{1}|unreadable|NULL|VALUE_CONVERTER|1\n0|2|{1}|diverged|NULL|TASK_PUT|1");
  EXPECT_EQ(reader_.value("SELECT error FROM tailrace.dead_letter WHERE reason = 'unreadable'"), "no JSON ?");
  // Every column is said again: it heals.
  EXPECT_EQ(sink->write({stretch(zeroth, 5, {{Operation::update, {1, 5, "whole"}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|5|whole\n2|2|b");
  EXPECT_EQ(diverged(), "");
}

// A value that the column cannot hold is known before anything is sent.
TEST_F(K7_Letters, AValueThatDoesNotFitIsALetter) {
  auto sink = ready(with_letters());
  Stretch bad = stretch(zeroth, 2, {{Operation::insert, {1, 1, Null{}}}, {Operation::insert, {2, 2, "b"}}});
  bad.rows.front().add_fault({0, 2, RowFaultCode::zero_in_text, "holds a zero"});
  EXPECT_EQ(sink->write({bad}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "2|2|b");
  EXPECT_EQ(letters(), "0|0|{1}|value|22021|TASK_PUT|1");
}

// An update in part of a row that is not there: its other columns are known to nobody.
TEST_F(K7_Letters, AMissingRowIsALetter) {
  auto sink = ready(with_letters());
  EXPECT_EQ(
      sink->write({stretch(zeroth, 2,
                           {{Operation::update, {7, Absent{}, "x"}}, {Operation::insert, {2, 2, "b"}}})},
                  {})
          .end,
      WriteEnd::durable);
  EXPECT_EQ(rows(), "2|2|b");
  EXPECT_EQ(letters(), "0|0|{7}|missing|NULL|TASK_PUT|2");
  EXPECT_EQ(diverged(), "{7}");
}

// What another partition may still bring is waited for: a letter would part rows that belong together.
TEST_F(K7_Letters, AConflictWithOtherPartitionsIsNone) {
  reader_.run("ALTER TABLE public.orders ADD UNIQUE (note)");
  auto sink = ready(with_letters());
  const WriteResult result = sink->write(
      {stretch(zeroth, 2, {{Operation::insert, {1, 1, "same"}}, {Operation::insert, {2, 2, "same"}}})}, {});
  EXPECT_EQ(result.end, WriteEnd::waits);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "0");
  // Beside a bad row, too.
  EXPECT_EQ(sink->write({stretch(zeroth, 3,
                                 {{Operation::insert, {1, 500, "bad"}},
                                  {Operation::insert, {2, 2, "same"}},
                                  {Operation::insert, {3, 3, "same"}}})},
                        {})
                .end,
            WriteEnd::waits);
  EXPECT_EQ(reader_.value("SELECT count(*) FROM tailrace.dead_letter"), "0");
  EXPECT_EQ(position(), "NULL");
}

// Its earlier parts are gone with the transaction: whoever has read them does so once more, and then nothing of it is refused.
TEST_F(K7_Letters, ACommitInPartsIsReadAgain) {
  auto sink = ready(with_letters());
  Stretch part = stretch(zeroth, 1, {{Operation::insert, {1, 1, "a"}}});
  part.ends = false;
  const Stretch end = stretch(zeroth, 2, {{Operation::insert, {2, 500, "b"}}});
  EXPECT_EQ(sink->write_part({part}, {}).end, WriteEnd::open);
  EXPECT_EQ(sink->write({end}, {}).end, WriteEnd::again);
  EXPECT_EQ(rows(), "");
  EXPECT_EQ(sink->write_part({part}, {}).end, WriteEnd::open);
  EXPECT_EQ(sink->write({end}, {}).end, WriteEnd::durable);
  EXPECT_EQ(rows(), "1|1|a");
  EXPECT_EQ(letters(), "0|1|{2}|refused|23514|TASK_PUT|1");
}

// A key that has diverged in an earlier part has so for the later ones: nobody else can see it yet.
TEST_F(K7_Letters, AKeyThatDivergesInAPartHasDivergedInTheNext) {
  auto sink = ready(with_letters());
  EXPECT_EQ(sink->write({stretch(zeroth, 1, {{Operation::insert, {1, 1, "a"}}})}, {}).end, WriteEnd::durable);
  Stretch part = stretch(zeroth, 2, {{Operation::update, {1, 500, "b"}}});
  part.ends = false;
  EXPECT_EQ(sink->write_part({part}, {}).end, WriteEnd::open);
  EXPECT_EQ(sink->write({stretch(zeroth, 3, {{Operation::update, {1, 3, Absent{}}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(rows(), "1|1|a");
  EXPECT_EQ(letters(), "0|1|{1}|refused|23514|TASK_PUT|2\n0|2|{1}|diverged|NULL|TASK_PUT|1");
}

// errors.on_row: stop is what it was: nothing of the apply is durable.
TEST_F(K7_Letters, WithStopARefusedRecordStops) {
  Settings with = with_letters();
  with.dead_letters = false;
  auto sink = ready(with);
  EXPECT_EQ(
      kind_of([&] {
        sink->write(
            {stretch(zeroth, 2, {{Operation::insert, {1, 1, "a"}}, {Operation::insert, {2, 500, "b"}}})}, {});
      }),
      ErrorKind::data);
  EXPECT_EQ(rows(), "");
}

// Whoever gets the partition next must know which keys it has to take care of.
TEST_F(K7_DivergedKeys, AreKnownToTheNextOwner) {
  auto old = ready(with_letters());
  EXPECT_EQ(old->write({stretch(zeroth, 1, {{Operation::insert, {1, 500, "a"}}})}, {}).end,
            WriteEnd::durable);
  auto next = ready(with_letters());
  EXPECT_EQ(next->write({stretch(zeroth, 2, {{Operation::update, {1, 5, Absent{}}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(letters(), "0|0|{1}|refused|23514|TASK_PUT|2\n0|1|{1}|diverged|NULL|TASK_PUT|1");
  EXPECT_EQ(next->write({stretch(zeroth, 3, {{Operation::delete_, {1, Null{}, Null{}}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(diverged(), "");
}

// Letters are allowed no more, and such an update would be one.
TEST_F(K7_DivergedKeys, WithStopAPartialUpdateStops) {
  auto old = ready(with_letters());
  EXPECT_EQ(old->write({stretch(zeroth, 2,
                                {{Operation::insert, {1, 500, "a"}}, {Operation::insert, {2, 500, "b"}}})},
                       {})
                .end,
            WriteEnd::durable);
  Settings with = with_letters();
  with.dead_letters = false;
  auto next = ready(with);
  EXPECT_EQ(next->write({stretch(zeroth, 3, {{Operation::update, {1, 5, "whole"}}})}, {}).end,
            WriteEnd::durable);
  EXPECT_EQ(diverged(), "{2}");
  EXPECT_EQ(kind_of([&] {
              next->write({stretch(zeroth, 4, {{Operation::update, {2, 5, Absent{}}}})}, {});
            }),
            ErrorKind::data);
}

// What waits goes out whole and in order, once.
TEST_F(K7_Box, GivesLettersInOrderAndForgetsWhatWasSent) {
  Settings with = with_letters();
  with.letters_wait = true;
  auto sink = ready(with);
  EXPECT_EQ(sink->write({stretch(zeroth, 2,
                                 {{Operation::insert, {1, 500, "a"}}, {Operation::insert, {2, 600, "b"}}})},
                        {})
                .end,
            WriteEnd::durable);
  PostgresLetterBox box(with);
  ASSERT_TRUE(box.take_turn());
  const std::vector<WaitingLetter> letters = box.waiting(10);
  ASSERT_THAT(letters, SizeIs(2));
  EXPECT_EQ(letters[0].topic, "orders");
  EXPECT_EQ(letters[0].record.offset, 0);
  EXPECT_EQ(letters[1].record.offset, 1);
  EXPECT_EQ(letters[1].record.value, std::string("\0\xff"
                                                 "1",
                                                 3));
  EXPECT_THAT(letters[1].record.headers,
              ElementsAre(Pair("origin", OptionalBytes("somewhere")), Pair("nothing", std::nullopt)));
  EXPECT_THAT(letters[1].context, Contains(Pair("table", "dbo.orders")));
  EXPECT_THAT(letters[1].context, Contains(Pair("key", "[\"2\"]")));
  EXPECT_THAT(letters[1].context, Contains(Pair("sqlstate", "23514")));
  EXPECT_THAT(box.waiting(1), SizeIs(1));
  box.sent({letters[0].id});
  ASSERT_THAT(box.waiting(10), SizeIs(1));
  // The topic does not take it: it stays, and waits no more.
  box.refused(letters[1].id, "too large");
  EXPECT_THAT(box.waiting(10), IsEmpty());
  EXPECT_EQ(reader_.table("SELECT record_offset, send_error FROM tailrace.dead_letter"), "1|too large");
}

// Two processes that send at once would send each letter twice.
TEST_F(K7_Box, OneHasTheTurn) {
  auto sink = ready(with_letters());
  PostgresLetterBox other(with_letters());
  {
    PostgresLetterBox box(with_letters());
    ASSERT_TRUE(box.take_turn());
    EXPECT_TRUE(box.take_turn());
    EXPECT_FALSE(other.take_turn());
  }
  // The server ends a session a moment after its connection.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!other.take_turn() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_TRUE(other.take_turn());
}

// A process that stands still keeps its session: letters would wait for it for ever, and stop the others at last.
TEST_F(K7_Box, WhoStandsStillLosesTheTurn) {
  Settings with = with_letters();
  with.letters_wait = true;
  with.turn_patience = std::chrono::milliseconds(0);
  auto sink = ready(with);
  PostgresLetterBox frozen(with);
  ASSERT_TRUE(frozen.take_turn());
  PostgresLetterBox other(with);
  EXPECT_FALSE(other.take_turn());
  // It has nothing to do: its turn is its own.
  EXPECT_THAT(frozen.waiting(10), IsEmpty());
  EXPECT_EQ(sink->write({stretch(zeroth, 1, {{Operation::insert, {1, 500, "a"}}})}, {}).end,
            WriteEnd::durable);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!other.take_turn() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_THAT(other.waiting(10), SizeIs(1));
  EXPECT_EQ(kind_of([&] { static_cast<void>(frozen.waiting(10)); }), ErrorKind::unavailable);
}

// A topic that takes nothing must not fill the database.
TEST_F(K7_Box, APipelineStopsWhereTooManyWait) {
  Settings with = with_letters();
  with.letters_wait = true;
  with.most_waiting_letters = 2;
  with.letters_patience = std::chrono::milliseconds(200);
  auto sink = ready(with);
  const std::vector<Stretch> two{
      stretch(zeroth, 2, {{Operation::insert, {1, 500, "a"}}, {Operation::insert, {2, 600, "b"}}})};
  EXPECT_EQ(sink->write(two, {}).end, WriteEnd::durable);
  std::string text;
  EXPECT_EQ(kind_of(
                [&] {
                  sink->write({stretch(zeroth, 3, {{Operation::insert, {3, 700, "c"}}})}, {});
                },
                &text),
            ErrorKind::data);
  EXPECT_THAT(text, HasSubstr("2 dead letters wait"));
  EXPECT_EQ(position(), "2");
  // Good records go on meanwhile; a letter does once there is room.
  auto next = ready(with);
  EXPECT_EQ(next->write({stretch(zeroth, 3, {{Operation::insert, {4, 4, "d"}}})}, {}).end, WriteEnd::durable);
  reader_.run("DELETE FROM tailrace.dead_letter WHERE record_offset = 0");
  EXPECT_EQ(next->write({stretch(zeroth, 4, {{Operation::insert, {3, 700, "c"}}})}, {}).end,
            WriteEnd::durable);
}

}  // namespace
}  // namespace tailrace::postgres
