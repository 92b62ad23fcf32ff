// Partitions that are read from offsets of our own: ends, gaps, seeks, what each isolation sees.
#include "kafka/admin.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Consumers : public KafkaCase {
 protected:
  // Polls until `enough`.
  static void poll_until(Consumer& consumer, const std::function<bool(const Batch&)>& enough) {
    Batch batch;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    do {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "nothing came in time";
        return;
      }
      consumer.poll(batch, {.wait = 100ms}, {});
    } while (!enough(batch));
  }
};
class K4c_Gaps : public Consumers {};
class K4d_Ends : public Consumers {};

TEST_F(Consumers, BeginAtTheOffsetThatTheyAreGiven) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a", "b", "c"});
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 1}});
  std::vector<std::string> seen;
  poll_until(consumer, [&](const Batch& batch) {
    for (const InRecord& record : batch.records())
      seen.emplace_back(*record.value());
    return !batch.ends().empty();
  });
  EXPECT_THAT(seen, ElementsAre("b", "c"));
}

// The marker of a transaction takes an offset: a position that stays before it shows a lag for ever, and is not the end.
TEST_F(K4d_Ends, LieBehindTheMarkersOfTransactions) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a", "b"});
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  std::int64_t end = 0;
  poll_until(consumer, [&](const Batch& batch) {
    for (const PartitionOffset& each : batch.ends())
      end = each.offset;
    return end != 0;
  });
  EXPECT_EQ(end, 3);
  // A transaction that leaves nothing to read moves the end as well.
  const std::unique_ptr<Producer> writer = producer("aborts-" + topic);
  writer->begin();
  put(*writer, topic, "k", "gone");
  writer->check();
  while (writer->in_flight() > 0)
    writer->check();
  ASSERT_TRUE(writer->abort(never_));
  poll_until(consumer, [&](const Batch& batch) {
    EXPECT_THAT(batch.records(), IsEmpty());
    for (const PartitionOffset& each : batch.ends())
      end = each.offset;
    return end == 5;
  });
}

// Anything but an error here skips, or repeats, what lies between.
TEST_F(K4c_Gaps, AnOffsetBeyondTheEndIsAGap) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a"});
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 1000}});
  const Error error =
      thrown_by([&] { poll_until(consumer, [](const Batch& batch) { return !batch.empty(); }); });
  EXPECT_EQ(error.kind(), ErrorKind::gap) << error.what();
  EXPECT_EQ(error.context("topic"), topic);
  EXPECT_EQ(error.context("partition"), "0");
}

TEST_F(K4c_Gaps, RecordsThatWereDeletedBeforeTheyWereReadAreAGap) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a", "b", "c"});
  broker().trim(topic, 0, 2);
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  EXPECT_EQ(
      thrown_by([&] { poll_until(consumer, [](const Batch& batch) { return !batch.empty(); }); }).kind(),
      ErrorKind::gap);
}

// A topic made anew that is already longer than our offset is read on without a word: its id alone tells.
TEST_F(K4c_Gaps, ATopicThatIsMadeAnewHasAnotherId) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a"});
  Admin admin(settings());
  const std::string id = admin.topics({topic}, never_).at(topic).id;
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(admin.topics({topic}, never_).at(topic).id, id);
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  poll_until(consumer, [](const Batch& batch) { return !batch.ends().empty(); });
  broker().delete_topic(topic);
  EXPECT_THAT(admin.topics({topic}, never_), IsEmpty());
  broker().create_topic_named(topic, 1);
  commit(topic, {"1", "2", "3", "4"});
  EXPECT_NE(admin.topics({topic}, never_).at(topic).id, id);
}

// Records that were read ahead of a seek must not come after it.
TEST_F(Consumers, SeekDropsWhatWasReadAhead) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a", "b", "c", "d"});
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  Batch batch;
  std::vector<std::string> seen;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (seen.empty() && std::chrono::steady_clock::now() < deadline) {
    consumer.poll(batch, {.wait = 100ms, .records = 1}, never_);
    for (const InRecord& record : batch.records())
      seen.emplace_back(*record.value());
  }
  consumer.seek({{{topic, 0}, 2}});
  poll_until(consumer, [&](const Batch& more) {
    for (const InRecord& record : more.records())
      seen.emplace_back(*record.value());
    return seen.size() >= 3;
  });
  EXPECT_THAT(seen, ElementsAre("a", "c", "d"));
}

TEST_F(Consumers, PausedPartitionsWait) {
  const std::string topic = broker().create_topic(2);
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}, {{topic, 1}, 0}});
  consumer.pause({{topic, 0}});
  const std::unique_ptr<Producer> writer = producer("paused");
  writer->begin();
  for (const int partition : {0, 1}) {
    const std::string value = std::to_string(partition);
    OutRecord record;
    record.topic = topic;
    record.partition = partition;
    record.key = "k";
    record.value = value;
    ASSERT_TRUE(writer->produce(record, never_));
  }
  ASSERT_TRUE(writer->commit(never_));
  std::vector<std::string> seen;
  const auto take = [&seen](const Batch& batch) {
    for (const InRecord& record : batch.records())
      seen.emplace_back(*record.value());
    return !seen.empty();
  };
  poll_until(consumer, take);
  EXPECT_THAT(seen, ElementsAre("1"));
  seen.clear();
  consumer.resume({{topic, 0}});
  poll_until(consumer, take);
  EXPECT_THAT(seen, ElementsAre("0"));
}

// K3a and K5 rest on the difference: the high watermark counts what an open transaction holds, the other mark does not.
TEST_F(Consumers, SeeTheMarksOfTheirIsolation) {
  const std::string topic = broker().create_topic();
  commit(topic, {"a"});
  const std::unique_ptr<Producer> open = producer("marks");
  open->begin();
  put(*open, topic, "k", "b");
  while (open->in_flight() > 0)
    open->check();
  Consumer committed(settings(), {.isolation = Isolation::read_committed});
  Consumer everything(settings(), {.isolation = Isolation::read_uncommitted});
  const TopicPartition where{topic, 0};
  EXPECT_EQ(committed.watermarks(where, never_)->high, 2);
  EXPECT_EQ(everything.watermarks(where, never_)->high, 3);
  EXPECT_EQ(everything.watermarks(where, never_)->low, 0);
  ASSERT_TRUE(open->commit(never_));
  // A commit is decided when it answers; the markers that make it readable follow.
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (committed.watermarks(where, never_)->high < 4 && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(committed.watermarks(where, never_)->high, 4);
}

TEST_F(Consumers, StopWaitingWhenTheyAreTold) {
  const std::string topic = broker().create_topic();
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  Batch batch;
  std::stop_source source;
  source.request_stop();
  const auto before = std::chrono::steady_clock::now();
  consumer.poll(batch, {.wait = 60s}, source.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

// A batch is bounded by what it may hold, whatever lies ready.
TEST_F(Consumers, FillABatchToItsLimits) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> writer = producer("limits");
  writer->begin();
  for (int i = 0; i < 1000; ++i)
    put(*writer, topic, "k", std::string(1000, 'x'));
  ASSERT_TRUE(writer->commit(never_));
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  Batch batch;
  std::size_t records = 0;
  std::size_t largest_bytes = 0;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (records < 1000 && std::chrono::steady_clock::now() < deadline) {
    consumer.poll(batch, {.wait = 100ms, .records = 300, .bytes = 100'000}, never_);
    records += batch.records().size();
    largest_bytes = std::max(largest_bytes, batch.bytes());
  }
  EXPECT_EQ(records, 1000u);
  EXPECT_LE(largest_bytes, 101'001u);
}

}  // namespace
}  // namespace tailrace::kafka
