// Looking at the cluster and making topics.
#include "kafka/admin.h"

#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Admins : public KafkaCase {};

TEST_F(Admins, LookAtTheClusterAndItsLimits) {
  Admin admin(settings());
  const ClusterInfo cluster = admin.cluster(never_);
  EXPECT_FALSE(cluster.id.empty());
  ASSERT_THAT(cluster.brokers, SizeIs(1));
  EXPECT_EQ(cluster.brokers[0].host, "127.0.0.1");
  // K2: a transaction lives no longer than the broker lets it.
  EXPECT_EQ(admin.broker_config(cluster.brokers[0].id, never_).at("transaction.max.timeout.ms"), "900000");
}

TEST_F(Admins, MakeATopicOnce) {
  Admin admin(settings());
  const NewTopic wanted{"made-once", 3, 1, {{"retention.ms", "604800000"}, {"min.insync.replicas", "1"}}};
  EXPECT_TRUE(admin.create(wanted, never_));
  // Another runner may have been faster: what is there stays as it is.
  EXPECT_FALSE(admin.create({"made-once", 5, 1, {}}, never_));
  const TopicInfo topic = admin.topics({"made-once", "not-there"}, never_).at("made-once");
  EXPECT_THAT(topic.partitions, SizeIs(3));
  EXPECT_EQ(topic.partitions[2].partition, 2);
  EXPECT_EQ(topic.partitions[2].in_sync, 1u);
  EXPECT_FALSE(admin.topics({"not-there"}, never_).contains("not-there"));
  const std::map<std::string, std::string> config = admin.topic_config("made-once", never_);
  EXPECT_EQ(config.at("retention.ms"), "604800000");
  EXPECT_EQ(config.at("cleanup.policy"), "delete");  // Inherited ones are there, too.
}

TEST_F(Admins, SayWhyATopicCannotBeMade) {
  Admin admin(settings());
  const Error error = thrown_by([&] {
    static_cast<void>(admin.create({"three-replicas", 1, 3, {}}, never_));
  });
  EXPECT_EQ(error.kind(), ErrorKind::config) << error.what();
  EXPECT_EQ(error.context("topic"), "three-replicas");
  EXPECT_EQ(thrown_by([&] {
              static_cast<void>(admin.create({"bad name", 1, 1, {}}, never_));
            }).kind(),
            ErrorKind::config);
  const Error setting = thrown_by([&] {
    static_cast<void>(admin.create({"bad-setting", 1, 1, {{"retention.msec", "1"}}}, never_));
  });
  EXPECT_EQ(setting.kind(), ErrorKind::config);
  EXPECT_THAT(setting.message(), HasSubstr("retention.msec"));
  EXPECT_EQ(thrown_by([&] { admin.topic_config("not-there", never_); }).kind(), ErrorKind::config);
}

TEST_F(Admins, AreAbandonedByAStop) {
  Admin admin(settings());
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(thrown_by([&] { admin.cluster(source.get_token()); }).kind(), ErrorKind::abandoned);
}

}  // namespace
}  // namespace tailrace::kafka
