// Where events go and how they look: names, defaults, bounds.
#include "kafka/sink_settings_table.h"

#include <algorithm>

#include "base/error.h"
#include "config/units.h"
#include "debezium/settings_table.h"
#include "kafka/settings_table.h"
#include "pipeline/runner_id.h"
#include "registry/settings_table.h"

namespace tailrace::kafka {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::minute_ms;
using config::SettingType;

constexpr const char* registry_prefix = "target.schema_registry";
constexpr const char* events_prefix = "target.events";
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;

std::vector<Binding<SinkSettings>> ownership_settings() {
  return {
      bind<SinkSettings>(
          {.name = "target.offsets_topic",
           .help = "The compacted topic that holds the pipeline's position and state; made if it is not "
                   "there. Without it "
                   "tailrace-offsets-PIPELINE.",
           .example = "shop-offsets"},
          [](SinkSettings & s) -> auto& { return s.offsets_topic; }),
      bind<SinkSettings>(
          {.name = "target.connector_name",
           .help = "The connector's name in the key of the stored position, as Kafka Connect writes it: a "
                   "Debezium of this name, "
                   "topic prefix and database is taken over at its position, and given back. Without it the "
                   "pipeline's name.",
           .example = "inventory-connector"},
          [](SinkSettings & s) -> auto& { return s.connector; }),
      bind<SinkSettings>(
          {.name = "target.transactional_id",
           .help = "Of the pipeline's transactions; chunk writers append a number. Without it "
                   "tailrace-PIPELINE. Two runners of one id "
                   "fence each other.",
           .example = "tailrace-shop"},
          [](SinkSettings & s) -> auto& { return s.transactional_id; }),
      bind<SinkSettings>(
          {.name = "target.transaction_timeout",
           .type = SettingType::duration,
           .help = "How long a transaction may be open, where the brokers allow as much "
                   "(transaction.max.timeout.ms). A source "
                   "transaction that takes two thirds of it to be sent is committed in parts.",
           .fallback = "15m",
           .minimum = 1'000,
           .maximum = 15 * minute_ms},
          [](SinkSettings & s) -> auto& { return s.transaction_timeout; }),
      bind<SinkSettings>(
          {.name = "target.partitioning",
           .type = SettingType::choice,
           .help = "key: an event goes to the partition that Kafka's Java clients give its key. table: all "
                   "of a table's events go to "
                   "one partition.",
           .fallback = "key",
           .choices = {"key", "table"}},
          [](SinkSettings & s) -> auto& { return s.partitioning; }),
      bind<SinkSettings>(
          {.name = "target.heartbeat_interval",
           .type = SettingType::duration,
           .help = "A record in the topic __debezium-heartbeat.PREFIX this often, also while nothing changes "
                   "(heartbeat.interval.ms). 0ms: none.",
           .fallback = "0ms",
           .minimum = 0,
           .maximum = day_ms},
          [](SinkSettings & s) -> auto& { return s.heartbeat_interval; }),
  };
}

std::vector<Binding<SinkSettings>> topic_settings() {
  return {
      bind<SinkSettings>(
          {.name = "target.topics.create",
           .type = SettingType::boolean,
           .help = "Whether topics that are not there are made; else that is an error.",
           .fallback = "true"},
          [](SinkSettings & s) -> auto& { return s.topics.enabled; }),
      bind<SinkSettings>(
          {.name = "target.topics.partitions",
           .type = SettingType::integer,
           .help = "Of a topic that is made. Without it the brokers' default.",
           .minimum = 1,
           .maximum = 10'000},
          [](SinkSettings & s) -> auto& { return s.topics.partitions; }),
      bind<SinkSettings>(
          {.name = "target.topics.replication",
           .type = SettingType::integer,
           .help =
               "Replicas of a topic that is made, of the offsets topic too. Without it the brokers' default.",
           .minimum = 1,
           .maximum = 100},
          [](SinkSettings & s) -> auto& { return s.topics.replication; }),
      bind<SinkSettings>(
          {.name = "target.topics.retention",
           .type = SettingType::duration,
           .help = "How long a topic that is made keeps events.",
           .fallback = "7d",
           .minimum = minute_ms,
           .maximum = 10'000 * day_ms},
          [](SinkSettings & s) -> auto& { return s.topics.retention; }),
      bind<SinkSettings>(
          {.name = "target.topics.min_insync_replicas",
           .type = SettingType::integer,
           .help = "Of a topic that is made, of the offsets topic too. Without it the brokers' default.",
           .minimum = 1,
           .maximum = 100},
          [](SinkSettings & s) -> auto& { return s.topics.min_insync_replicas; }),
      bind<SinkSettings>(
          {.name = "target.topics.compression",
           .type = SettingType::choice,
           .help = "Of a topic that is made. producer: as the records come (`kafka.compression`).",
           .fallback = "producer",
           .choices = {"producer", "lz4", "zstd", "snappy", "gzip", "uncompressed"}},
          [](SinkSettings & s) -> auto& { return s.topics.compression; }),
      bind<SinkSettings>(
          {.name = "target.topics.properties",
           .type = SettingType::map,
           .help = "Further settings of topics that are made, as Kafka names them.",
           .example = "{ segment.bytes: 268435456 }"},
          [](SinkSettings & s) -> auto& { return s.topics.properties; }),
  };
}

std::vector<Binding<SinkSettings>> signal_settings() {
  return {
      bind<SinkSettings>(
          {.name = "target.signals.table",
           .help = "A captured table, as schema.table, whose inserted rows are signals "
                   "(signal.data.collection): three "
                   "columns of text, "
                   "id, type and data. Its rows are events of its own topic too.",
           .example = "dbo.signals"},
          [](SinkSettings & s) -> auto& { return s.signals_table; }),
      bind<SinkSettings>(
          {.name = "target.signals.topic",
           .help = "A topic of one partition whose records are signals (signal.kafka.topic): the key is the "
                   "topic "
                   "prefix, the value an "
                   "object with type and data. Made if it is not there.",
           .example = "shop-signals"},
          [](SinkSettings & s) -> auto& { return s.signals_topic; }),
      bind<SinkSettings>(
          {.name = "target.signals.chunk_rows",
           .type = SettingType::integer,
           .help = "Rows of a chunk of an incremental snapshot (incremental.snapshot.chunk.size), about; one "
                   "chunk is "
                   "held in memory, of 8 MiB at most.",
           .fallback = "10000",
           .minimum = 1,
           .maximum = 1'000'000},
          [](SinkSettings & s) -> auto& { return s.incremental_rows; }),
      {{.name = "target.notifications.channels",
        .type = SettingType::list,
        .help = "Where the pipeline tells what its snapshots do (notification.enabled.channels): log, sink, "
                "or both.",
        .example = "[log, sink]"},
       [](SinkSettings& s, const std::string&, const config::Value& value) {
         s.log_notices = std::find(value.items.begin(), value.items.end(), "log") != value.items.end();
       }},
      bind<SinkSettings>(
          {.name = "target.notifications.topic",
           .help = "With the channel sink, the topic that they go to (notification.sink.topic.name).",
           .example = "shop-notifications"},
          [](SinkSettings & s) -> auto& { return s.notices_topic; }),
  };
}

void channels_are_known(const Document& document, std::vector<Complaint>& complaints) {
  const bool has_topic = document.has("target.notifications.topic");
  bool sends = false;
  if (document.has("target.notifications.channels")) {
    for (const std::string& name : document.read("target.notifications.channels").items) {
      sends = sends || name == "sink";
      if (name == "log" || name == "sink") continue;
      complaints.push_back({"target.notifications.channels",
                            "'" + name + "' is no channel that is known here; expected log, sink", nullptr});
    }
  }
  if (sends && !has_topic)
    complaints.push_back({"target.notifications.topic", "is missing; the channel sink needs it", nullptr});
  if (has_topic && !sends)
    complaints.push_back({"target.notifications.topic", "has no meaning without the channel sink", nullptr});
}

bool is_kafka_target(const Document& document) {
  return document.has("target.type") && document.read("target.type").text == "kafka";
}

void needs_addresses(const Document& document, std::vector<Complaint>& complaints) {
  if (!is_kafka_target(document)) return;
  // Where there is a section `kafka` its own rule says so.
  const std::vector<config::Entry>& entries = document.entries();
  const bool has_section = std::any_of(entries.begin(), entries.end(), [](const config::Entry& entry) {
    return entry.setting->name.rfind("kafka.", 0) == 0;
  });
  if (!has_section)
    complaints.push_back(
        {"kafka.bootstrap_servers", "is missing; a Kafka target needs the brokers' addresses", nullptr});
  const std::string urls = std::string(registry_prefix) + ".urls";
  const bool is_avro = document.read("target.events.format").text == "avro";
  if (is_avro && !document.mentions(urls))
    complaints.push_back(
        {urls, "is missing; Avro needs a Schema Registry (or set target.events.format: json)", nullptr});
}

// What a PostgreSQL target does with rows has no meaning for a log.
void takes_no_rows(const Document& document, std::vector<Complaint>& complaints) {
  if (!is_kafka_target(document)) return;
  if (document.read("snapshot.existing").text != "refuse")
    complaints.push_back({"snapshot.existing",
                          "a topic has no rows to be compared or removed: events come behind what is there",
                          nullptr});
}

}  // namespace

const std::vector<Binding<SinkSettings>>& sink_settings_bindings() {
  static const std::vector<Binding<SinkSettings>> all = [] {
    std::vector<Binding<SinkSettings>> out = ownership_settings();
    for (const auto& more : {topic_settings(), signal_settings()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

const std::vector<Binding<registry::Settings>>& sink_registry_bindings() {
  static const std::vector<Binding<registry::Settings>> all = registry::settings_bindings(registry_prefix);
  return all;
}

const std::vector<Binding<debezium::EventSettings>>& sink_event_bindings() {
  static const std::vector<Binding<debezium::EventSettings>> all = debezium::settings_bindings(events_prefix);
  return all;
}

config::Table sink_settings_table() {
  config::Table out =
      config::table_of(sink_settings_bindings(), {needs_addresses, takes_no_rows, channels_are_known});
  out.add(config::table_of(sink_event_bindings(), debezium::settings_rules(events_prefix)));
  out.add(config::table_of(sink_registry_bindings(), registry::settings_rules(registry_prefix)));
  return out;
}

SinkSettings sink_settings_of(const Document& document) {
  SinkSettings out;
  out.pipeline = document.read("pipeline").text;
  config::fill(out, sink_settings_bindings(), document);
  config::fill(out.events, sink_event_bindings(), document);
  config::fill(out.registry, sink_registry_bindings(), document);
  config::fill(out.kafka, settings_bindings(), document);
  const std::vector<std::string> databases = document.read("source.databases").items;
  TAILRACE_ASSERT(!databases.empty());
  out.events.database = databases.front();
  out.events.run_id = process_runner_id();
  out.writers = static_cast<int>(document.read("snapshot.readers").number);
  if (document.read("errors.on_row").text == "dead_letter" && document.has("errors.dead_letter_topic"))
    out.dead_letter_topic = document.read("errors.dead_letter_topic").text;
  if (document.has("errors.dead_letter_replication"))
    out.dead_letter_replication = static_cast<int>(document.read("errors.dead_letter_replication").number);
  out.max_value_bytes = static_cast<std::size_t>(document.read("stream.max_value_bytes").number);
  return out;
}

}  // namespace tailrace::kafka
