// A handle of librdkafka as a scope, with what it said about the cluster besides its answers.
//
// Shape    librdkafka reports lost brokers and refused logins beside its answers, and goes on trying for ever by itself. The
//          last such report is kept: who waits in vain says why.
// Errors   config from the constructor: a property that the client does not take.
// Threads  One client belongs to one thread. librdkafka's log comes on its own threads and goes straight into ours.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "kafka/failure.h"
#include "kafka/properties.h"

namespace tailrace::kafka {

// How long one call of librdkafka may hold us before the stop is looked at again.
inline constexpr std::chrono::milliseconds slice{100};

struct DestroyEvent {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using EventPtr = std::unique_ptr<rd_kafka_event_t, DestroyEvent>;

struct DestroyQueue {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, DestroyQueue>;

struct DestroyPartitions {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionsPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyPartitions>;

struct DestroyError {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using ErrorPtr = std::unique_ptr<rd_kafka_error_t, DestroyError>;

Failure failure_of(const rd_kafka_error_t& error);
Failure failure_of(rd_kafka_resp_err_t code);
// The answer of a call that may be repeated; takes the error.
std::optional<Failure> answer_of(rd_kafka_error_t* error);
// Throws where a call answered an error.
void check(rd_kafka_error_t* error, std::string_view purpose, Resource resource = {});
void check(rd_kafka_resp_err_t code, std::string_view purpose, Resource resource = {});

class Client {
 public:
  // `own` are properties of this kind of client, on top of the settings'. A producer's delivery reports go to `delivered`,
  // called from within poll() and the transaction calls, on their thread.
  Client(rd_kafka_type_t type, const Settings& settings, const Properties& own,
         std::function<void(const rd_kafka_message_t&)> delivered = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_.get(); }

  // The cause of waiting in vain: a refused login before a lost broker. A call that succeeds forgets it.
  std::optional<Failure> said() const;
  // error_of(), and which brokers it is about where no other word says it.
  Error error(const Failure& failure, std::string_view purpose, Resource resource = {}) const;
  void forget();
  // The failure that made this client useless, if one did.
  std::optional<Failure> fatal() const;

  // Calls `attempt` until it answers no error or one that is not retriable. Each call gets the time that it may take. A refused
  // login ends the waiting at once; `unavailable`, with what was said, once `patience` is over. False if stopped first.
  [[nodiscard]] bool repeat(std::string_view purpose, std::chrono::milliseconds patience,
                            const std::stop_token& stop,
                            const std::function<std::optional<Failure>(int timeout_ms)>& attempt,
                            Resource resource = {});
  // The same waiting around a queue of answers. Nothing if stopped first.
  EventPtr wait_for_event(rd_kafka_queue_t& queue, std::string_view purpose,
                          std::chrono::milliseconds patience, const std::stop_token& stop);

 private:
  // Throws when waiting on is vain: a refused login, or the time is over.
  void judge(std::string_view purpose, std::chrono::steady_clock::time_point deadline,
             const Failure& otherwise, Resource resource) const;

  struct Destroy {
    void operator()(rd_kafka_t* handle) const;
  };
  struct Said {
    std::mutex mutex;  // librdkafka calls back on whichever thread polls.
    std::optional<Failure> last;
    std::function<void(const rd_kafka_message_t&)> delivered;
  };
  static void note_in(Said& said, rd_kafka_resp_err_t code, std::string text);

  std::string servers_;         // Of the settings, for messages.
  std::unique_ptr<Said> said_;  // Its address is librdkafka's opaque pointer.
  std::unique_ptr<rd_kafka_t, Destroy> handle_;
};

}  // namespace tailrace::kafka
