// Transactions: all or nothing, and a failure that commits nothing.
#include <thread>

#include "kafka/failure.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Transactions : public KafkaCase {};
class K1b_FailedProduce : public KafkaCase {};

// What is not committed must not be read by anybody who asked for committed records, at any time.
TEST_F(Transactions, AreReadableOnlyOnceTheyAreCommitted) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> writer = producer("readable");
  writer->begin();
  put(*writer, topic, "k", "one");
  put(*writer, topic, "k", "two");
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (writer->in_flight() > 0 && std::chrono::steady_clock::now() < deadline)
    writer->check();
  EXPECT_THAT(read(topic, Isolation::read_uncommitted), ElementsAre("one", "two"));
  EXPECT_THAT(read(topic, Isolation::read_committed), IsEmpty());
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("one", "two"));
  EXPECT_THAT(read(topic, Isolation::read_committed), ElementsAre("one", "two"));

  writer->begin();
  put(*writer, topic, "k", "gone");
  ASSERT_TRUE(writer->abort(never_));
  writer->begin();
  put(*writer, topic, "k", "three");
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("one", "two", "three"));
}

// The transactions of two topics end together: the position lies in another topic than the records.
TEST_F(Transactions, SpanTopics) {
  const std::string records = broker().create_topic();
  const std::string offsets = broker().create_topic(1, R"({"cleanup.policy": "compact"})");
  const std::unique_ptr<Producer> writer = producer("spans");
  writer->begin();
  put(*writer, records, "k", "row");
  put(*writer, offsets, "shop", "position");
  ASSERT_TRUE(writer->abort(never_));
  EXPECT_THAT(broker().values(records), IsEmpty());
  EXPECT_THAT(broker().values(offsets), IsEmpty());
  writer->begin();
  put(*writer, records, "k", "row");
  put(*writer, offsets, "shop", "position");
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_THAT(broker().values(records), ElementsAre("row"));
  EXPECT_THAT(broker().values(offsets), ElementsAre("position"));
}

// An open transaction hides what others commit behind it: one that is left must not stay for its whole timeout.
TEST_F(Transactions, AreAbortedByTheEndOfTheirProducer) {
  const std::string topic = broker().create_topic();
  {
    const std::unique_ptr<Producer> writer = producer("left");
    writer->begin();
    put(*writer, topic, "k", "left");
    writer->check();
  }
  commit(topic, {"seen"});
  EXPECT_THAT(broker().values(topic),
              ElementsAre("seen"));  // Within its time, which is shorter than the transaction's.
}

TEST_F(Transactions, KnowTheirAge) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> writer = producer("age");
  writer->begin();
  // The broker counts from the first record, not from begin().
  EXPECT_EQ(writer->age(), std::nullopt);
  put(*writer, topic, "k", "v");
  ASSERT_TRUE(writer->age().has_value());
  EXPECT_LT(*writer->age(), 20s);
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_EQ(writer->age(), std::nullopt);
}

// Offsets of a consumer that are written in a transaction go with it.
TEST_F(Transactions, CarryOffsetsOfAGroup) {
  const std::string in = broker().create_topic();
  const std::string out = broker().create_topic();
  commit(in, {"a", "b"});
  Consumer consumer(settings(), {.group_id = "carry-" + in});
  consumer.subscribe({in});
  Batch batch;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!batch.rebalance() && std::chrono::steady_clock::now() < deadline)
    consumer.poll(batch, {.wait = 100ms}, never_);
  ASSERT_TRUE(batch.rebalance());
  consumer.accept(*batch.rebalance(), {{{in, 0}, 0}});
  const std::unique_ptr<Producer> writer = producer("carry");
  writer->begin();
  put(*writer, out, "k", "v");
  ASSERT_TRUE(writer->send_offsets(consumer, {{{in, 0}, 2}}, never_));
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_EQ(broker().committed_offset("carry-" + in, in, 0), 2);
}

// commit_transaction() answers OK after a failed produce: a record would be lost without a word.
TEST_F(K1b_FailedProduce, NeverCommitsTheOthers) {
  const std::string topic =
      broker().create_topic(1, R"({"max.message.bytes": "2000", "compression.type": "uncompressed"})");
  const std::unique_ptr<Producer> writer = producer("too-large");
  std::string large;
  for (int i = 0; large.size() < 20'000; ++i)
    large += std::to_string(i * 7919);  // lz4 does not make 2,000 bytes of it.
  writer->begin();
  put(*writer, topic, "k", "small");
  put(*writer, topic, "k", large);
  const Error error = thrown_by([&] { static_cast<void>(writer->commit(never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
  EXPECT_EQ(error.context("kafka"), "MSG_SIZE_TOO_LARGE");
  EXPECT_EQ(error.context("topic"), topic);
  EXPECT_TRUE(is_abortable(error));
  ASSERT_TRUE(writer->abort(never_));
  EXPECT_THAT(broker().values(topic), IsEmpty());
}

// K3d: what follows on such an abort may fail once; a new producer always goes on.
TEST_F(K1b_FailedProduce, LeavesANewProducerAsTheWayOn) {
  const std::string topic =
      broker().create_topic(1, R"({"max.message.bytes": "2000", "compression.type": "uncompressed"})");
  std::unique_ptr<Producer> writer = producer("way-on");
  std::string large;
  for (int i = 0; large.size() < 20'000; ++i)
    large += std::to_string(i * 7919);
  writer->begin();
  put(*writer, topic, "k", large);
  EXPECT_EQ(thrown_by([&] { static_cast<void>(writer->commit(never_)); }).kind(), ErrorKind::data);
  ASSERT_TRUE(writer->abort(never_));
  writer.reset();
  writer = producer("way-on");
  writer->begin();
  put(*writer, topic, "k", "small");
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("small"));
}

// A record that the topic cannot take fails everything that shares its batch: it must not be given away at all.
TEST_F(K1b_FailedProduce, IsForeseenWhereTheTopicsLimitsAreKnown) {
  const std::string topic =
      broker().create_topic(1, R"({"cleanup.policy": "compact", "max.message.bytes": "2000"})");
  const std::unique_ptr<Producer> writer = producer("foreseen");
  writer->limit(topic, {.record_bytes = 2000, .compacted = true});
  writer->begin();
  put(*writer, topic, "k", "fits");
  const std::string large(2001, 'x');
  OutRecord record;
  record.topic = topic;
  record.key = "k";
  record.value = large;
  EXPECT_EQ(thrown_by([&] { static_cast<void>(writer->produce(record, never_)); }).kind(), ErrorKind::data);
  record.key.reset();
  record.value = "no key";
  const Error error = thrown_by([&] { static_cast<void>(writer->produce(record, never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.message(), HasSubstr("without a key"));
  ASSERT_TRUE(writer->commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("fits"));
}

// A null key in a compacted topic: the broker refuses the whole batch, and nothing of it may be committed.
TEST_F(K1b_FailedProduce, OfARecordWithoutAKeyCommitsNothing) {
  const std::string topic = broker().create_topic(1, R"({"cleanup.policy": "compact"})");
  const std::unique_ptr<Producer> writer = producer("no-key");
  writer->begin();
  put(*writer, topic, "k", "fits");
  OutRecord record;
  record.topic = topic;
  record.value = "no key";
  ASSERT_TRUE(writer->produce(record, never_));
  const Error error = thrown_by([&] { static_cast<void>(writer->commit(never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
  ASSERT_TRUE(writer->abort(never_));
  EXPECT_THAT(broker().values(topic), IsEmpty());
}

}  // namespace
}  // namespace tailrace::kafka
