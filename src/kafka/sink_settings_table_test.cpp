// The settings of a Kafka target: defaults in one place, and what contradicts itself at its line.
#include "kafka/sink_settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "kafka/settings_table.h"

namespace tailrace::kafka {
namespace {

using ::testing::HasSubstr;

// What the sink reads of other modules' settings.
config::Table sink_table() {
  config::Table out = sink_settings_table();
  out.add(settings_table());
  for (const char* const name : {"pipeline", "target.type"})
    out.settings.push_back({.name = name, .required = true});
  out.settings.push_back({.name = "source.databases", .type = config::SettingType::list, .required = true});
  out.settings.push_back({.name = "snapshot.readers", .type = config::SettingType::integer, .fallback = "4"});
  out.settings.push_back({.name = "snapshot.mode", .fallback = "initial"});
  out.settings.push_back({.name = "snapshot.existing", .fallback = "refuse"});
  out.settings.push_back({.name = "errors.on_row", .fallback = "stop"});
  out.settings.push_back({.name = "errors.dead_letter_topic"});
  out.settings.push_back({.name = "errors.dead_letter_replication", .type = config::SettingType::integer});
  out.settings.push_back(
      {.name = "stream.max_value_bytes", .type = config::SettingType::bytes, .fallback = "16MiB"});
  return out;
}

const std::string sink_head =
    "pipeline: shop\nsource: {databases: [Shop]}\nkafka: {bootstrap_servers: ['k1:9092']}\n";

SinkSettings sink_filled(const std::string& yaml) {
  return sink_settings_of(config::load_text(yaml, "shop.yaml", sink_table()));
}

std::string sink_mistake(const std::string& yaml) {
  try {
    static_cast<void>(sink_filled(yaml));
  } catch (const Error& error) {
    return error.message();
  }
  return "no mistake";
}

TEST(SinkSettingsTable, HasTheDefaultsOfTheStruct) {
  const SinkSettings usual;
  const SinkSettings read = sink_filled(sink_head + "target: {type: kafka, events: {format: json}}\n");
  EXPECT_EQ(read.transaction_timeout, usual.transaction_timeout);
  EXPECT_EQ(read.topics.retention, usual.topics.retention);
  EXPECT_EQ(read.topics.compression, usual.topics.compression);
  EXPECT_EQ(read.topics.partitions, usual.topics.partitions);
  EXPECT_EQ(read.partitioning, usual.partitioning);
  EXPECT_EQ(read.events.database, "Shop");
  EXPECT_EQ(read.writers, 4);
  EXPECT_EQ(read.offsets_topic_name(), "tailrace-offsets-shop");
  EXPECT_EQ(read.main_id(), "tailrace-shop");
  EXPECT_EQ(read.connector_name(), "shop");
}

TEST(SinkSettingsTable, TakesWhatTheFileSays) {
  const SinkSettings read = sink_filled(sink_head + R"(target:
  type: kafka
  offsets_topic: positions
  connector_name: inventory
  transactional_id: shop-writer
  partitioning: table
  topics: {partitions: 6, replication: 3, retention: 36h, min_insync_replicas: 2, compression: zstd, properties: {segment.ms: 1000}}
  schema_registry: {urls: ['http://r:8081'], auto_register: false}
)");
  EXPECT_EQ(read.offsets_topic_name(), "positions");
  EXPECT_EQ(read.connector_name(), "inventory");
  EXPECT_EQ(read.main_id(), "shop-writer");
  EXPECT_EQ(read.partitioning, Partitioning::table);
  EXPECT_EQ(read.topics.partitions, 6);
  EXPECT_EQ(read.topics.replication, 3);
  EXPECT_EQ(read.topics.retention, std::chrono::hours(36));
  EXPECT_EQ(read.topics.min_insync_replicas, 2);
  EXPECT_EQ(read.topics.compression, "zstd");
  EXPECT_EQ(read.topics.properties.at("segment.ms"), "1000");
  EXPECT_FALSE(read.registry.auto_register);
}

TEST(SinkSettingsTable, SaysWhatIsMissing) {
  EXPECT_THAT(sink_mistake(sink_head + "target: {type: kafka}\n"),
              HasSubstr("target.schema_registry.urls: is missing"));
  EXPECT_THAT(
      sink_mistake(
          "pipeline: shop\nsource: {databases: [Shop]}\ntarget: {type: kafka, events: {format: json}}\n"),
      HasSubstr("kafka.bootstrap_servers: is missing"));
}

// Passed by in silence, they would promise what a log cannot do.
TEST(SinkSettingsTable, RefusesWhatALogHasNoAnswerFor) {
  const std::string target = "target: {type: kafka, events: {format: json}}\n";
  EXPECT_THAT(sink_mistake(sink_head + target + "snapshot: {existing: truncate}\n"),
              HasSubstr("snapshot.existing: a topic has no rows"));
}

// Rows would go nowhere, or stop the pipeline although they may be passed over.
TEST(SinkSettingsTable, LettersHaveATopic) {
  const std::string target = "target: {type: kafka, events: {format: json}}\n";
  const SinkSettings read =
      sink_filled(sink_head + target +
                  "errors: {on_row: dead_letter, dead_letter_topic: letters, dead_letter_replication: 2}\n");
  EXPECT_EQ(read.dead_letter_topic, "letters");
  EXPECT_EQ(read.dead_letter_replication, 2);
  EXPECT_EQ(sink_filled(sink_head + target).dead_letter_topic, "");
  EXPECT_EQ(sink_filled(sink_head + target + "errors: {dead_letter_topic: letters}\n").dead_letter_topic, "");
}

// Notices that go nowhere are not missed until they are needed.
TEST(SinkSettingsTable, SignalsAndNotices) {
  const SinkSettings read = sink_filled(sink_head + R"(target:
  type: kafka
  events: {format: json}
  signals: {table: dbo.signals, topic: shop-signals, chunk_rows: 50}
  notifications: {channels: [log, sink], topic: notes}
)");
  EXPECT_EQ(read.signals_table, "dbo.signals");
  EXPECT_EQ(read.signals_topic, "shop-signals");
  EXPECT_EQ(read.incremental_rows, 50u);
  EXPECT_TRUE(read.log_notices);
  EXPECT_EQ(read.notices_topic, "notes");
  const auto mistake = [](const std::string& notifications) {
    return sink_mistake(
        sink_head + "target: {type: kafka, events: {format: json}, notifications: " + notifications + "}\n");
  };
  EXPECT_THAT(mistake("{channels: [sink]}"), HasSubstr("target.notifications.topic: is missing"));
  EXPECT_THAT(mistake("{channels: [jmx]}"), HasSubstr("'jmx' is no channel that is known here"));
  EXPECT_THAT(mistake("{topic: notes}"), HasSubstr("has no meaning without the channel sink"));
}

}  // namespace
}  // namespace tailrace::kafka
