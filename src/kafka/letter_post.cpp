// Topics, headers, transactions of letters.
#include "kafka/letter_post.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "kafka/admin.h"
#include "kafka/offsets_topic.h"

namespace tailrace::kafka {
namespace {

using nlohmann::json;

// A letter is a record that another topic took, and its headers.
constexpr std::size_t letter_bytes = std::size_t{20} << 20;
// Letters are few, and read again where a transaction fails: the broker may end it soon.
constexpr std::chrono::milliseconds letters_timeout{60'000};
constexpr std::chrono::milliseconds look_for_topic_every{50};

bool has_leaders(const std::map<std::string, TopicInfo>& found, const std::string& name) {
  const auto topic = found.find(name);
  if (topic == found.end() || topic->second.partitions.empty()) return false;
  return std::all_of(topic->second.partitions.begin(), topic->second.partitions.end(),
                     [](const PartitionInfo& partition) { return partition.leader >= 0; });
}

void await_topic(Admin& admin, const Settings& settings, const std::string& name,
                 const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + settings.patience;
  while (!has_leaders(admin.topics({name}, stop), name)) {
    if (!wait_for(look_for_topic_every, stop)) throw Error(ErrorKind::abandoned, "making a topic: stopped");
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::unavailable, "the topic was made and is not there yet").with("topic", name);
  }
}

std::vector<std::string> ids_in(const std::string& value) {
  const json read = json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object() || !read.contains("sent") || !read["sent"].is_array())
    throw Error(ErrorKind::protocol, "the record of letters that were sent is none of ours");
  std::vector<std::string> out;
  for (const json& id : read["sent"])
    out.push_back(id.is_string() ? id.get<std::string>() : "");
  return out;
}

std::string said_of(const WaitingLetter& letter, std::string_view name) {
  for (const auto& [each, value] : letter.context) {
    if (each == name) return value;
  }
  return {};
}

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// In Kafka Connect's order. It has classes of Java where we name what they do.
NamedTexts connect_headers(const WaitingLetter& letter, const std::string& pipeline) {
  const std::string stage = said_of(letter, "stage");
  const std::string kind = said_of(letter, "kind");
  std::string trace = "tailrace::Error (" + kind + "): " + said_of(letter, "error");
  for (const char* const name : {"sqlstate", "constraint", "column", "detail"}) {
    if (const std::string value = said_of(letter, name); !value.empty())
      trace += std::string("\n  ") + name + "=" + value;
  }
  const std::string prefix = "__connect.errors.";
  return {{prefix + "topic", letter.topic},
          {prefix + "partition", std::to_string(letter.partition)},
          {prefix + "offset", std::to_string(letter.record.offset)},
          {prefix + "connector.name", pipeline},
          {prefix + "task.id", "0"},
          {prefix + "stage", stage},
          {prefix + "class.name", stage == "TASK_PUT" ? "tailrace::PostgresSink" : "tailrace::KafkaSource"},
          {prefix + "exception.class.name", "tailrace::Error::" + kind},
          {prefix + "exception.message", said_of(letter, "error")},
          {prefix + "exception.stacktrace", std::move(trace)}};
}

NamedTexts own_headers(const WaitingLetter& letter, const std::string& pipeline) {
  NamedTexts out{{"tailrace.letter", letter.id}, {"tailrace.pipeline", pipeline}};
  for (const char* const name :
       {"table", "key", "reason", "sqlstate", "column", "constraint", "stage", "attempt"}) {
    if (const std::string value = said_of(letter, name); !value.empty())
      out.emplace_back(std::string("tailrace.") + name, value);
  }
  return out;
}

}  // namespace

std::string letter_grants(const LetterSettings& settings) {
  const std::string state = settings.state_topic_name();
  return "--   --operation Create --operation Write --operation Describe --operation DescribeConfigs "
         "--topic " +
         settings.topic + "\n" +
         "--   --operation Create --operation Read --operation Write --operation Describe --operation "
         "DescribeConfigs --topic " +
         state + "\n" + "--   --operation Write --operation Describe --transactional-id " +
         settings.transactional_id() + "\n";
}

KafkaLetterPost::KafkaLetterPost(LetterSettings settings) : settings_(std::move(settings)) {}

std::string KafkaLetterPost::key_of_state() const {
  return json::array({"tailrace", settings_.pipeline, "letters"}).dump();
}

// The id is taken over before the topic is read: what another has begun is committed or gone then.
std::vector<std::string> KafkaLetterPost::open(const std::stop_token& stop) {
  Admin admin(settings_.cluster);
  const OffsetsTopic state(settings_.cluster, settings_.state_topic_name());
  if (admin.topics({settings_.topic}, stop).empty()) {
    const NewTopic wanted{
        settings_.topic, 1, settings_.replication, {{"max.message.bytes", std::to_string(letter_bytes)}}};
    if (admin.create(wanted, stop)) log::info("kafka.topic.made", {{"topic", settings_.topic}});
  }
  state.ensure(admin, {.replication = settings_.replication}, stop);
  for (const std::string& name : {settings_.topic, state.name()})
    await_topic(admin, settings_.cluster, name, stop);
  producer_ = std::make_unique<Producer>(settings_.cluster,
                                         ProducerOptions{.transactional_id = settings_.transactional_id(),
                                                         .transaction_timeout = letters_timeout,
                                                         .record_bytes = letter_bytes});
  if (!producer_->init(stop)) throw Error(ErrorKind::abandoned, "opening the dead-letter topic: stopped");
  const std::map<std::string, StoredRecord> records = state.read(admin, stop);
  const auto found = records.find(key_of_state());
  return found == records.end() ? std::vector<std::string>() : ids_in(found->second.value);
}

bool KafkaLetterPost::produce(const WaitingLetter& letter, const std::stop_token& stop) {
  OutRecord out;
  out.topic = settings_.topic;
  if (letter.record.key) out.key = *letter.record.key;
  if (letter.record.value) out.value = *letter.record.value;
  out.timestamp_ms = letter.record.timestamp_ms;
  for (const auto& [name, value] : letter.record.headers)
    out.headers.push_back({name, value ? std::optional<std::string_view>(*value) : std::nullopt});
  NamedTexts said;
  if (settings_.context_headers) {
    said = connect_headers(letter, settings_.pipeline);
    for (auto& each : own_headers(letter, settings_.pipeline))
      said.push_back(std::move(each));
  }
  for (const auto& [name, value] : said)
    out.headers.push_back({name, value});
  return producer_->produce(out, stop);
}

bool KafkaLetterPost::send(const std::vector<WaitingLetter>& letters, const std::stop_token& stop) {
  TAILRACE_ASSERT(producer_ != nullptr && !letters.empty());
  json ids = json::array();
  producer_->begin();
  for (const WaitingLetter& letter : letters) {
    if (!produce(letter, stop)) return false;
    ids.push_back(letter.id);
  }
  const std::string topic = settings_.state_topic_name();
  const std::string key = key_of_state();
  const std::string value = json{{"sent", ids}}.dump();
  OutRecord record;
  record.topic = topic;
  record.key = key;
  record.value = value;
  if (!producer_->produce(record, stop)) return false;
  crash_point("letters.before_commit");
  return producer_->commit(stop);
}

}  // namespace tailrace::kafka
