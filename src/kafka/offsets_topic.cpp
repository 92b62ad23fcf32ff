// Reading a compacted topic from its beginning to an end that was fixed before.
#include "kafka/offsets_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kafka/consumer.h"

namespace tailrace::kafka {
namespace {

struct Goal {
  TopicPartition where;
  std::int64_t end = 0;
  std::int64_t reached = 0;
};

Error stopped_reading(const std::string& name) {
  return Error(ErrorKind::abandoned, fmt::format("reading {}: stopped", name)).with("topic", name);
}

// Where each partition begins and ends now: as far as the isolation sees.
std::vector<Goal> goals_of(const Settings& settings, const TopicInfo& topic, Isolation isolation,
                           const std::stop_token& stop) {
  Consumer looker(settings, {.isolation = isolation});
  std::vector<Goal> out;
  for (const PartitionInfo& partition : topic.partitions) {
    const TopicPartition where{topic.name, partition.partition};
    const std::optional<Watermarks> marks = looker.watermarks(where, stop);
    if (!marks) throw stopped_reading(topic.name);
    if (marks->high > marks->low) out.push_back({where, marks->high, marks->low});
  }
  return out;
}

Goal& goal_of(std::vector<Goal>& goals, const std::string& topic, std::int32_t partition) {
  const auto found = std::find_if(goals.begin(), goals.end(), [&](const Goal& each) {
    return each.where.partition == partition && each.where.topic == topic;
  });
  TAILRACE_ASSERT(found != goals.end());
  return *found;
}

void keep(std::map<std::string, StoredRecord>& records, const InRecord& record) {
  if (!record.key()) return;  // A compacted topic takes none; one that became compacted later may hold some.
  const std::string key(*record.key());
  if (!record.value()) {
    records.erase(key);
    return;
  }
  records.insert_or_assign(key, StoredRecord{std::string(*record.value()), record.partition(),
                                             record.offset(), record.timestamp_ms()});
}

}  // namespace

std::vector<PartitionOffset> ends_of(const Settings& settings, const TopicInfo& topic,
                                     const std::stop_token& stop) {
  Consumer looker(settings, {.isolation = Isolation::read_uncommitted});
  std::vector<PartitionOffset> out;
  for (const PartitionInfo& partition : topic.partitions) {
    const TopicPartition where{topic.name, partition.partition};
    const std::optional<Watermarks> marks = looker.watermarks(where, stop);
    if (!marks) throw stopped_reading(topic.name);
    out.push_back({where, marks->high});
  }
  return out;
}

OffsetsTopic::OffsetsTopic(Settings settings, std::string name)
    : settings_(std::move(settings)), name_(std::move(name)) {}

NewTopic OffsetsTopic::to_make(const Copies& copies) const {
  NewTopic out{name_, 1, copies.replication, {{"cleanup.policy", "compact"}}};
  if (copies.min_insync != 0) out.config["min.insync.replicas"] = std::to_string(copies.min_insync);
  return out;
}

void OffsetsTopic::ensure(Admin& admin, const Copies& copies, const std::stop_token& stop) const {
  if (admin.create(to_make(copies), stop)) return;
  const std::map<std::string, std::string> config = admin.topic_config(name_, stop);
  const auto policy = config.find("cleanup.policy");
  if (policy != config.end() && policy->second == "compact") return;
  throw Error(ErrorKind::config,
              fmt::format("topic {} holds positions and has cleanup.policy={}: they would be deleted after "
                          "its retention",
                          name_, policy == config.end() ? "?" : policy->second))
      .with("topic", name_)
      .with("remedy", "set cleanup.policy=compact on it");
}

std::map<std::string, StoredRecord> OffsetsTopic::read(Admin& admin, const std::stop_token& stop,
                                                       View view) const {
  const std::map<std::string, TopicInfo> found = admin.topics({name_}, stop);
  if (found.empty()) {
    throw Error(ErrorKind::config, fmt::format("topic {} is not there", name_)).with("topic", name_);
  }
  const Isolation isolation =
      view == View::uncommitted ? Isolation::read_uncommitted : Isolation::read_committed;
  std::vector<Goal> goals = goals_of(settings_, found.begin()->second,
                                     view == View::readable ? isolation : Isolation::read_uncommitted, stop);
  std::map<std::string, StoredRecord> records;
  if (goals.empty()) return records;

  Consumer reader(settings_, {.isolation = isolation});
  std::vector<PartitionOffset> starts;
  for (const Goal& goal : goals)
    starts.push_back({goal.where, goal.reached});
  reader.assign(starts);
  const auto done = [&] {
    return std::all_of(goals.begin(), goals.end(), [](const Goal& goal) { return goal.reached >= goal.end; });
  };
  auto last_news = std::chrono::steady_clock::now();
  Batch batch;
  while (!done()) {
    reader.poll(batch, {.wait = std::chrono::milliseconds(200)}, stop);
    if (stop.stop_requested()) throw stopped_reading(name_);
    if (!batch.empty()) last_news = std::chrono::steady_clock::now();
    // A record behind the goal shows that it is passed: where somebody goes on writing the end may never be reached.
    for (const InRecord& record : batch.records()) {
      keep(records, record);
      goal_of(goals, std::string(record.topic()), record.partition()).reached = record.offset() + 1;
    }
    // Else the end alone: behind the last record there are markers, and what was aborted.
    for (const PartitionOffset& end : batch.ends()) {
      std::int64_t& reached = goal_of(goals, end.where.topic, end.where.partition).reached;
      reached = std::max(reached, end.offset);
    }
    if (std::chrono::steady_clock::now() - last_news > settings_.patience) {
      throw Error(ErrorKind::unavailable, fmt::format("the end of topic {} is not readable: a transaction "
                                                      "that somebody holds open is in front of it, "
                                                      "or its broker does not answer",
                                                      name_))
          .with("topic", name_);
    }
  }
  return records;
}

}  // namespace tailrace::kafka
