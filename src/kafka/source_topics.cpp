// Which topics are read, that each of them is still the one that it was (K4c), and that all of it comes (K4f).
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "base/error.h"
#include "base/log.h"
#include "kafka/source.h"

namespace tailrace::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* anew =
    "find out what became of the topic; then take the tables again into a pipeline of another name, or, "
    "where its records are "
    "all that is wanted, delete this pipeline's rows of tailrace.kafka_position";

Error gap_of(const PartitionName& where, const std::string& text) {
  return Error(ErrorKind::gap, text)
      .with("topic", where.topic)
      .with("partition", std::to_string(where.number))
      .with("remedy", anew);
}

}  // namespace

// Topics of a pattern come while we run. One that was applied stays, there or not: that it is gone is a gap, and one that was not
// is forgotten.
void KafkaSource::find_topics(const std::stop_token& stop) {
  const std::regex pattern(settings_.topics_pattern);
  const auto matches = [&](const std::string& name) { return std::regex_match(name, pattern); };
  std::set<std::string> now;
  for (const std::string& name : admin_->topic_names(stop)) {
    if (matches(name)) now.insert(name);
  }
  for (const std::string& name : applied_) {
    if (matches(name)) now.insert(name);
  }
  for (const std::string& name : now) {
    if (std::find(topics_.begin(), topics_.end(), name) != topics_.end()) continue;
    to_subscribe_ = true;
    log::info("kafka.topic.found", {{"topic", name}});
  }
  topics_.assign(now.begin(), now.end());
}

void KafkaSource::look_at_topics(const std::stop_token& stop) {
  if (!settings_.topics_pattern.empty()) find_topics(stop);
  const std::map<std::string, TopicInfo> found = admin_->topics(topics_, stop);
  for (const std::string& topic : topics_) {
    const auto info = found.find(topic);
    const bool is_passing =
        info == found.end() && !settings_.topics_pattern.empty() && !applied_.contains(topic);
    if (!is_passing) check_topic(topic, info == found.end() ? nullptr : &info->second);
  }
  next_look_ = steady_clock::now() + settings_.look_at_topics_every;
}

void KafkaSource::check_topic(const std::string& topic, const TopicInfo* info) {
  const bool is_applied = applied_.contains(topic);
  if (info == nullptr) {
    Error error(is_applied ? ErrorKind::gap : ErrorKind::config,
                fmt::format("topic {} does not exist", topic));
    error.with("topic", topic);
    if (is_applied)
      error.with("remedy", anew);
    else
      error.with("remedy", "correct source.topics, or start when its first records have come");
    throw Error(error);
  }
  const auto [known, is_new] = topic_ids_.try_emplace(topic, info->id);
  if (is_new || known->second == info->id || info->id.empty()) return;
  if (is_applied && !known->second.empty())
    throw Error(ErrorKind::gap, fmt::format("topic {} was deleted and made anew", topic))
        .with("topic", topic)
        .with("remedy", anew);
  known->second = info->id;
}

// K4c.
PartitionPosition KafkaSource::start_of(const PartitionClaim& claim, const std::stop_token& stop) {
  const std::optional<Watermarks> marks =
      consumer_->watermarks({claim.where.topic, claim.where.number}, stop);
  if (!marks) throw Error(ErrorKind::abandoned, "stopped while partitions were looked at");
  PartitionPosition out = claim.position;
  out.topic_id = topic_ids_.at(claim.where.topic);
  if (!claim.position.next_offset) {
    out.next_offset = marks->low;
    return out;
  }
  applied_.insert(claim.where.topic);
  const std::int64_t next = *claim.position.next_offset;
  const std::string& stored = claim.position.topic_id;
  if (!stored.empty() && !out.topic_id.empty() && stored != out.topic_id)
    throw gap_of(claim.where, fmt::format("topic {} was deleted and made anew", claim.where.topic));
  if (next < marks->low)
    throw gap_of(claim.where,
                 fmt::format("records from offset {} on are needed, and those before {} are removed", next,
                             marks->low));
  if (next > marks->high)
    throw gap_of(
        claim.where,
        fmt::format("offset {} is to be read next, and the partition ends at {}: the topic is another one",
                    next, marks->high));
  if (stored.empty() || out.topic_id.empty()) {
    if (claim.position.last_offset && *claim.position.last_offset >= marks->low)
      check_last_record(claim, stop);
  }
  return out;
}

// Without topic ids: the record that was applied last must lie where it lay.
void KafkaSource::check_last_record(const PartitionClaim& claim, const std::stop_token& stop) {
  Consumer consumer(settings_.cluster, {});
  const std::int64_t offset = *claim.position.last_offset;
  consumer.assign({{{claim.where.topic, claim.where.number}, offset}});
  const auto deadline = steady_clock::now() + settings_.cluster.patience;
  Batch batch;
  while (!stop.stop_requested()) {
    consumer.poll(batch, {.wait = milliseconds(200), .records = 1}, stop);
    for (const InRecord& record : batch.records()) {
      if (record.offset() != offset) break;
      intake::Incoming incoming{record.topic(), record.key(), record.value()};
      intake::Event event;
      try {
        event = reader_->read(incoming, stop);
      } catch (const Error& error) {
        if (!passes_over(error)) throw;
        return;  // A letter: there is nothing in it to be compared.
      }
      if (event.is_tombstone || event.commit_lsn == claim.position.last_lsn) return;
      if (event.is_snapshot &&
          (!claim.position.last_lsn || (event.commit_lsn && *event.commit_lsn >= *claim.position.last_lsn)))
        return;
      break;
    }
    if (!batch.records().empty() || !batch.ends().empty())
      throw gap_of(claim.where,
                   fmt::format("the record that was applied last is not at offset {} any more", offset));
    if (steady_clock::now() > deadline)
      throw Error(ErrorKind::unavailable, "the record that was applied last could not be read again")
          .with("topic", claim.where.topic)
          .with("partition", std::to_string(claim.where.number));
  }
  throw Error(ErrorKind::abandoned, "stopped while partitions were looked at");
}

// K4f. Asked by a client of its own: the one that gave a partition up may have lost more.
void KafkaSource::look_at_standing(const std::stop_token& stop) {
  std::map<PartitionName, std::int64_t> next;
  for (const auto& [name, reading] : readings_) {
    if (!paused_.contains(name)) next.emplace(name, *reading.upto.next_offset);
  }
  const auto ends = [&](const std::vector<PartitionName>& names) {
    Consumer looker(settings_.cluster, {});
    std::map<PartitionName, std::int64_t> out;
    for (const PartitionName& name : names) {
      const std::optional<Watermarks> marks = looker.watermarks({name.topic, name.number}, stop);
      if (!marks) break;  // Stopped.
      out.emplace(name, marks->high);
    }
    return out;
  };
  if (const std::optional<Standing> standing = standstill_.look(next, ends))
    throw Error(ErrorKind::unavailable, "nothing comes of a partition that has more")
        .with("topic", standing->where.topic)
        .with("partition", std::to_string(standing->where.number))
        .with("next_offset", std::to_string(standing->next))
        .with("end", std::to_string(standing->end));
  next_look_at_standing_ = steady_clock::now() + settings_.look_at_standing_every;
}

}  // namespace tailrace::kafka
