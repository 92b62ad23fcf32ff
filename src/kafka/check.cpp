// Is the cluster fit, and the topics? Each thing that is not becomes a finding with what mends it.
//
// Source  docs/rules.md K1c, K2.
#include <fmt/format.h>

#include <optional>

#include "debezium/event_encoder.h"
#include "kafka/claim.h"
#include "kafka/failure.h"
#include "kafka/inspect.h"
#include "kafka/topics.h"
#include "registry/client.h"

namespace tailrace::kafka {
namespace {

// Asks nobody: whether a table can be said in the settings' terms shows without a registry.
class NoIds : public debezium::SchemaIds {
 public:
  std::int32_t id_of(const std::string&, debezium::RecordPart, const record::Schema&,
                     const std::string&) override {
    return 0;
  }
};

class KafkaCheck {
 public:
  KafkaCheck(const SinkSettings& settings, std::vector<Finding>& findings, std::stop_token stop)
      : settings_(settings), admin_(settings.kafka), findings_(findings), stop_(std::move(stop)) {}

  void cluster() {
    const ClusterInfo info = admin_.cluster(stop_);
    subject_ = info.id;
    add(FindingLevel::ok, "target.cluster", subject_,
        fmt::format("a Kafka cluster of {} brokers", info.brokers.size()));
    const std::chrono::milliseconds allowed = allowed_timeout(settings_, admin_, stop_);
    if (allowed < settings_.transaction_timeout)
      add(FindingLevel::warning, "target.transaction_timeout", subject_,
          fmt::format("the brokers let a transaction be open for {} s: a source transaction that takes two "
                      "thirds of it to be "
                      "sent is seen in parts",
                      allowed.count() / 1000),
          fmt::format("transaction.max.timeout.ms={} on the brokers", settings_.transaction_timeout.count()));
  }

  void offsets_topic() {
    const std::string name = settings_.offsets_topic_name();
    const TopicFactsByName facts = look_at_topics(admin_, {name}, stop_);
    const auto found = facts.find(name);
    if (found == facts.end())
      return add(FindingLevel::ok, "target.offsets_topic", name,
                 "is not there yet, and is made by `tailrace run`");
    if (!found->second.limits.compacted)
      return add(FindingLevel::failure, "target.offsets_topic", name,
                 "is not compacted: positions would be deleted after its retention",
                 "set cleanup.policy=compact on it");
    add(FindingLevel::ok, "target.offsets_topic", name, "is compacted");
  }

  void topics(const std::vector<SchemaPtr>& tables) {
    std::vector<std::string> names = further_topics(settings_);
    for (const SchemaPtr& table : tables)
      names.push_back(settings_.events.topic_of(table->name.schema, table->name.name));
    const TopicFactsByName facts = look_at_topics(admin_, names, stop_);
    for (const std::string& name : names) {
      const auto found = facts.find(name);
      if (found == facts.end()) {
        missing(name);
      } else {
        fit(name, found->second);
      }
    }
    may_do(names, {"Write"});
    may_do({settings_.offsets_topic_name()}, {"Read", "Write"});
  }

  void events(const std::vector<SchemaPtr>& tables) {
    NoIds ids;
    for (const SchemaPtr& table : tables) {
      try {
        const debezium::EventEncoder encoder(settings_.events, table, &ids);
      } catch (const Error& error) {
        add(FindingLevel::failure, "target.events", table->name.str(), error.message(),
            std::string(error.context("remedy")));
      }
    }
  }

  void registry() {
    if (settings_.events.converter != debezium::Converter::avro) return;
    const std::string& url = settings_.registry.urls.front();
    try {
      static_cast<void>(registry::Client(settings_.registry).versions(settings_.offsets_topic_name(), stop_));
      add(FindingLevel::ok, "target.schema_registry", url, "answers");
    } catch (const Error& error) {
      add(FindingLevel::failure, "target.schema_registry", url, reason_of(error),
          std::string(error.context("remedy")));
    }
  }

 private:
  void add(FindingLevel level, std::string name, std::string subject, std::string reason,
           std::string remedy = {}) {
    findings_.push_back({level, std::move(name), std::move(subject), std::move(reason), std::move(remedy)});
  }

  // A broker without an authorizer says that everything may be done, one older than 2.3 nothing.
  void may_do(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
    for (const auto& [name, rights] : admin_.rights(names, stop_)) {
      for (const std::string& right : wanted) {
        if (rights.empty() || rights.contains(right)) continue;
        add(FindingLevel::failure, "target.right", name, fmt::format("{} is not allowed on it", right),
            grant_remedy(fmt::format("--operation {} --topic {}", right, name)));
      }
    }
  }

  void missing(const std::string& name) {
    if (settings_.topics.enabled)
      return add(FindingLevel::ok, "target.topic", name, "is not there yet, and is made by `tailrace run`");
    add(FindingLevel::failure, "target.topic", name, "is not there",
        "make it (`tailrace schema` prints how), or allow target.topics.create");
  }

  void fit(const std::string& name, const TopicFacts& facts) {
    const std::size_t wanted = wanted_message_bytes(settings_);
    if (facts.limits.record_bytes == 0 || facts.limits.record_bytes >= wanted)
      return add(FindingLevel::ok, "target.topic", name, fmt::format("{} partitions", facts.partitions));
    add(FindingLevel::warning, "target.topic", name,
        fmt::format("takes records of {} bytes: a row with values as long as stream.max_value_bytes stops "
                    "the pipeline",
                    facts.limits.record_bytes),
        fmt::format("max.message.bytes={} on the topic, or a smaller stream.max_value_bytes", wanted));
  }

  const SinkSettings& settings_;
  Admin admin_;
  std::vector<Finding>& findings_;
  std::stop_token stop_;
  std::string subject_;
};

}  // namespace

std::vector<Finding> check(const SinkSettings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop) {
  std::vector<Finding> findings;
  std::string brokers = fmt::format("{}", fmt::join(settings.kafka.bootstrap_servers, ", "));
  try {
    KafkaCheck look(settings, findings, std::move(stop));
    look.cluster();
    look.offsets_topic();
    look.topics(tables);
    look.events(tables);
    look.registry();
  } catch (const Error& error) {
    const bool is_login = error.kind() == ErrorKind::auth;
    findings.push_back({FindingLevel::failure, is_login ? "target.login" : "target.reachable",
                        std::move(brokers), reason_of(error), std::string(error.context("remedy"))});
  }
  return findings;
}

}  // namespace tailrace::kafka
