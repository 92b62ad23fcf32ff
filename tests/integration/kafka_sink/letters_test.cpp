// K7: rows that cannot become events: into the dead-letter topic, in the transaction of their neighbours.
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using nlohmann::json;
using tailrace::testing::lsn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class K7_Rows : public SinkCase {
 protected:
  SinkSettings with_letters() const {
    SinkSettings out = settings();
    out.dead_letter_topic = "letters-of-" + pipeline();
    return out;
  }
  std::vector<json> letters() const {
    std::vector<json> out;
    for (const std::string& value : broker().values(with_letters().dead_letter_topic))
      out.push_back(json::parse(value));
    return out;
  }
  // The text of one row is a fault.
  static void spoil(RowBatch& rows, std::size_t row) {
    rows.set_null(row, 1);
    rows.add_fault({row, 1, RowFaultCode::too_large, "is too long"});
  }
};

// One row would keep everything behind it from the topics, or go without a trace.
TEST_F(K7_Rows, AFaultyRowIsPassedOverWithThePosition) {
  const std::unique_ptr<KafkaSink> sink = streaming(with_letters());
  ChangeBatch batch = commit_point(5, {{1, "a"}, {2, "b"}, {2, "c", Operation::update}});
  spoil(batch.tables[0], 1);
  ASSERT_TRUE(sink->write(batch, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "u c"));
  const std::vector<json> sent = letters();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0]["table"], "dbo.items");
  EXPECT_EQ(sent[0]["key"], json::array({"2"}));
  EXPECT_EQ(sent[0]["operation"], "insert");
  EXPECT_EQ(sent[0]["reason"], "value");
  EXPECT_EQ(sent[0]["column"], "text");
  EXPECT_EQ(sent[0]["row_values"], (json{{"id", "2"}}));
  EXPECT_EQ(sent[0]["lsn"], lsn(5).hex());
  EXPECT_THAT(sink->take_dead_letters(), ElementsAre(Pair(table_->name, 1U)));
  EXPECT_THAT(sink->take_dead_letters(), IsEmpty());
  EXPECT_EQ(stored().offset->position.lsn, lsn(5));
}

// Of an incremental snapshot, too: it would stop there again at every start.
TEST_F(K7_Rows, AFaultyRowThatIsReadBesideTheStreamIsPassedOver) {
  const std::unique_ptr<KafkaSink> sink = streaming(with_letters());
  ChangeBatch batch = commit_point(5, {{1, "a"}});
  RowBatch& reads = batch.reads.emplace_back(rows(0, {{2, "b", Operation::read}, {3, "c", Operation::read}}));
  spoil(reads, 0);
  ASSERT_TRUE(sink->write(batch, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "r c"));
  const std::vector<json> sent = letters();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0]["key"], json::array({"2"}));
  EXPECT_EQ(sent[0]["operation"], "read");
}

// Letters without their position would come twice, a position without its letters would lose them.
TEST_F(K7_Rows, ALetterAndThePositionAreOne) {
  {
    const std::unique_ptr<KafkaSink> sink = streaming(with_letters());
    ChangeBatch half = open_part(5, {{1, "a"}, {2, "b"}});
    spoil(half.tables[0], 1);
    ASSERT_TRUE(sink->write(half, never_));
    EXPECT_THAT(sink->take_dead_letters(), IsEmpty());
  }
  const std::unique_ptr<KafkaSink> next = reopened(with_letters());
  EXPECT_THAT(letters(), IsEmpty());
  ChangeBatch whole = commit_point(5, {{1, "a"}, {2, "b"}});
  spoil(whole.tables[0], 1);
  ASSERT_TRUE(next->write(whole, never_));
  EXPECT_THAT(letters(), SizeIs(1));
  EXPECT_THAT(texts(), ElementsAre("c a"));
}

// The topic takes less than the row needs; a key change must not leave its first half there.
TEST_F(K7_Rows, ARecordThatIsTooLargeForItsTopicIsALetter) {
  SinkSettings small = with_letters();
  broker().create_topic_named(topic(), 1, R"({"max.message.bytes": "5000"})");
  broker().create_topic_named(small.dead_letter_topic, 1, R"({"max.message.bytes": "20000"})");
  const std::unique_ptr<KafkaSink> sink = streaming(small);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}, {2, std::string(6'000, 'x')}, {3, "c"}})));
  ASSERT_TRUE(write(*sink, commit_point(6, {{4, std::string(50'000, 'y')}, {5, "e"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c c", "c e"));
  const std::vector<json> sent = letters();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0]["reason"], "too_large");
  EXPECT_EQ(sent[0]["row_values"]["text"], std::string(6'000, 'x'));
  EXPECT_THAT(sent[0]["omitted"], IsEmpty());
  // What does not fit into the letter either is named.
  EXPECT_EQ(sent[1]["row_values"], (json{{"id", "4"}}));
  EXPECT_EQ(sent[1]["omitted"], json::array({"text"}));
}

// What was sent of a commit that time has cut is passed over when it comes again: letters of it, too.
TEST_F(K7_Rows, LettersOfACutCommitAreNotSentAgain) {
  SinkSettings quick = with_letters();
  quick.transaction_timeout = 3s;
  const auto spoiled = [&](ChangeBatch batch) {
    spoil(batch.tables[0], 1);
    return batch;
  };
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    ASSERT_TRUE(write(*sink, spoiled(open_part(5, {{1, "a"}, {2, "b"}}))));
    // The clock is what this is about.
    std::this_thread::sleep_for(quick.transaction_timeout * 2 / 3 + 50ms);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const std::unique_ptr<KafkaSink> next = reopened(quick);
  EXPECT_THAT(letters(), SizeIs(1));
  ASSERT_TRUE(write(*next, spoiled(open_part(5, {{1, "a"}, {2, "b"}}))));
  ASSERT_TRUE(write(*next, commit_point(5, {{3, "c"}}, 3)));
  EXPECT_THAT(texts(), ElementsAre("c a", "c c"));
  EXPECT_THAT(letters(), SizeIs(1));
}

// A snapshot's rows, the last one of its table among them.
TEST_F(K7_Rows, ARowOfASnapshotIsALetter) {
  const SinkSettings with = with_letters();
  KafkaSink sink(with);
  EXPECT_TRUE(sink.open(false, never_).first_run);
  sink.use_tables({table_});
  sink.begin_load("source", {TableStart{table_, lsn(1), /*shadow=*/false}}, Position{lsn(1), "", 0});
  const tailrace::Chunk chunk{table_->name, 0, {}, {}, 3};
  sink.add_chunks({chunk});
  RowBatch loaded(table_);
  for (const int id : {1, 2, 3})
    tailrace::testing::add(loaded, Operation::read, {id, "text " + std::to_string(id)});
  spoil(loaded, 1);
  spoil(loaded, 2);
  const std::unique_ptr<ChunkWriter> writer = sink.chunk_writer();
  ASSERT_EQ(writer->begin(table_, chunk, never_), ChunkBegin::begun);
  ASSERT_TRUE(writer->write(loaded, never_));
  ASSERT_TRUE(writer->finish(never_).has_value());
  EXPECT_THAT(texts(), ElementsAre("r text 1"));
  const std::vector<json> sent = letters();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[1]["operation"], "read");
  EXPECT_THAT(sink.take_dead_letters(), ElementsAre(Pair(table_->name, 2U)));
}

// The transaction topic counts events that are there: its readers would wait for those that are not.
TEST_F(K7_Rows, ATransactionCountsItsEventsAlone) {
  SinkSettings with = with_letters();
  with.events.transaction_metadata = true;
  const std::unique_ptr<KafkaSink> sink = streaming(with);
  ChangeBatch batch = commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}});
  spoil(batch.tables[0], 0);
  ASSERT_TRUE(sink->write(batch, never_));
  // The END comes with the next commit's first event, or with the end of this one.
  std::vector<json> transactions;
  for (const std::string& value : broker().values(with.events.transaction_topic()))
    transactions.push_back(json::parse(value));
  ASSERT_THAT(transactions, SizeIs(2));
  EXPECT_EQ(transactions[1]["event_count"], 2);
  std::vector<int> orders;
  for (const std::string& value : broker().values(topic()))
    orders.push_back(json::parse(value)["transaction"]["total_order"].get<int>());
  EXPECT_THAT(orders, ElementsAre(1, 2));
}

}  // namespace
}  // namespace tailrace::kafka
