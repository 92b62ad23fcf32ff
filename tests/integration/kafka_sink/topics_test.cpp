// Topics: made as the settings say, refused where they must be there, compared with what the settings let through.
#include "kafka/topics.h"

#include "kafka/inspect.h"
#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class K1c_Limits : public SinkCase {};
class SinkTopics : public SinkCase {};
class K3f_SameTopic : public SinkCase {
 protected:
  void make_anew() {
    broker().delete_topic(topic());
    broker().create_topic_named(topic(), 1);
  }
};

TEST_F(SinkTopics, AreMadeAsTheSettingsSay) {
  SinkSettings wanted = settings();
  wanted.topics.partitions = 3;
  wanted.topics.retention = 36h;
  wanted.topics.min_insync_replicas = 1;
  wanted.topics.compression = "zstd";
  wanted.topics.properties = {{"segment.bytes", "1048576"}};
  static_cast<void>(streaming(wanted));
  Admin admin(cluster());
  EXPECT_THAT(admin.topics({topic()}, never_).at(topic()).partitions, SizeIs(3));
  const std::map<std::string, std::string> config = admin.topic_config(topic(), never_);
  EXPECT_THAT(config,
              AllOf(Contains(Pair("retention.ms", "129600000")), Contains(Pair("compression.type", "zstd")),
                    Contains(Pair("cleanup.policy", "delete")), Contains(Pair("segment.bytes", "1048576")),
                    Contains(Pair("min.insync.replicas", "1"))));
  EXPECT_EQ(admin.topic_config(offsets_topic(), never_).at("cleanup.policy"), "compact");
}

TEST_F(SinkTopics, AreMissedByNameWhereTheyMayNotBeMade) {
  SinkSettings strict = settings();
  strict.topics.enabled = false;
  KafkaSink sink(strict);
  static_cast<void>(sink.open(false, never_));
  sink.use_tables({table_});
  const Error error = thrown_by([&] {
    sink.begin_load("source", {TableStart{table_, tailrace::testing::lsn(1), false, false}},
                    Position{tailrace::testing::lsn(1), "", 0});
  });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.context("topic"), topic());
  EXPECT_THAT(missing_topics(strict, {table_}, never_),
              HasSubstr("--create --topic " + topic() + " --partitions 1"));
}

// The topic's name is the table's: two of one name could not be told apart by any reader.
TEST_F(SinkTopics, OfTwoTablesAreNotOne) {
  SinkSettings one = settings();
  one.events.topic_format = "everything";
  KafkaSink sink(one);
  static_cast<void>(sink.open(false, never_));
  const SchemaPtr other =
      tailrace::testing::table("others", {tailrace::testing::column("id", {TypeKind::int_}, false)});
  EXPECT_EQ(thrown_by([&] { sink.use_tables({table_, other}); }).kind(), ErrorKind::config);
}

// All of a table's events in one partition: the order of the table, not of each key alone.
TEST_F(SinkTopics, ATableIsOnePartitionWhereThatIsAsked) {
  SinkSettings by_table = settings();
  by_table.topics.partitions = 8;
  by_table.partitioning = Partitioning::table;
  const std::unique_ptr<KafkaSink> sink = streaming(by_table);
  std::vector<Change> changes;
  for (int id = 0; id < 40; ++id)
    changes.push_back({id, "x"});
  ASSERT_TRUE(write(*sink, commit_point(5, changes)));
  int used = 0;
  for (std::int32_t partition = 0; partition < 8; ++partition) {
    Consumer looker(cluster(), {.isolation = Isolation::read_uncommitted});
    if (looker.watermarks({topic(), partition}, never_)->high > 0) ++used;
  }
  EXPECT_EQ(used, 1);
}

// A topic that is made anew under a producer takes what comes next without a word: whoever reads it from its beginning lacks the rest.
TEST_F(K3f_SameTopic, ThatIsMadeAnewUnderARunEndsIt) {
  SinkSettings watching = settings();
  watching.claim_interval = 0ms;
  const std::unique_ptr<KafkaSink> sink = streaming(watching);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}})));
  EXPECT_THAT(sink->heartbeat(), IsEmpty());
  make_anew();
  const Error error = thrown_by([&] { sink->heartbeat(); });
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("topic"), topic());
  EXPECT_THAT(std::string(error.context("remedy")), HasSubstr("resnapshot --table dbo.items"));
}

TEST_F(K3f_SameTopic, ThatIsMadeAnewBetweenTwoRunsIsAGap) {
  static_cast<void>(streaming());
  make_anew();
  KafkaSink next(settings());
  static_cast<void>(next.open(false, never_));
  EXPECT_EQ(thrown_by([&] { next.use_tables({table_}); }).kind(), ErrorKind::gap);
}

// Nor is it made anew by us, as if nothing had been in it.
TEST_F(K3f_SameTopic, ThatIsGoneIsAGapUntilItsTableIsAskedForAnew) {
  static_cast<void>(streaming());
  broker().delete_topic(topic());
  {
    KafkaSink next(settings());
    static_cast<void>(next.open(false, never_));
    const Error error = thrown_by([&] { next.use_tables({table_}); });
    EXPECT_EQ(error.kind(), ErrorKind::gap);
    EXPECT_THAT(error.message(), HasSubstr("is gone"));
  }
  Admin admin(cluster());
  EXPECT_THAT(admin.topics({topic()}, never_), IsEmpty());
  static_cast<void>(request_table(settings(), table_->name, Wanted::resnapshot, never_));
  static_cast<void>(reopened(settings()));
  EXPECT_THAT(admin.topics({topic()}, never_), SizeIs(1));
}

// A record that the topic does not take stops the pipeline in the middle of the night: it is said before.
TEST_F(K1c_Limits, AreComparedWithTheTopicsBeforeTheStart) {
  broker().create_topic_named(topic(), 1, R"({"max.message.bytes": "2000"})");
  const std::vector<Finding> findings = check(settings(), {table_}, never_);
  EXPECT_THAT(findings,
              Contains(AllOf(Field(&Finding::level, FindingLevel::warning),
                             Field(&Finding::name, "target.topic"), Field(&Finding::subject, topic()))));
}

TEST_F(K1c_Limits, OfATopicThatIsMadeLetTheLongestValuePass) {
  SinkSettings plain = settings();
  plain.kafka.compression = Compression::none;
  const std::unique_ptr<KafkaSink> sink = streaming(plain);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, std::string(settings().max_value_bytes - 1, 'x')}})));
  EXPECT_THAT(texts(), SizeIs(1));
}

// The limit is one of batches, and librdkafka fills those to a megabyte: rows that all fit were refused for coming together.
TEST_F(K1c_Limits, AreThoseOfBatches) {
  broker().create_topic_named(topic(), 1, R"({"max.message.bytes": "2000"})");
  SinkSettings plain = settings();
  plain.kafka.compression = Compression::none;
  const std::unique_ptr<KafkaSink> sink = streaming(plain);
  std::vector<Change> rows;
  for (int id = 1; id <= 60; ++id)
    rows.push_back({id, std::string(100, 'x')});
  ASSERT_TRUE(write(*sink, commit_point(5, rows)));
  EXPECT_THAT(texts(), SizeIs(60));
}

TEST_F(SinkTopics, TheCheckSaysWhatIsNotFit) {
  broker().create_topic_named(offsets_topic(), 1, "{}");
  EXPECT_THAT(check(settings(), {table_}, never_),
              Contains(AllOf(Field(&Finding::level, FindingLevel::failure),
                             Field(&Finding::name, "target.offsets_topic"))));
  SinkSettings nowhere = settings();
  nowhere.kafka.bootstrap_servers = {"127.0.0.1:1"};
  nowhere.kafka.patience = 1s;
  EXPECT_THAT(check(nowhere, {table_}, never_), Contains(Field(&Finding::name, "target.reachable")));
}

}  // namespace
}  // namespace tailrace::kafka
