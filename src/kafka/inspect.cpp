// Status, requests and missing topics.
#include "kafka/inspect.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/wait.h"
#include "kafka/claim.h"
#include "kafka/topics.h"
#include "pipeline/clock.h"
#include "pipeline/runner_id.h"

namespace tailrace::kafka {
namespace {

constexpr std::chrono::milliseconds look_every{200};
constexpr std::int64_t ticks_a_ms = 10'000;

StateKeys keys_of(const SinkSettings& settings) {
  return {settings.pipeline, settings.connector_name(), settings.events.prefix(), settings.events.database};
}

// Nothing where the topic is not there.
std::optional<StoredState> look_at_state(const SinkSettings& settings, Admin& admin,
                                         const std::stop_token& stop) {
  const std::string name = settings.offsets_topic_name();
  if (admin.topics({name}, stop).empty()) return std::nullopt;
  return read_state(OffsetsTopic(settings.kafka, name).read(admin, stop, View::readable), keys_of(settings));
}

// One record, under a transactional id that nobody else has: the pipeline's own would fence its runner.
void write_record(const SinkSettings& settings, const std::string& key, const std::string& value,
                  const std::stop_token& stop) {
  const std::string topic = settings.offsets_topic_name();
  const std::unique_ptr<Producer> producer =
      make_producer(settings, fmt::format("{}-command-{}", settings.main_id(), process_runner_id()),
                    std::chrono::seconds(60));
  OutRecord record;
  record.topic = topic;
  record.key = key;
  record.value = value;
  if (!producer->init(stop)) throw Error(ErrorKind::abandoned, "stopped");
  producer->begin();
  if (!producer->produce(record, stop) || !producer->commit(stop))
    throw Error(ErrorKind::abandoned, "stopped");
}

// Two signs of life may be late before a runner counts as gone.
bool is_alive(const SinkSettings& settings, const StoredState& state) {
  if (!state.claim || state.claim->beat_ms == 0) return false;
  if (state.failure && state.failure->instance == state.claim->instance) return false;
  return now_unix_ms() - state.claim->beat_ms < 3 * settings.claim_interval.count();
}

TableStatus status_of(const StoredState& state, const TableName& name, const StoredTable& table) {
  TableStatus out;
  out.table = name;
  out.state = table.progress.state;
  out.outside = table.progress.outside;
  out.instance = table.progress.instance.name;
  out.last_error = table.last_error;
  for (const ChunkProgress& chunk : table.progress.chunks) {
    ++out.chunks_planned;
    if (chunk.done) ++out.chunks_done;
    out.snapshot_rows += chunk.rows;
  }
  for (const auto& [id, request] : state.requests) {
    if (!request.answered && request.request.table == name) out.wanted = request.request.wanted;
  }
  out.resnapshot = out.wanted == Wanted::resnapshot;
  return out;
}

std::vector<std::string> topics_of(const SinkSettings& settings, const std::vector<SchemaPtr>& tables) {
  std::vector<std::string> out = further_topics(settings);
  for (const SchemaPtr& table : tables)
    out.push_back(settings.events.topic_of(table->name.schema, table->name.name));
  return out;
}

std::string command_of(const NewTopic& topic) {
  std::string out = fmt::format("kafka-topics.sh --bootstrap-server BROKER --create --topic {}", topic.name);
  if (topic.partitions > 0) out += fmt::format(" --partitions {}", topic.partitions);
  if (topic.replication > 0) out += fmt::format(" --replication-factor {}", topic.replication);
  for (const auto& [name, value] : topic.config)
    out += fmt::format(" --config {}={}", name, value);
  return out + "\n";
}

}  // namespace

PipelineStatus read_status(const SinkSettings& settings, std::stop_token stop) {
  PipelineStatus out;
  out.now_utc = now_ticks_utc();
  Admin admin(settings.kafka);
  const std::optional<StoredState> state = look_at_state(settings, admin, stop);
  if (!state || !state->known) return out;
  out.known = true;
  out.source_identity = state->source_identity;
  if (state->offset) {
    out.position = state->offset->position;
    if (state->offset_written_ms != 0)
      out.position_written_utc = unix_epoch_ticks + state->offset_written_ms * ticks_a_ms;
  }
  if (state->claim) {
    out.runner_alive = is_alive(settings, *state);
    out.fence = state->claim->fence;
    if (state->claim->beat_ms != 0) {
      out.runner = state->claim->runner;
      out.heartbeat_age =
          std::chrono::milliseconds(std::max<std::int64_t>(0, now_unix_ms() - state->claim->beat_ms));
    }
    if (state->failure && state->failure->instance == state->claim->instance)
      out.last_error = state->failure->error;
  }
  for (const auto& [name, table] : state->tables)
    out.tables.push_back(status_of(*state, name, table));
  return out;
}

std::string missing_topics(const SinkSettings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop) {
  Admin admin(settings.kafka);
  const std::vector<std::string> names = topics_of(settings, tables);
  const std::map<std::string, TopicInfo> there = admin.topics(names, stop);
  std::string out;
  for (const std::string& name : names) {
    if (!there.contains(name)) out += command_of(topic_to_make(settings, name));
  }
  const std::string offsets = settings.offsets_topic_name();
  if (admin.topics({offsets}, stop).empty())
    out += command_of(OffsetsTopic(settings.kafka, offsets).to_make(offsets_copies(settings)));
  return out;
}

void make_topics(const SinkSettings& settings, const std::vector<SchemaPtr>& tables, std::stop_token stop) {
  Admin admin(settings.kafka);
  SinkSettings making = settings;
  making.topics.enabled = true;  // That is what was asked for.
  static_cast<void>(ensure_topics(making, admin, topics_of(settings, tables), stop));
  OffsetsTopic(settings.kafka, settings.offsets_topic_name()).ensure(admin, offsets_copies(settings), stop);
}

std::int64_t request_table(const SinkSettings& settings, const TableName& table, Wanted wanted,
                           std::stop_token stop) {
  Admin admin(settings.kafka);
  const std::optional<StoredState> state = look_at_state(settings, admin, stop);
  if (!state || !state->known)
    throw Error(ErrorKind::config, fmt::format("pipeline {} has never run", settings.pipeline));
  const auto known = state->tables.find(table);
  std::optional<TableState> table_state;
  if (known != state->tables.end()) table_state = known->second.progress.state;
  if (std::string reason = refusal_of(table, wanted, table_state); !reason.empty())
    throw Error(ErrorKind::config, reason).with("remedy", "see `tailrace table CONFIG list`");
  for (const auto& [id, request] : state->requests) {
    if (request.answered || request.request.table != table) continue;
    if (request.request.wanted == wanted) return id;
    throw Error(ErrorKind::config, fmt::format("{} is already asked to {}, which no runner has answered yet",
                                               table.str(), name_of(request.request.wanted)))
        .with("remedy", "let `tailrace run` answer it first");
  }
  const std::int64_t id = now_unix_ns() / 1'000;
  write_record(settings, keys_of(settings).request(id),
               value_of(StoredRequest{{id, table, wanted}, false, ""}), stop);
  return id;
}

RequestAnswer await_answer(const SinkSettings& settings, std::int64_t id, std::chrono::milliseconds time,
                           std::stop_token stop) {
  Admin admin(settings.kafka);
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    RequestAnswer out;
    const std::optional<StoredState> state = look_at_state(settings, admin, stop);
    if (state) {
      out.runner_alive = is_alive(settings, *state);
      const auto found = state->requests.find(id);
      // One that is answered and gone was done: refusals are kept as long.
      out.answered = found == state->requests.end() || found->second.answered;
      if (found != state->requests.end()) out.refusal = found->second.refusal;
    }
    if (out.answered || !out.runner_alive || std::chrono::steady_clock::now() >= until) return out;
    if (!wait_for(look_every, stop)) return out;
  }
}

void record_failure(const SinkSettings& settings, const Error& error, std::stop_token stop) {
  Admin admin(settings.kafka);
  const std::optional<StoredState> state = look_at_state(settings, admin, stop);
  const std::string& instance = settings.instance.empty() ? process_runner_id() : settings.instance;
  if (!state || !state->claim || state->claim->instance != instance) return;
  write_record(settings, keys_of(settings).failure(), value_of(StoredFailure{instance, error.what()}), stop);
}

std::string grants(const SinkSettings& settings, const std::vector<SchemaPtr>& tables) {
  const std::string user = settings.kafka.user.empty() ? "tailrace" : settings.kafka.user;
  const std::string head =
      fmt::format("kafka-acls.sh --bootstrap-server BROKER --add --allow-principal User:{}", user);
  std::string out = fmt::format("# Kafka: rights of {}.\n", user);
  // Chunk writers and commands have ids that begin with the pipeline's.
  out += fmt::format(
      "{} --transactional-id {} --resource-pattern-type prefixed --operation Write --operation Describe\n",
      head, settings.main_id());
  out += fmt::format(
      "{} --topic {} --operation Create --operation Read --operation Write --operation Describe "
      "--operation DescribeConfigs\n",
      head, settings.offsets_topic_name());
  for (const std::string& topic : topics_of(settings, tables)) {
    out += fmt::format(
        "{} --topic {} --operation Create --operation {} --operation Describe --operation "
        "DescribeConfigs\n",
        head, topic, topic == settings.signals_topic ? "Read" : "Write");
  }
  out += fmt::format(
      "{} --cluster --operation Describe --operation DescribeConfigs --operation IdempotentWrite\n", head);
  return out;
}

}  // namespace tailrace::kafka
