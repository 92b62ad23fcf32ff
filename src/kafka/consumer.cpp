// Polling, and the answers to what the group decides.
#include "kafka/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "kafka/client_internal.h"

namespace tailrace::kafka {
namespace {

Properties reader_properties(const Settings& settings, const ConsumerOptions& options) {
  const auto number = [](auto value) { return Secret(std::to_string(value)); };
  const std::size_t memory = settings.consumer_memory_bytes;
  const std::size_t partitions = std::max<std::size_t>(options.partitions, 1);
  Properties out{
      {"enable.auto.commit", Secret("false")},
      {"enable.auto.offset.store", Secret("false")},
      // An offset that is gone is a gap, and never another offset.
      {"auto.offset.reset", Secret("error")},
      {"isolation.level",
       Secret(options.isolation == Isolation::read_committed ? "read_committed" : "read_uncommitted")},
      {"enable.partition.eof", Secret("true")},
      {"allow.auto.create.topics", Secret("false")},
      {"check.crcs", Secret("true")},
      {"queued.max.messages.kbytes", number(memory >> 10U)},
      // Of each partition, ahead of us. The bytes above are those of the records alone, and the client keeps half a kilobyte beside each:
      // its 100,000 of small ones take more than all else together.
      {"queued.min.messages", number(std::clamp<std::size_t>(10'000 / partitions, 500, 10'000))},
      {"fetch.message.max.bytes",
       number(std::clamp<std::size_t>(memory / (8 * partitions), 64U << 10, 1U << 20))},
      {"fetch.max.bytes", number(std::min<std::size_t>(memory, std::size_t{50} << 20))},
  };
  if (!options.group_id.empty()) {
    out.emplace_back("group.id", Secret(options.group_id));
    out.emplace_back("partition.assignment.strategy", Secret("cooperative-sticky"));
    out.emplace_back("session.timeout.ms", number(options.session_timeout.count()));
    out.emplace_back("heartbeat.interval.ms", number(options.heartbeat_interval.count()));
  } else {
    // librdkafka wants a name; nothing is asked of a group by assign() with offsets.
    out.emplace_back("group.id", Secret("tailrace-unused"));
  }
  return out;
}

PartitionsPtr partitions_of(const std::vector<TopicPartition>& partitions) {
  PartitionsPtr out(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& each : partitions)
    rd_kafka_topic_partition_list_add(out.get(), each.topic.c_str(), each.partition);
  return out;
}

PartitionsPtr offsets_of(const std::vector<PartitionOffset>& places) {
  PartitionsPtr out(rd_kafka_topic_partition_list_new(static_cast<int>(places.size())));
  for (const PartitionOffset& each : places) {
    TAILRACE_ASSERT(each.offset >= 0);  // The logical ones (beginning, stored ...) choose for us.
    rd_kafka_topic_partition_list_add(out.get(), each.where.topic.c_str(), each.where.partition)->offset =
        each.offset;
  }
  return out;
}

// A call with a list answers in the list, too.
void check_each(const rd_kafka_topic_partition_list_t& list, std::string_view purpose) {
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& each = list.elems[i];
    if (each.err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    throw error_of(failure_of(each.err), purpose, {"topic", each.topic, "Read"})
        .with("partition", std::to_string(each.partition));
  }
}

struct DestroyPartition {
  void operator()(rd_kafka_topic_partition_t* partition) const {
    rd_kafka_topic_partition_destroy(partition);
  }
};

}  // namespace

struct Consumer::State {
  State(const Settings& settings, ConsumerOptions given)
      : options(std::move(given)),
        patience(settings.patience),
        client(RD_KAFKA_CONSUMER, settings, reader_properties(settings, options)),
        queue(rd_kafka_queue_get_consumer(client.handle())) {}

  // What befell the client as a whole: only what waiting does not mend.
  void check_client() {
    rd_kafka_poll(client.handle(), 0);
    if (const std::optional<Failure> fatal = client.fatal()) throw error_of(*fatal, "reading from Kafka");
    const std::optional<Failure> said = client.said();
    if (!said) return;
    const ErrorKind kind = kind_of(*said);
    if (kind == ErrorKind::auth || kind == ErrorKind::config)
      throw error_of(*said, "reading from Kafka", {"group", options.group_id});
  }

  // A partition's, or the group's.
  void on_error(rd_kafka_event_t& event, Batch& batch, std::vector<PartitionOffset>& ends) {
    const rd_kafka_resp_err_t code = rd_kafka_event_error(&event);
    const std::unique_ptr<rd_kafka_topic_partition_t, DestroyPartition> where(
        rd_kafka_event_topic_partition(&event));
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      TAILRACE_ASSERT(where != nullptr);
      client.forget();
      ends.push_back({{where->topic, where->partition}, where->offset});
      return;
    }
    // The client looks for the coordinator of a group that it has but in name.
    if (options.group_id.empty() && code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) return;
    Failure failure{code, rd_kafka_event_error_string(&event), rd_kafka_event_error_is_fatal(&event) != 0};
    if (code == RD_KAFKA_RESP_ERR__FATAL) failure = client.fatal().value_or(failure);
    const bool has_place = where != nullptr && where->topic != nullptr;
    Error error =
        error_of(failure, "reading from Kafka",
                 has_place ? Resource{"topic", where->topic, "Read"} : Resource{"group", options.group_id});
    if (has_place) error.with("partition", std::to_string(where->partition));
    // Leaders that move, brokers that restart: librdkafka goes on by itself.
    if (kind_of(failure) == ErrorKind::unavailable) {
      log::warn("kafka.read", {{"reason", error.what()}});
      return;
    }
    if (batch.empty()) throw Error(error);
    pending = std::move(error);  // What was read before it comes first.
  }

  static bool is_failure(rd_kafka_event_t& event) {
    const rd_kafka_resp_err_t code = rd_kafka_event_error(&event);
    return code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
  }

  static Rebalance rebalance_of(rd_kafka_event_t& event, rd_kafka_t* handle) {
    if (is_failure(event)) throw error_of(failure_of(rd_kafka_event_error(&event)), "the group's assignment");
    Rebalance out;
    out.kind = RebalanceKind::assigned;
    if (rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
      out.kind = rd_kafka_assignment_lost(handle) != 0 ? RebalanceKind::lost : RebalanceKind::revoked;
    if (const rd_kafka_topic_partition_list_t* const list = rd_kafka_event_topic_partition_list(&event)) {
      for (int i = 0; i < list->cnt; ++i)
        out.partitions.push_back({list->elems[i].topic, list->elems[i].partition});
    }
    std::sort(out.partitions.begin(), out.partitions.end());
    return out;
  }

  // As the group wants it said; what is wrong with it is nothing to somebody who leaves.
  void answer_as_asked(const Rebalance& change) {
    const PartitionsPtr list = partitions_of(change.partitions);
    const ErrorPtr refused(change.kind == RebalanceKind::assigned
                               ? rd_kafka_incremental_assign(client.handle(), list.get())
                               : rd_kafka_incremental_unassign(client.handle(), list.get()));
    if (refused != nullptr)
      log::debug("kafka.group.answer", {{"reason", rd_kafka_error_string(refused.get())}});
  }

  // A handle that goes while a change of the assignment is unanswered never ends: everything is answered on the way out.
  bool leave(std::chrono::milliseconds patience_left, const std::stop_token& stop) {
    // First, what was not read yet: once the group has ended, which takes no longer than an answer that it waits for, librdkafka
    // drops every other call without a word, and who made it waits for ever.
    if (due) answer_as_asked(*std::exchange(due, std::nullopt));
    // What is there now: records go on coming.
    for (std::size_t left = rd_kafka_queue_length(queue.get()); left > 0; --left) {
      const EventPtr event(rd_kafka_queue_poll(queue.get(), 0));
      if (event == nullptr) break;
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE && !is_failure(*event))
        answer_as_asked(rebalance_of(*event, client.handle()));
    }
    // A queue of its own, which takes over what comes now and drops it with its end: an event that is left behind keeps the
    // handle from ending, too.
    const QueuePtr last(rd_kafka_queue_new(client.handle()));
    const ErrorPtr refused(rd_kafka_consumer_close_queue(client.handle(), last.get()));
    if (refused != nullptr) {
      // With a fatal error there is no leaving, and assign() is what ends it.
      if (rd_kafka_consumer_closed(client.handle()) == 0) rd_kafka_assign(client.handle(), nullptr);
      return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + patience_left;
    while (rd_kafka_consumer_closed(client.handle()) == 0) {
      if (stop.stop_requested() || std::chrono::steady_clock::now() > deadline) return false;
      const EventPtr event(rd_kafka_queue_poll(last.get(), static_cast<int>(slice.count())));
      const bool is_change = event != nullptr && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE;
      if (is_change && rd_kafka_consumer_closed(client.handle()) == 0)
        rd_kafka_assign(client.handle(), nullptr);
    }
    return true;
  }

  ConsumerOptions options;
  std::chrono::milliseconds patience;
  Client client;
  QueuePtr queue;  // Its end before the client's.
  std::optional<Error> pending;
  std::optional<Rebalance> due;  // Unanswered.
};

Consumer::Consumer(const Settings& settings, ConsumerOptions options)
    : state_(std::make_unique<State>(settings, std::move(options))) {}

Consumer::~Consumer() {
  if (state_->options.group_id.empty() || rd_kafka_consumer_closed(state_->client.handle()) != 0) return;
  // librdkafka gives a leaving member's request five seconds.
  if (!state_->leave(std::chrono::seconds(10), {}))
    log::warn("kafka.group.not_left", {{"group", state_->options.group_id}});
}

void Consumer::assign(const std::vector<PartitionOffset>& starts) {
  const PartitionsPtr list = offsets_of(starts);
  check(rd_kafka_assign(state_->client.handle(), list.get()), "reading partitions");
  check_each(*list, "reading a partition");
}

void Consumer::subscribe(const std::vector<std::string>& topics) {
  TAILRACE_ASSERT(!state_->options.group_id.empty());
  const PartitionsPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  check(rd_kafka_subscribe(state_->client.handle(), list.get()), "joining the group",
        {"group", state_->options.group_id});
}

void Consumer::poll(Batch& batch, const PollLimits& limits, const std::stop_token& stop) {
  State& state = *state_;
  TAILRACE_ASSERT(!state.due);
  batch.clear();
  if (state.pending) {
    const Error error = std::move(*state.pending);
    state.pending.reset();
    throw Error(error);
  }
  const auto deadline = std::chrono::steady_clock::now() + limits.wait;
  while (batch.records_.size() < limits.records && batch.bytes_ < limits.bytes && !stop.stop_requested()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto wait =
        batch.empty() ? std::clamp(left, std::chrono::milliseconds(0), slice) : std::chrono::milliseconds(0);
    EventPtr event(rd_kafka_queue_poll(state.queue.get(), static_cast<int>(wait.count())));
    if (event == nullptr) {
      state.check_client();
      if (!batch.empty() || left.count() <= 0) return;
      continue;
    }
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_FETCH:
        while (const rd_kafka_message_t* const message = rd_kafka_event_message_next(event.get())) {
          if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            throw error_of(failure_of(message->err), "reading a record",
                           {"topic", rd_kafka_topic_name(message->rkt), "Read"});
          }
          batch.records_.emplace_back(*message);
          batch.bytes_ += message->len + message->key_len;
        }
        batch.events_.emplace_back(event.release());
        break;
      case RD_KAFKA_EVENT_REBALANCE:
        batch.rebalance_ = State::rebalance_of(*event, state.client.handle());
        state.due = batch.rebalance_;
        return;
      case RD_KAFKA_EVENT_ERROR:
        state.on_error(*event, batch, batch.ends_);
        if (state.pending) return;
        break;
      default: break;  // Answers to publish_offsets: nobody waits for them.
    }
  }
}

void Consumer::accept(const Rebalance& assigned, const std::vector<PartitionOffset>& starts) {
  TAILRACE_ASSERT(state_->due && assigned.kind == RebalanceKind::assigned);
  TAILRACE_ASSERT(assigned.partitions.size() == starts.size());
  const PartitionsPtr list = offsets_of(starts);
  check(rd_kafka_incremental_assign(state_->client.handle(), list.get()), "taking partitions of the group",
        {"group", state_->options.group_id});
  state_->due.reset();
}

void Consumer::release(const Rebalance& gone) {
  TAILRACE_ASSERT(state_->due && gone.kind != RebalanceKind::assigned);
  const PartitionsPtr list = partitions_of(gone.partitions);
  check(rd_kafka_incremental_unassign(state_->client.handle(), list.get()),
        "giving partitions back to the group", {"group", state_->options.group_id});
  state_->due.reset();
}

void Consumer::seek(const std::vector<PartitionOffset>& places) {
  if (places.empty()) return;
  // The client's own threads alone take part.
  constexpr int soon_ms = 10'000;
  const PartitionsPtr list = offsets_of(places);
  check(rd_kafka_seek_partitions(state_->client.handle(), list.get(), soon_ms),
        "reading from another offset");
  check_each(*list, "reading from another offset");
}

void Consumer::pause(const std::vector<TopicPartition>& partitions) {
  const PartitionsPtr list = partitions_of(partitions);
  check(rd_kafka_pause_partitions(state_->client.handle(), list.get()), "pausing partitions");
  check_each(*list, "pausing a partition");
}

void Consumer::resume(const std::vector<TopicPartition>& partitions) {
  const PartitionsPtr list = partitions_of(partitions);
  check(rd_kafka_resume_partitions(state_->client.handle(), list.get()), "resuming partitions");
  check_each(*list, "resuming a partition");
}

std::optional<Watermarks> Consumer::watermarks(const TopicPartition& where, const std::stop_token& stop) {
  Watermarks out;
  const auto ask = [&](int) -> std::optional<Failure> {
    // Each call is a request of its own: it gets the time of one.
    constexpr int request_ms = 2000;
    const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        state_->client.handle(), where.topic.c_str(), where.partition, &out.low, &out.high, request_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    Failure failure = failure_of(code);
    failure.retriable = kind_of(failure) == ErrorKind::unavailable;
    return failure;
  };
  try {
    if (!state_->client.repeat("asking for the ends of a partition", state_->patience, stop, ask,
                               {"topic", where.topic, "Describe"}))
      return std::nullopt;
  } catch (const Error& error) {
    throw Error(error).with("partition", std::to_string(where.partition));
  }
  return out;
}

void Consumer::publish_offsets(const std::vector<PartitionOffset>& offsets) {
  if (offsets.empty()) return;
  const PartitionsPtr list = offsets_of(offsets);
  const rd_kafka_resp_err_t code = rd_kafka_commit(state_->client.handle(), list.get(), /*async=*/1);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    log::debug("kafka.offsets.not_published", {{"reason", rd_kafka_err2str(code)}});
}

bool Consumer::close(std::chrono::milliseconds patience, const std::stop_token& stop) {
  return state_->leave(patience, stop);
}

rd_kafka_s* Consumer::handle() const {
  return state_->client.handle();
}

}  // namespace tailrace::kafka
