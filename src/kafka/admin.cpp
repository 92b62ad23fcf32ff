// Requests with a queue of their own for the one answer.
#include "kafka/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kafka/client_internal.h"

namespace tailrace::kafka {
namespace {

struct DestroyOptions {
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
};

struct DestroyMetadata {
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};

template <class Type, void (*destroy)(Type*)>
struct DestroyWith {
  void operator()(Type* object) const { destroy(object); }
};
using NewTopicPtr =
    std::unique_ptr<rd_kafka_NewTopic_t, DestroyWith<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>>;
using CollectionPtr =
    std::unique_ptr<rd_kafka_TopicCollection_t,
                    DestroyWith<rd_kafka_TopicCollection_t, rd_kafka_TopicCollection_destroy>>;
using ConfigPtr = std::unique_ptr<rd_kafka_ConfigResource_t,
                                  DestroyWith<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>>;

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

std::string_view operation_name(rd_kafka_AclOperation_t operation) {
  switch (operation) {
    case RD_KAFKA_ACL_OPERATION_READ: return "Read";
    case RD_KAFKA_ACL_OPERATION_WRITE: return "Write";
    case RD_KAFKA_ACL_OPERATION_CREATE: return "Create";
    case RD_KAFKA_ACL_OPERATION_DELETE: return "Delete";
    case RD_KAFKA_ACL_OPERATION_ALTER: return "Alter";
    case RD_KAFKA_ACL_OPERATION_DESCRIBE: return "Describe";
    case RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS: return "DescribeConfigs";
    case RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS: return "AlterConfigs";
    default: return "another";
  }
}

TopicInfo info_of(const rd_kafka_TopicDescription_t& topic) {
  TopicInfo out;
  out.name = rd_kafka_TopicDescription_name(&topic);
  const rd_kafka_Uuid_t* const id = rd_kafka_TopicDescription_topic_id(&topic);
  // Older brokers have none: all zero.
  if (id != nullptr &&
      (rd_kafka_Uuid_most_significant_bits(id) != 0 || rd_kafka_Uuid_least_significant_bits(id) != 0))
    out.id = text_of(rd_kafka_Uuid_base64str(id));
  std::size_t count = 0;
  const rd_kafka_TopicPartitionInfo_t** const partitions =
      rd_kafka_TopicDescription_partitions(&topic, &count);
  for (std::size_t i = 0; i < count; ++i) {
    PartitionInfo& partition = out.partitions.emplace_back();
    partition.partition = rd_kafka_TopicPartitionInfo_partition(partitions[i]);
    const rd_kafka_Node_t* const leader = rd_kafka_TopicPartitionInfo_leader(partitions[i]);
    if (leader != nullptr) partition.leader = rd_kafka_Node_id(leader);
    rd_kafka_TopicPartitionInfo_replicas(partitions[i], &partition.replicas);
    rd_kafka_TopicPartitionInfo_isr(partitions[i], &partition.in_sync);
  }
  std::sort(out.partitions.begin(), out.partitions.end(),
            [](const PartitionInfo& a, const PartitionInfo& b) { return a.partition < b.partition; });
  return out;
}

}  // namespace

struct Admin::State {
  explicit State(const Settings& settings)
      : patience(settings.patience),
        client(RD_KAFKA_PRODUCER, settings, {}, [](const rd_kafka_message_t&) {}) {}

  // `request` gets the options and the queue. Answers that say "later" are asked for again.
  template <class Request>
  EventPtr ask(rd_kafka_admin_op_t operation, std::string_view purpose, Resource resource,
               const std::stop_token& stop, const Request& request) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const std::unique_ptr<rd_kafka_AdminOptions_t, DestroyOptions> options(
        rd_kafka_AdminOptions_new(client.handle(), operation));
    std::array<char, 256> text{};
    check(rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(patience.count()),
                                                    text.data(), text.size()),
          purpose);
    const QueuePtr queue(rd_kafka_queue_new(client.handle()));
    while (true) {
      request(options.get(), queue.get());
      EventPtr event = client.wait_for_event(*queue, purpose, patience, stop);
      if (event == nullptr) throw Error(ErrorKind::abandoned, fmt::format("{}: stopped", purpose));
      const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        client.forget();
        return event;
      }
      Failure failure{code, text_of(rd_kafka_event_error_string(event.get()))};
      const bool later = kind_of(failure) == ErrorKind::unavailable && code != RD_KAFKA_RESP_ERR__TIMED_OUT;
      if (later && std::chrono::steady_clock::now() < deadline) {
        static_cast<void>(rd_kafka_poll(client.handle(), static_cast<int>(slice.count())));
        continue;
      }
      if (kind_of(failure) == ErrorKind::unavailable) failure = client.said().value_or(failure);
      throw client.error(failure, purpose, resource);
    }
  }

  EventPtr describe(const std::vector<std::string>& names, bool with_rights, const std::stop_token& stop) {
    std::vector<const char*> raw;
    for (const std::string& name : names)
      raw.push_back(name.c_str());
    const CollectionPtr wanted(rd_kafka_TopicCollection_of_topic_names(raw.data(), raw.size()));
    return ask(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, "looking at topics", {}, stop,
               [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                 if (with_rights)
                   check(rd_kafka_AdminOptions_set_include_authorized_operations(options, 1),
                         "looking at topics");
                 rd_kafka_DescribeTopics(client.handle(), wanted.get(), options, queue);
               });
  }

  std::map<std::string, std::string> config(rd_kafka_ResourceType_t type, const std::string& name,
                                            Resource resource, const std::stop_token& stop) {
    const ConfigPtr wanted(rd_kafka_ConfigResource_new(type, name.c_str()));
    const std::string purpose = fmt::format("reading the settings of {} {}", resource.type, name);
    const EventPtr event = ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, purpose, resource, stop,
                               [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                 rd_kafka_ConfigResource_t* one = wanted.get();
                                 rd_kafka_DescribeConfigs(client.handle(), &one, 1, options, queue);
                               });
    std::size_t count = 0;
    const rd_kafka_ConfigResource_t** const resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    TAILRACE_ASSERT(count == 1);
    if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
        code != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw error_of({code, text_of(rd_kafka_ConfigResource_error_string(resources[0]))}, purpose, resource);
    std::map<std::string, std::string> out;
    const rd_kafka_ConfigEntry_t** const entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (std::size_t i = 0; i < count; ++i)
      out.emplace(rd_kafka_ConfigEntry_name(entries[i]), text_of(rd_kafka_ConfigEntry_value(entries[i])));
    return out;
  }

  std::chrono::milliseconds patience;
  Client client;
};

Admin::Admin(const Settings& settings) : state_(std::make_unique<State>(settings)) {}

Admin::~Admin() = default;

ClusterInfo Admin::cluster(const std::stop_token& stop) {
  const EventPtr event = state_->ask(RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, "looking at the cluster", {}, stop,
                                     [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                       rd_kafka_DescribeCluster(state_->client.handle(), options, queue);
                                     });
  const rd_kafka_DescribeCluster_result_t* const result = rd_kafka_event_DescribeCluster_result(event.get());
  ClusterInfo out;
  out.id = text_of(rd_kafka_DescribeCluster_result_cluster_id(result));
  if (const rd_kafka_Node_t* const controller = rd_kafka_DescribeCluster_result_controller(result))
    out.controller = rd_kafka_Node_id(controller);
  std::size_t count = 0;
  const rd_kafka_Node_t** const nodes = rd_kafka_DescribeCluster_result_nodes(result, &count);
  for (std::size_t i = 0; i < count; ++i)
    out.brokers.push_back(
        {rd_kafka_Node_id(nodes[i]), text_of(rd_kafka_Node_host(nodes[i])), rd_kafka_Node_port(nodes[i])});
  return out;
}

std::map<std::string, std::set<std::string>> Admin::rights(const std::vector<std::string>& names,
                                                           const std::stop_token& stop) {
  std::map<std::string, std::set<std::string>> out;
  if (names.empty()) return out;
  const EventPtr event = state_->describe(names, /*with_rights=*/true, stop);
  std::size_t count = 0;
  const rd_kafka_TopicDescription_t** const found =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* const error = rd_kafka_TopicDescription_error(found[i]);
    if (error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    std::set<std::string>& rights = out[rd_kafka_TopicDescription_name(found[i])];
    std::size_t operations = 0;
    const rd_kafka_AclOperation_t* const allowed =
        rd_kafka_TopicDescription_authorized_operations(found[i], &operations);
    for (std::size_t k = 0; k < operations; ++k)
      rights.emplace(operation_name(allowed[k]));
  }
  return out;
}

std::map<std::string, TopicInfo> Admin::topics(const std::vector<std::string>& names,
                                               const std::stop_token& stop) {
  std::map<std::string, TopicInfo> out;
  if (names.empty()) return out;
  const EventPtr event = state_->describe(names, /*with_rights=*/false, stop);
  std::size_t count = 0;
  const rd_kafka_TopicDescription_t** const found =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* const error = rd_kafka_TopicDescription_error(found[i]);
    if (error == nullptr || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      TopicInfo info = info_of(*found[i]);
      out.emplace(info.name, std::move(info));
    } else if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      throw error_of(failure_of(*error), "looking at a topic",
                     {"topic", rd_kafka_TopicDescription_name(found[i]), "Describe"});
    }
  }
  return out;
}

// The library has no request with a queue for it: it is asked for a slice of the time at once.
std::vector<std::string> Admin::topic_names(const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + state_->patience;
  while (!stop.stop_requested()) {
    const rd_kafka_metadata_t* found = nullptr;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(state_->client.handle(), /*all_topics=*/1, nullptr,
                                                       &found, static_cast<int>(slice.count()));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::unique_ptr<const rd_kafka_metadata_t, DestroyMetadata> owned(found);
      state_->client.forget();
      std::vector<std::string> out;
      for (int i = 0; i < found->topic_cnt; ++i) {
        const std::string_view name = found->topics[i].topic;
        if (!name.starts_with("__")) out.emplace_back(name);
      }
      return out;
    }
    Failure failure{code, rd_kafka_err2str(code)};
    const bool later = kind_of(failure) == ErrorKind::unavailable;
    if (later && std::chrono::steady_clock::now() < deadline) continue;
    if (later) failure = state_->client.said().value_or(failure);
    throw error_of(failure, "listing topics");
  }
  throw Error(ErrorKind::abandoned, "listing topics: stopped");
}

std::map<std::string, std::string> Admin::topic_config(const std::string& name, const std::stop_token& stop) {
  return state_->config(RD_KAFKA_RESOURCE_TOPIC, name, {"topic", name, "DescribeConfigs"}, stop);
}

std::map<std::string, std::string> Admin::broker_config(std::int32_t broker, const std::stop_token& stop) {
  const std::string name = std::to_string(broker);
  return state_->config(RD_KAFKA_RESOURCE_BROKER, name, {"broker", name, "DescribeConfigs"}, stop);
}

bool Admin::create(const NewTopic& topic, const std::stop_token& stop) {
  std::array<char, 256> text{};
  const NewTopicPtr fresh(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.replication,
                                                text.data(), text.size()));
  if (fresh == nullptr) {
    throw Error(ErrorKind::config, fmt::format("topic {} cannot be made so: {}", topic.name, text.data()))
        .with("topic", topic.name);
  }
  for (const auto& [name, value] : topic.config)
    check(rd_kafka_NewTopic_set_config(fresh.get(), name.c_str(), value.c_str()), "setting up a topic",
          {"topic", topic.name});
  const EventPtr event =
      state_->ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating a topic", {"topic", topic.name}, stop,
                  [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                    rd_kafka_NewTopic_t* one = fresh.get();
                    rd_kafka_CreateTopics(state_->client.handle(), &one, 1, options, queue);
                  });
  std::size_t count = 0;
  const rd_kafka_topic_result_t** const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  TAILRACE_ASSERT(count == 1);
  const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
  if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return false;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* const said = rd_kafka_topic_result_error_string(results[0]);
    throw error_of({code, said != nullptr ? said : rd_kafka_err2str(code)}, "creating a topic",
                   {"topic", topic.name, "Create"});
  }
  return true;
}

}  // namespace tailrace::kafka
