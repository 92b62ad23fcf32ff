// Looks at a cluster and its topics, and makes topics.
//
// Errors   config: a right is missing, a topic cannot be made so. auth: login refused. unavailable: no answer within the patience.
//          abandoned: stopped first. A topic that is not there, or is there already, is a value.
// Threads  One Admin belongs to one thread.
// Source   librdkafka 2.12 rdkafka.h, "Admin API"; KIP-516 (topic ids).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/settings.h"

namespace tailrace::kafka {

struct BrokerInfo {
  std::int32_t id = 0;
  std::string host;
  int port = 0;
};

struct ClusterInfo {
  std::string id;
  std::int32_t controller = -1;
  std::vector<BrokerInfo> brokers;
};

struct PartitionInfo {
  std::int32_t partition = 0;
  std::int32_t leader = -1;  // -1: none now.
  std::size_t replicas = 0;
  std::size_t in_sync = 0;
};

struct TopicInfo {
  std::string name;
  std::string
      id;  // Of this topic and no later one of its name; empty: the broker is older than 2.8 and has none.
  std::vector<PartitionInfo> partitions;
};

struct NewTopic {
  std::string name;
  int partitions = 1;
  int replication = -1;  // The broker's default.
  std::map<std::string, std::string> config;
};

class Admin {
 public:
  explicit Admin(const Settings& settings);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // Also the way to wait for a cluster: it answers, within the settings' patience.
  ClusterInfo cluster(const std::stop_token& stop);
  // Those of the names that exist.
  std::map<std::string, TopicInfo> topics(const std::vector<std::string>& names, const std::stop_token& stop);
  // What the login may do with each of them, in kafka-acls.sh's words ("Write"); nothing of one that is not there.
  std::map<std::string, std::set<std::string>> rights(const std::vector<std::string>& names,
                                                      const std::stop_token& stop);
  // Of every topic that may be described, but those whose names begin with two underscores: the broker's and the tools' own.
  std::vector<std::string> topic_names(const std::stop_token& stop);
  // Every setting of a topic, the inherited ones too.
  std::map<std::string, std::string> topic_config(const std::string& name, const std::stop_token& stop);
  std::map<std::string, std::string> broker_config(std::int32_t broker, const std::stop_token& stop);
  // False: there is one of this name already, whatever its shape.
  [[nodiscard]] bool create(const NewTopic& topic, const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tailrace::kafka
