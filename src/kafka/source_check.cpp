// Is the cluster there, are the topics, is the registry?
#include "kafka/source_check.h"

#include <fmt/format.h>

#include <functional>
#include <regex>

#include "base/error.h"
#include "kafka/admin.h"
#include "kafka/failure.h"
#include "registry/client.h"

namespace tailrace::kafka {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

Finding failed(const std::string& name, const std::string& subject, const Error& error) {
  const std::string remedy(error.context("remedy"));
  return {FindingLevel::failure, name, subject, reason_of(error),
          remedy.empty() ? "correct the addresses and the login, or start the server" : remedy};
}

std::vector<std::string> names_of(const SourceSettings& settings, Admin& admin, const std::stop_token& stop) {
  if (settings.topics_pattern.empty()) return settings.topics;
  std::vector<std::string> out = admin.topic_names(stop);
  const std::regex pattern(settings.topics_pattern);
  std::erase_if(out, [&](const std::string& name) { return !std::regex_match(name, pattern); });
  return out;
}

void look_at_cluster(const SourceSettings& settings, std::vector<Finding>& out, const std::stop_token& stop) {
  const std::string brokers = joined(settings.cluster.bootstrap_servers);
  Admin admin(settings.cluster);
  const ClusterInfo cluster = admin.cluster(stop);
  out.push_back({FindingLevel::ok, "source.reachable", brokers,
                 fmt::format("cluster {}, {} brokers", cluster.id, cluster.brokers.size()), ""});
  const std::vector<std::string> names = names_of(settings, admin, stop);
  if (names.empty())
    out.push_back({FindingLevel::warning, "source.topic", settings.topics_pattern,
                   "no topic that may be described matches it yet",
                   "correct source.topics_pattern, or grant DESCRIBE and READ on the topics"});
  const std::map<std::string, TopicInfo> topics = admin.topics(names, stop);
  for (const std::string& topic : names) {
    const auto found = topics.find(topic);
    if (found == topics.end()) {
      out.push_back({FindingLevel::failure, "source.topic", topic,
                     "the topic does not exist, or may not be described",
                     "correct source.topics, or grant DESCRIBE and READ on it"});
      continue;
    }
    out.push_back({FindingLevel::ok, "source.topic", topic,
                   fmt::format("{} partitions", found->second.partitions.size()), ""});
  }
  for (const auto& [topic, rights] : admin.rights(names, stop)) {
    if (rights.empty() || rights.contains("Read")) continue;  // Brokers older than 2.3 say nothing.
    out.push_back({FindingLevel::failure, "source.right", topic, "Read is not allowed on it",
                   grant_remedy(fmt::format("--operation Read --topic {}", topic))});
  }
}

void look_at_registry(const SourceSettings& settings, std::vector<Finding>& out,
                      const std::stop_token& stop) {
  registry::Client client(settings.registry);
  // Whether or not it is there: the registry has answered.
  const std::string topic = settings.topics.empty() ? "tailrace" : settings.topics.front();
  static_cast<void>(client.latest(topic + "-value", stop));
  out.push_back(
      {FindingLevel::ok, "source.schema_registry", joined(settings.registry.urls), "it answers", ""});
}

}  // namespace

std::vector<Finding> check_source(const SourceSettings& settings, const std::stop_token& stop) {
  std::vector<Finding> out;
  try {
    look_at_cluster(settings, out, stop);
  } catch (const Error& error) {
    const bool is_login = error.kind() == ErrorKind::auth;
    out.push_back(failed(is_login ? "source.login" : "source.reachable",
                         joined(settings.cluster.bootstrap_servers), error));
  }
  if (settings.intake.format != intake::Format::avro) return out;
  try {
    look_at_registry(settings, out, stop);
  } catch (const Error& error) {
    out.push_back(failed("source.schema_registry", joined(settings.registry.urls), error));
  }
  return out;
}

std::string source_grants(const SourceSettings& settings) {
  const std::string user = settings.cluster.user.empty() ? "tailrace" : settings.cluster.user;
  const std::string head =
      fmt::format("kafka-acls.sh --bootstrap-server BROKER --add --allow-principal User:{}", user);
  std::string out = fmt::format("# Kafka: rights of {}.\n", user);
  if (!settings.topics_pattern.empty())
    out += fmt::format(
        "# Read and Describe of every topic that matches {}: name them one by one, or by a prefix.\n",
        settings.topics_pattern);
  for (const std::string& topic : settings.topics)
    out += fmt::format("{} --topic {} --operation Read --operation Describe\n", head, topic);
  return out + fmt::format("{} --group {} --operation Read\n", head, settings.group_id);
}

}  // namespace tailrace::kafka
