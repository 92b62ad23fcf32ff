// The pipeline's own topic: what is committed, to the very end.
#include "kafka/offsets_topic.h"

#include <thread>

#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Pair;

class K3a_OffsetsTopic : public KafkaCase {
 protected:
  static std::map<std::string, std::string> texts(const std::map<std::string, StoredRecord>& records) {
    std::map<std::string, std::string> out;
    for (const auto& [key, record] : records)
      out.emplace(key, record.value);
    return out;
  }
  void remove(Producer& producer, const std::string& topic, const std::string& key) {
    OutRecord record;
    record.topic = topic;
    record.key = key;
    ASSERT_TRUE(producer.produce(record, never_));
  }
};

TEST_F(K3a_OffsetsTopic, HoldsTheLastCommittedRecordOfEachKey) {
  Admin admin(settings());
  const OffsetsTopic topic(settings(), "offsets-last");
  topic.ensure(admin, {}, never_);
  topic.ensure(admin, {}, never_);
  EXPECT_THAT(topic.read(admin, never_), IsEmpty());
  const std::unique_ptr<Producer> writer = producer("offsets-last");
  for (const char* const value : {"1", "2", "3"}) {
    writer->begin();
    put(*writer, topic.name(), "position", value);
    put(*writer, topic.name(), std::string("binary\0key", 10), value);
    put(*writer, topic.name(), "chunk", value);
    ASSERT_TRUE(writer->commit(never_));
  }
  writer->begin();
  remove(*writer, topic.name(), "chunk");
  ASSERT_TRUE(writer->commit(never_));
  writer->begin();
  put(*writer, topic.name(), "position", "aborted");
  while (writer->in_flight() > 0)
    writer->check();
  ASSERT_TRUE(writer->abort(never_));
  EXPECT_THAT(texts(topic.read(admin, never_)),
              ElementsAre(Pair(std::string("binary\0key", 10), "3"), Pair("position", "3")));
}

// The end that a reader of committed records sees lies before an open transaction, and with it before what was committed behind:
// read to there alone, an old position would be taken for the last one.
TEST_F(K3a_OffsetsTopic, IsReadPastAnOpenTransactionOrNotAtAll) {
  Admin admin(settings());
  Settings impatient = settings();
  impatient.patience = 2s;
  const OffsetsTopic topic(impatient, "offsets-open");
  topic.ensure(admin, {}, never_);
  const std::unique_ptr<Producer> writer = producer("offsets-main");
  writer->begin();
  put(*writer, topic.name(), "position", "old");
  ASSERT_TRUE(writer->commit(never_));
  const std::unique_ptr<Producer> chunk = producer("offsets-chunk");
  chunk->begin();
  put(*chunk, topic.name(), "chunk", "half");
  while (chunk->in_flight() > 0)
    chunk->check();
  writer->begin();
  put(*writer, topic.name(), "position", "new");
  ASSERT_TRUE(writer->commit(never_));

  const Error error = thrown_by([&] { topic.read(admin, never_); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
  EXPECT_THAT(error.message(), HasSubstr("transaction"));
  // The next runner begins with every id that was ever used.
  const std::unique_ptr<Producer> next = producer("offsets-chunk");
  EXPECT_THAT(texts(topic.read(admin, never_)), ElementsAre(Pair("position", "new")));
}

// And while the other one is still being ended the reader waits.
TEST_F(K3a_OffsetsTopic, WaitsForAnOpenTransactionToEnd) {
  Admin admin(settings());
  const OffsetsTopic topic(settings(), "offsets-waits");
  topic.ensure(admin, {}, never_);
  const std::unique_ptr<Producer> chunk = producer("offsets-waits-chunk");
  chunk->begin();
  put(*chunk, topic.name(), "chunk", "whole");
  while (chunk->in_flight() > 0)
    chunk->check();
  commit(topic.name(), {"position"});
  std::map<std::string, StoredRecord> found;
  std::jthread reader([&] {
    Admin own(settings());
    found = topic.read(own, {});
  });
  ASSERT_TRUE(chunk->commit(never_));
  reader.join();
  EXPECT_THAT(texts(found), ElementsAre(Pair("chunk", "whole"), Pair("position", "position")));
}

// Whoever takes a busy pipeline over reads its topic while the other one still writes: its end is never reached.
TEST_F(K3a_OffsetsTopic, IsReadWhileSomebodyGoesOnWriting) {
  Admin admin(settings());
  const OffsetsTopic topic(settings(), "offsets-busy");
  topic.ensure(admin, {}, never_);
  const std::unique_ptr<Producer> busy = producer("offsets-busy");
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      busy->begin();
      put(*busy, topic.name(), "position", "some");
      EXPECT_TRUE(busy->commit(never_));
    }
  });
  for (const View view : {View::uncommitted, View::whole, View::readable})
    EXPECT_THAT(texts(topic.read(admin, never_, view)).size(), ::testing::Le(1U));
}

// Committed by one broker alone, a position could be lost where the events that it speaks of are not.
TEST_F(K3a_OffsetsTopic, HasAsManyCopiesAsItIsTold) {
  Admin admin(settings());
  OffsetsTopic(settings(), "offsets-copies").ensure(admin, {.replication = 1, .min_insync = 2}, never_);
  EXPECT_THAT(admin.topic_config("offsets-copies", never_),
              IsSupersetOf({Pair("cleanup.policy", "compact"), Pair("min.insync.replicas", "2")}));
}

// Positions in a topic that deletes by age vanish with the first quiet week.
TEST_F(K3a_OffsetsTopic, IsRefusedWhereItIsNotCompacted) {
  Admin admin(settings());
  const std::string name = broker().create_topic();
  const Error error = thrown_by([&] { OffsetsTopic(settings(), name).ensure(admin, {}, never_); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_THAT(error.message(), HasSubstr("cleanup.policy=delete"));
  EXPECT_EQ(thrown_by([&] { OffsetsTopic(settings(), "offsets-missing").read(admin, never_); }).kind(),
            ErrorKind::config);
}

}  // namespace
}  // namespace tailrace::kafka
