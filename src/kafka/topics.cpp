// Looking at topics and making them.
#include "kafka/topics.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"

namespace tailrace::kafka {
namespace {

// A record's frame in its batch, with room to spare.
constexpr std::size_t frame_bytes = 1024;
// A topic that was made a moment ago may be unknown to the broker that is asked, and without leaders.
constexpr std::chrono::milliseconds look_again{50};

std::size_t number_of(const std::map<std::string, std::string>& config, const std::string& name) {
  const auto found = config.find(name);
  if (found == config.end()) return 0;
  std::size_t out = 0;
  const char* const end = found->second.data() + found->second.size();
  return std::from_chars(found->second.data(), end, out).ec == std::errc{} ? out : 0;
}

bool is_ready(const std::map<std::string, TopicInfo>& found, const std::string& name) {
  const auto topic = found.find(name);
  if (topic == found.end() || topic->second.partitions.empty()) return false;
  for (const PartitionInfo& partition : topic->second.partitions) {
    if (partition.leader < 0) return false;
  }
  return true;
}

}  // namespace

void wait_for_topics(const SinkSettings& settings, Admin& admin, const std::vector<std::string>& names,
                     const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + settings.kafka.patience;
  for (const std::string& name : names) {
    while (!is_ready(admin.topics({name}, stop), name)) {
      if (!wait_for(look_again, stop)) throw Error(ErrorKind::abandoned, "creating topics: stopped");
      if (std::chrono::steady_clock::now() > deadline)
        throw Error(ErrorKind::unavailable, fmt::format("topic {} was made and is not there yet", name))
            .with("topic", name);
    }
  }
}

std::size_t wanted_message_bytes(const SinkSettings& settings) {
  return settings.record_bytes() + frame_bytes;
}

NewTopic topic_to_make(const SinkSettings& settings, const std::string& name) {
  const TopicCreation& creation = settings.topics;
  // Signals have an order.
  const int partitions = name == settings.signals_topic ? 1 : creation.partitions;
  NewTopic out{name, partitions, creation.replication, {}};
  if (name == settings.dead_letter_topic && settings.dead_letter_replication > 0)
    out.replication = settings.dead_letter_replication;
  out.config["cleanup.policy"] = "delete";
  out.config["retention.ms"] = std::to_string(creation.retention.count());
  out.config["compression.type"] = creation.compression;
  out.config["max.message.bytes"] = std::to_string(wanted_message_bytes(settings));
  if (creation.min_insync_replicas != 0)
    out.config["min.insync.replicas"] = std::to_string(creation.min_insync_replicas);
  for (const auto& [property, value] : creation.properties)
    out.config[property] = value;
  return out;
}

Copies offsets_copies(const SinkSettings& settings) {
  return {settings.topics.replication, settings.topics.min_insync_replicas};
}

TopicFactsByName look_at_topics(Admin& admin, const std::vector<std::string>& names,
                                const std::stop_token& stop) {
  TopicFactsByName out;
  for (const auto& [name, info] : admin.topics(names, stop)) {
    const std::map<std::string, std::string> config = admin.topic_config(name, stop);
    TopicFacts facts;
    facts.id = info.id;
    facts.partitions = static_cast<std::int32_t>(info.partitions.size());
    facts.limits.record_bytes = number_of(config, "max.message.bytes");
    const auto policy = config.find("cleanup.policy");
    facts.limits.compacted = policy != config.end() && policy->second.find("compact") != std::string::npos;
    out.emplace(name, facts);
  }
  return out;
}

TopicFactsByName ensure_topics(const SinkSettings& settings, Admin& admin,
                               const std::vector<std::string>& names, const std::stop_token& stop) {
  const std::map<std::string, TopicInfo> there = admin.topics(names, stop);
  std::vector<std::string> made;
  for (const std::string& name : names) {
    if (there.contains(name)) continue;
    if (!settings.topics.enabled)
      throw Error(ErrorKind::config, fmt::format("topic {} is not there", name))
          .with("topic", name)
          .with("remedy", "make it (`tailrace schema` prints how), or allow target.topics.create");
    if (admin.create(topic_to_make(settings, name), stop)) {
      log::info("kafka.topic.made", {{"topic", name}});
    }
    made.push_back(name);
  }
  wait_for_topics(settings, admin, made, stop);
  TopicFactsByName facts = look_at_topics(admin, names, stop);
  for (const auto& [name, fact] : facts) {
    if (fact.limits.record_bytes == 0 || fact.limits.record_bytes >= wanted_message_bytes(settings)) continue;
    log::warn(
        "kafka.topic.small_records",
        {{"topic", name},
         {"max_message_bytes", fact.limits.record_bytes},
         {"wanted", wanted_message_bytes(settings)},
         {"reason", "a row with values of stream.max_value_bytes would not fit, and stops the pipeline"}});
  }
  return facts;
}

void check_same_topic(const StoredTable& table, const std::map<std::string, TopicInfo>& there) {
  if (table.topic_id.empty()) return;
  const auto found = there.find(table.topic);
  const bool is_gone = found == there.end();
  if (!is_gone && (found->second.id.empty() || found->second.id == table.topic_id)) return;
  const std::string name = table.progress.table.str();
  throw Error(ErrorKind::gap, fmt::format("topic {} {}: what was sent to it is lost", table.topic,
                                          is_gone ? "is gone" : "was deleted and made anew"))
      .with("table", name)
      .with("topic", table.topic)
      .with("remedy",
            fmt::format("`tailrace table CONFIG resnapshot --table {}`: all of it is sent again", name));
}

std::vector<std::string> further_topics(const SinkSettings& settings) {
  std::vector<std::string> out;
  if (settings.events.transaction_metadata) out.push_back(settings.events.transaction_topic());
  if (settings.events.schema_changes) out.push_back(settings.events.schema_change_topic());
  if (settings.heartbeat_interval.count() > 0) out.push_back(settings.events.heartbeat_topic());
  if (!settings.dead_letter_topic.empty()) out.push_back(settings.dead_letter_topic);
  if (!settings.notices_topic.empty()) out.push_back(settings.notices_topic);
  if (!settings.signals_topic.empty()) out.push_back(settings.signals_topic);
  return out;
}

}  // namespace tailrace::kafka
