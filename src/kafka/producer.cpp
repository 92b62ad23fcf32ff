// Transactions over librdkafka's producer.
#include "kafka/producer.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "base/log.h"
#include "kafka/client_internal.h"
#include "kafka/consumer.h"

namespace tailrace::kafka {
namespace {

using std::chrono::milliseconds;

// It counts while the machine sleeps: the broker's clock does, too.
milliseconds boot_time() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                  std::chrono::nanoseconds(now.tv_nsec));
}

// What is not durable when a run ends comes again: nobody has to wait for it.
constexpr milliseconds ending_patience{10'000};

// Of one call that ends a transaction. It is longer than a slice: where the client's own thread does not come to the call's first step in
// time, which on a busy machine takes tenths of a second, the call is not resumable whatever it answers (librdkafka 2.12 to 2.16,
// rd_kafka_txn_op_begin_commit): the next one is given the answer of this one, and the client ends the process once the broker's comes.
constexpr milliseconds ending_call{2'000};

// Of a batch of one record, its longest variable-length numbers counted in (KIP-98): what a topic's limit is held against.
constexpr std::size_t overhead_bytes = 61 + 7 * 5;

// librdkafka's batch.size, and a batch's frame beside it: what it fills unless it is told otherwise.
constexpr std::size_t batch_bytes = 1'000'000 + overhead_bytes;

std::size_t size_of(const OutRecord& record) {
  std::size_t bytes = overhead_bytes + record.key.value_or("").size() + record.value.value_or("").size();
  for (const Header& header : record.headers)
    bytes += header.name.size() + header.value.value_or("").size() + 10;
  return bytes;
}

Properties own_properties(const Settings& settings, const ProducerOptions& options) {
  const auto number = [](auto value) { return Secret(std::to_string(value)); };
  return {
      {"transactional.id", Secret(options.transactional_id)},
      {"enable.idempotence", Secret("true")},
      {"transaction.timeout.ms", number(options.transaction_timeout.count())},
      // A record waits for brokers as long as its transaction may live.
      {"message.timeout.ms", number(options.transaction_timeout.count())},
      {"partitioner", Secret("murmur2_random")},
      {"batch.size", number(batch_bytes - overhead_bytes)},
      // Else a topic that somebody deletes comes back at once, with other partitions and nothing of what was in it.
      {"allow.auto.create.topics", Secret("false")},
      {"queue.buffering.max.kbytes",
       number(std::max(settings.producer_memory_bytes, options.record_bytes) >> 10U)},
      // The bytes above are those of the records alone: what the client keeps beside each of them is as much as a small one.
      {"queue.buffering.max.messages", Secret("50000")},
      {"message.max.bytes", number(options.record_bytes + overhead_bytes)},
  };
}

struct DestroyTopic {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};

struct DestroyHeaders {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using HeadersPtr = std::unique_ptr<rd_kafka_headers_t, DestroyHeaders>;

HeadersPtr headers_of(const OutRecord& record) {
  if (record.headers.empty()) return nullptr;
  HeadersPtr out(rd_kafka_headers_new(record.headers.size()));
  for (const Header& header : record.headers) {
    const std::string_view value = header.value.value_or("");
    kafka::check(rd_kafka_header_add(out.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                                     header.value ? (value.data() == nullptr ? "" : value.data()) : nullptr,
                                     static_cast<ssize_t>(value.size())),
                 "adding a header");
  }
  return out;
}

bool is_purged(int code) {
  return code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace

std::int32_t partition_of_key(std::string_view key, std::int32_t partitions) {
  return rd_kafka_msg_partitioner_murmur2(nullptr, key.data() == nullptr ? "" : key.data(), key.size(),
                                          partitions, nullptr, nullptr);
}

struct Producer::State {
  struct Topic {
    std::unique_ptr<rd_kafka_topic_t, DestroyTopic> handle;
    TopicLimits limits;
    std::size_t given_bytes = 0;  // Since all that was given had been sent.
  };

  State(const Settings& settings, ProducerOptions given)
      : options(std::move(given)),
        patience(settings.patience),
        client(RD_KAFKA_PRODUCER, settings, own_properties(settings, options),
               [this](const rd_kafka_message_t& message) { delivered(message); }) {}

  // Called by librdkafka, on our thread, from poll and the transaction calls.
  void delivered(const rd_kafka_message_t& message) {
    --in_flight;
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    // What an abort throws away is no failure of its own.
    if (aborting && is_purged(message.err)) return;
    if (message.rkt != nullptr) failed_topics.insert(rd_kafka_topic_name(message.rkt));
    if (failed) return;
    // rd_kafka_message_errstr() is for records that were read: of one that was written it gives the payload.
    const char* const text = rd_kafka_message_produce_errstr(&message);
    failed = Failure{message.err, text != nullptr ? text : rd_kafka_err2str(message.err)};
    failed->abortable = true;
  }

  // A transaction that has failed throws away what was not sent and takes nothing more: its own failure is the cause. A begin in
  // an open transaction does nothing but answer in which state that is.
  Failure cause_of(const Failure& failure) const {
    if (!is_purged(failure.code) && failure.code != RD_KAFKA_RESP_ERR__STATE) return failure;
    const std::optional<Failure> answer = answer_of(rd_kafka_begin_transaction(client.handle()));
    return answer && answer->code != RD_KAFKA_RESP_ERR__STATE ? *answer : failure;
  }

  // Of records that a failed transaction has thrown away they come in a moment.
  void await_reports() const {
    constexpr int moment_ms = 500;
    static_cast<void>(rd_kafka_flush(client.handle(), moment_ms));
  }

  void throw_failure() {
    if (failed) {
      // The client's own failure is the cause, the records' are its consequences.
      const Resource id{"transactional_id", options.transactional_id};
      if (const std::optional<Failure> fatal = client.fatal()) throw error_of(*fatal, "writing records", id);
      const Failure reason = cause_of(*failed);
      // The message has the topics of all that went with it.
      if (is_purged(failed->code)) await_reports();
      if (reason.code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        throw error_of(reason, "writing records", id);
      // Of several, brokers do not say which one.
      const std::string named = fmt::format("{}", fmt::join(failed_topics, ", "));
      throw error_of(reason, "writing records", {"topic", named, "Write"});
    }
  }

  // Of one call that waits: `since` is when it first saw that an end is asked for.
  void judge_haste(std::optional<milliseconds>& since, std::string_view purpose) const {
    if (!ending.stop_requested()) return;
    const milliseconds now = boot_time();
    if (!since) since = now;
    if (now - *since < std::min(patience, ending_patience)) return;
    throw error_of(client.said().value_or(failure_of(RD_KAFKA_RESP_ERR__TIMED_OUT)), purpose);
  }

  Topic& topic(std::string_view name) {
    const auto found = topics.find(name);
    if (found != topics.end() && found->second.handle != nullptr) return found->second;
    Topic& fresh = topics[std::string(name)];
    fresh.handle.reset(rd_kafka_topic_new(client.handle(), std::string(name).c_str(), nullptr));
    if (fresh.handle == nullptr) kafka::check(rd_kafka_last_error(), "naming a topic", {"topic", name});
    return fresh;
  }

  std::optional<Error> refusal_of(const OutRecord& record, const TopicLimits& limits) const {
    const std::size_t bytes = size_of(record);
    std::size_t limit = options.record_bytes + overhead_bytes;
    if (limits.record_bytes != 0) limit = std::min(limit, limits.record_bytes);
    if (bytes > limit) {
      return Error(ErrorKind::data,
                   fmt::format("a record of {} bytes does not fit into topic {}, which takes {}", bytes,
                               record.topic, limit))
          .with("topic", record.topic)
          .with("remedy", "raise the topic's max.message.bytes and stream.max_value_bytes");
    }
    if (limits.compacted && !record.key) {
      return Error(ErrorKind::data,
                   fmt::format("a record without a key cannot go into the compacted topic {}", record.topic))
          .with("topic", record.topic);
    }
    return std::nullopt;
  }

  rd_kafka_error_t* give(const OutRecord& record, const Topic& topic, HeadersPtr& headers) {
    // Null and empty differ: an empty text has an address.
    const auto address = [](const std::optional<std::string_view>& text) -> void* {
      if (!text) return nullptr;
      return const_cast<char*>(text->data() == nullptr ? "" : text->data());
    };
    std::array<rd_kafka_vu_t, 7> values{};
    std::size_t count = 0;
    const auto next = [&](rd_kafka_vtype_t type) -> auto& {
      values.at(count).vtype = type;
      return values.at(count++).u;
    };
    next(RD_KAFKA_VTYPE_RKT).rkt = topic.handle.get();
    next(RD_KAFKA_VTYPE_PARTITION).i32 = record.partition.value_or(RD_KAFKA_PARTITION_UA);
    next(RD_KAFKA_VTYPE_MSGFLAGS).i = RD_KAFKA_MSG_F_COPY;
    next(RD_KAFKA_VTYPE_KEY).mem = {address(record.key), record.key.value_or("").size()};
    next(RD_KAFKA_VTYPE_VALUE).mem = {address(record.value), record.value.value_or("").size()};
    if (record.timestamp_ms) next(RD_KAFKA_VTYPE_TIMESTAMP).i64 = *record.timestamp_ms;
    if (headers != nullptr) next(RD_KAFKA_VTYPE_HEADERS).headers = headers.get();
    rd_kafka_error_t* const error = rd_kafka_produceva(client.handle(), values.data(), count);
    if (error == nullptr) static_cast<void>(headers.release());  // The record has them now.
    return error;
  }

  // All that was given is with the brokers. False if stopped first.
  bool settle(const std::stop_token& stop) {
    std::optional<milliseconds> hurried;
    const auto flushed = [&](int timeout_ms) {
      const rd_kafka_resp_err_t code = rd_kafka_flush(client.handle(), timeout_ms);
      throw_failure();
      std::optional<Failure> answer;
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        judge_haste(hurried, "writing records");
        answer = failure_of(code);
        answer->retriable = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
      }
      return answer;
    };
    if (!client.repeat("writing records", options.transaction_timeout, stop, flushed,
                       {"transactional_id", options.transactional_id}))
      return false;
    for (auto& [name, topic] : topics)
      topic.given_bytes = 0;
    return true;
  }

  // A topic's limit is one of batches, and librdkafka fills those without regard to it: where it is smaller than a batch may be,
  // what would not fit beside the others waits until they are sent. False if stopped first.
  bool make_room(Topic& topic, std::size_t bytes, const std::stop_token& stop) {
    const std::size_t limit = topic.limits.record_bytes;
    if (limit == 0 || limit >= batch_bytes) return true;
    if (topic.given_bytes != 0 && topic.given_bytes + bytes > limit && !settle(stop)) return false;
    topic.given_bytes += bytes;
    return true;
  }

  void ended() {
    for (auto& [name, topic] : topics)
      topic.given_bytes = 0;
    open = false;
    aborting = false;
    first_record.reset();
    failed.reset();
    failed_topics.clear();
  }

  ProducerOptions options;
  milliseconds patience;
  std::stop_token ending;
  std::size_t in_flight = 0;
  bool open = false;
  bool aborting = false;
  std::optional<milliseconds> first_record;  // boot_time()
  std::optional<Failure> failed;             // The first one since begin().
  std::set<std::string> failed_topics;
  Client client;  // Its end calls delivered(): before all that stands above.
  std::unordered_map<std::string, Topic, TextHash, std::equal_to<>> topics;
};

Producer::Producer(const Settings& settings, ProducerOptions options)
    : state_(std::make_unique<State>(settings, std::move(options))) {}

Producer::~Producer() {
  if (!state_->open || state_->client.fatal()) return;
  // A transaction that stays open hides what other producers commit behind it, until its time is over.
  constexpr int shortly_ms = 1000;
  state_->aborting = true;
  const ErrorPtr error(rd_kafka_abort_transaction(state_->client.handle(), shortly_ms));
  if (error != nullptr) {
    log::warn("kafka.transaction.left_open", {{"transactional_id", state_->options.transactional_id},
                                              {"reason", rd_kafka_error_string(error.get())}});
  }
}

void Producer::limit(const std::string& topic, TopicLimits limits) {
  state_->topics[topic].limits = limits;
}

void Producer::hurry(std::stop_token ending) {
  state_->ending = std::move(ending);
}

std::optional<Error> Producer::refusal_of(const OutRecord& record) const {
  const auto found = state_->topics.find(record.topic);
  return state_->refusal_of(record, found == state_->topics.end() ? TopicLimits{} : found->second.limits);
}

bool Producer::init(const std::stop_token& stop) {
  return state_->client.repeat(
      fmt::format("taking over transactional id {}", state_->options.transactional_id), state_->patience,
      stop,
      [&](int timeout_ms) {
        return answer_of(rd_kafka_init_transactions(state_->client.handle(), timeout_ms));
      },
      {"transactional_id", state_->options.transactional_id});
}

void Producer::begin() {
  TAILRACE_ASSERT(!state_->open);
  kafka::check(rd_kafka_begin_transaction(state_->client.handle()), "beginning a transaction",
               {"transactional_id", state_->options.transactional_id});
  state_->ended();
  state_->open = true;
}

bool Producer::produce(const OutRecord& record, const std::stop_token& stop) {
  TAILRACE_ASSERT(state_->open);
  State& state = *state_;
  state.throw_failure();
  State::Topic& topic = state.topic(record.topic);
  if (const std::optional<Error> refusal = state.refusal_of(record, topic.limits)) throw Error(*refusal);
  if (!state.make_room(topic, size_of(record), stop)) return false;
  HeadersPtr headers = headers_of(record);
  if (!state.first_record) state.first_record = boot_time();
  std::optional<milliseconds> hurried;
  while (!stop.stop_requested()) {
    const ErrorPtr error(state.give(record, topic, headers));
    if (error == nullptr) {
      ++state.in_flight;
      rd_kafka_poll(state.client.handle(), 0);
      return true;
    }
    const Failure failure = failure_of(*error);
    if (failure.code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      if (const std::optional<Failure> fatal = state.client.fatal())
        throw error_of(*fatal, "writing records", {"transactional_id", state_->options.transactional_id});
      const Failure cause = state.cause_of(failure);
      // A transaction that has failed takes nothing more: it failed by records before this one, of other topics perhaps.
      if (cause.code != failure.code) {
        state.await_reports();
        state.throw_failure();
      }
      throw error_of(cause, "writing records", {"topic", record.topic, "Write"});
    }
    rd_kafka_poll(state.client.handle(), static_cast<int>(slice.count()));
    state.throw_failure();
    // Brokers that stay away end it by the records' own time, which is the transaction's.
    if (const std::optional<Failure> said = state.client.said(); said && kind_of(*said) == ErrorKind::auth)
      throw error_of(*said, "writing records");
    state.judge_haste(hurried, "writing records");
  }
  return false;
}

bool Producer::send_offsets(const Consumer& consumer, const std::vector<PartitionOffset>& offsets,
                            const std::stop_token& stop) {
  TAILRACE_ASSERT(state_->open);
  const PartitionsPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& each : offsets)
    rd_kafka_topic_partition_list_add(list.get(), each.where.topic.c_str(), each.where.partition)->offset =
        each.offset;
  const std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                        decltype(&rd_kafka_consumer_group_metadata_destroy)>
      group(rd_kafka_consumer_group_metadata(consumer.handle()), rd_kafka_consumer_group_metadata_destroy);
  if (group == nullptr) throw Error(ErrorKind::internal, "the consumer belongs to no group");
  return state_->client.repeat("storing offsets of the group", state_->patience, stop, [&](int) {
    // Each call is a request of its own: it gets the time of one.
    constexpr int request_ms = 5000;
    return answer_of(
        rd_kafka_send_offsets_to_transaction(state_->client.handle(), list.get(), group.get(), request_ms));
  });
}

bool Producer::commit(const std::stop_token& stop) {
  TAILRACE_ASSERT(state_->open);
  State& state = *state_;
  std::optional<milliseconds> hurried;
  // First, and every report seen: a commit answers OK after a failed produce.
  if (!state.settle(stop)) return false;
  TAILRACE_ASSERT(state.in_flight == 0);
  const bool done = state.client.repeat(
      "committing a transaction", state.options.transaction_timeout, stop,
      [&](int) {
        std::optional<Failure> answer =
            answer_of(rd_kafka_commit_transaction(state.client.handle(), ending_call.count()));
        if (answer && answer->retriable) state.judge_haste(hurried, "committing a transaction");
        return answer;
      },
      {"transactional_id", state.options.transactional_id});
  if (done) state.ended();
  return done;
}

bool Producer::abort(const std::stop_token& stop) {
  TAILRACE_ASSERT(state_->open);
  State& state = *state_;
  state.aborting = true;
  const bool done = state.client.repeat("aborting a transaction", state.patience, stop, [&](int) {
    return answer_of(rd_kafka_abort_transaction(state.client.handle(), ending_call.count()));
  });
  if (done) state.ended();
  return done;
}

void Producer::check() {
  rd_kafka_poll(state_->client.handle(), 0);
  state_->throw_failure();
  if (const std::optional<Failure> fatal = state_->client.fatal())
    throw error_of(*fatal, "writing records", {"transactional_id", state_->options.transactional_id});
}

bool Producer::in_transaction() const {
  return state_->open;
}

std::optional<milliseconds> Producer::age() const {
  if (!state_->first_record) return std::nullopt;
  return boot_time() - *state_->first_record;
}

milliseconds Producer::transaction_timeout() const {
  return state_->options.transaction_timeout;
}

std::size_t Producer::in_flight() const {
  return state_->in_flight;
}

}  // namespace tailrace::kafka
