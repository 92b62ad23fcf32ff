// Two producers of one transactional id: the newer one ends the older one, busy or idle.
#include "kafka/failure.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class K3b_Fencing : public KafkaCase {};
class K3c_IdleProducer : public KafkaCase {};

// Both would write the same changes, each with a position of its own.
TEST_F(K3b_Fencing, EndsAnOlderProducerInTheMiddleOfItsTransaction) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> older = producer("busy");
  older->begin();
  put(*older, topic, "k", "older");
  const std::unique_ptr<Producer> newer = producer("busy");
  newer->begin();
  put(*newer, topic, "k", "newer");
  ASSERT_TRUE(newer->commit(never_));
  const Error error = thrown_by([&] {
    put(*older, topic, "k", "older still");
    static_cast<void>(older->commit(never_));
  });
  EXPECT_EQ(error.kind(), ErrorKind::fenced) << error.what();
  EXPECT_TRUE(is_fatal(error)) << error.what();
  // Younger than its timeout: it was another instance.
  EXPECT_LT(*older->age(), older->transaction_timeout());
  EXPECT_THAT(broker().values(topic), ElementsAre("newer"));
}

// Records that were on their way when the newer one came are in no transaction that is ever committed.
TEST_F(K3b_Fencing, LeavesNothingOfTheOlderOne) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> older = producer("on-their-way");
  older->begin();
  for (int i = 0; i < 500; ++i)
    put(*older, topic, "k", "older");
  const std::unique_ptr<Producer> newer = producer("on-their-way");
  EXPECT_EQ(thrown_by([&] { static_cast<void>(older->commit(never_)); }).kind(), ErrorKind::fenced);
  EXPECT_THAT(broker().values(topic), IsEmpty());
}

// The broker ends a transaction that is too old by raising the epoch, which looks exactly like another instance: its age alone
// tells, and a new producer of the same id goes on.
TEST_F(K3b_Fencing, ByTheBrokersOwnTimeoutIsToldByTheAge) {
  const std::string topic = broker().create_topic();
  std::unique_ptr<Producer> slow = producer("slow", 2s);
  slow->begin();
  put(*slow, topic, "k", "too late");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  std::optional<Error> error;
  // The end of the transaction is seen by a reader: its marker is the end of the partition.
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  Batch batch;
  std::int64_t end = 0;
  while (end < 2 && std::chrono::steady_clock::now() < deadline) {
    consumer.poll(batch, {.wait = 100ms}, never_);
    for (const PartitionOffset& each : batch.ends())
      end = each.offset;
  }
  ASSERT_EQ(end, 2) << "the broker did not end the transaction";
  error = thrown_by([&] { static_cast<void>(slow->commit(never_)); });
  EXPECT_EQ(error->kind(), ErrorKind::fenced) << error->what();
  EXPECT_GE(*slow->age(), slow->transaction_timeout());
  slow.reset();
  slow = producer("slow");
  slow->begin();
  put(*slow, topic, "k", "again");
  ASSERT_TRUE(slow->commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("again"));
}

TEST_F(K3c_IdleProducer, IsFencedWithItsNextRecord) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> older = producer("idle");
  older->begin();
  put(*older, topic, "k", "older");
  ASSERT_TRUE(older->commit(never_));
  const std::unique_ptr<Producer> newer = producer("idle");
  const Error error = thrown_by([&] {
    older->begin();
    put(*older, topic, "k", "woken");
    static_cast<void>(older->commit(never_));
  });
  EXPECT_EQ(error.kind(), ErrorKind::fenced) << error.what();
  EXPECT_THAT(broker().values(topic), ElementsAre("older"));
}

// Why an idle source reads its claim again, or commits a heartbeat: an empty transaction asks no broker anything.
TEST_F(K3c_IdleProducer, IsNotFoundOutByAnEmptyTransaction) {
  const std::unique_ptr<Producer> older = producer("empty");
  const std::unique_ptr<Producer> newer = producer("empty");
  older->begin();
  EXPECT_TRUE(older->commit(never_));
}

}  // namespace
}  // namespace tailrace::kafka
