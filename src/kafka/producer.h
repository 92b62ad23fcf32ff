// A transactional producer: records become readable all together, or not at all.
//
// Shape    init(), then again and again begin(), produce()..., commit() or abort(). Whatever fails inside a transaction leaves
//          abort(), or a new producer where the error is fatal, as the only ways on.
// Errors   Every produce and every delivery report is checked (K1b): the first failure is thrown by the next call, and commit()
//          throws it rather than commit. data: a record that the topic refuses. fenced: another producer has the id, or the
//          broker ended the transaction by its own timeout; which of the two, the caller finds out (K3b). conflict: abort, make
//          a new producer, read the position, repeat (K3d). unavailable: the cluster did not answer within the patience; of a
//          commit this and every other kind but data and conflict mean that nobody knows, and the stored position tells.
// Threads  One producer belongs to one thread.
// Source   librdkafka 2.12 INTRODUCTION.md, "Transactional producer"; docs/rules.md K1-K3.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kafka/record.h"
#include "kafka/settings.h"

namespace tailrace::kafka {

class Consumer;

struct ProducerOptions {
  std::string transactional_id = {};
  // At most the broker's transaction.max.timeout.ms (Admin::broker_setting).
  std::chrono::milliseconds transaction_timeout{900'000};
  // The longest record: key, value and headers.
  std::size_t record_bytes = std::size_t{16} << 20;
};

// What a topic takes, checked before a record is given away: one bad record fails all that share its batch.
struct TopicLimits {
  std::size_t record_bytes = 0;  // The topic's max.message.bytes. 0: unknown.
  bool compacted = false;        // Records without a key are refused.
};

class Producer {
 public:
  Producer(const Settings& settings, ProducerOptions options);
  // An open transaction is aborted where that goes at once; else the next init() of its id ends it.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void limit(const std::string& topic, TopicLimits limits);
  // Once it is stopped, no call waits for brokers that are away as long as a transaction may live: `unavailable` after seconds.
  void hurry(std::stop_token ending);
  // Why produce() would refuse it: data. Nothing: it fits, as far as is known here.
  std::optional<Error> refusal_of(const OutRecord& record) const;

  // Fences older producers of this id and ends their transactions. False if stopped first.
  [[nodiscard]] bool init(const std::stop_token& stop);

  void begin();
  // Takes a record into memory that is bounded; waits for room. False if stopped first: then it was not taken.
  [[nodiscard]] bool produce(const OutRecord& record, const std::stop_token& stop);
  // The consumer's offsets become durable with this transaction.
  [[nodiscard]] bool send_offsets(const Consumer& consumer, const std::vector<PartitionOffset>& offsets,
                                  const std::stop_token& stop);
  // True: everything since begin() is durable and readable. A commit that times out is called again (K2), for as long as the
  // transaction may live. False if stopped first: then nobody knows, and the stored position tells.
  [[nodiscard]] bool commit(const std::stop_token& stop);
  // Everything since begin() is gone. False if stopped first.
  [[nodiscard]] bool abort(const std::stop_token& stop);

  // What has failed since begin(), without a wait: a record that is refused is known before its transaction is full.
  void check();

  bool in_transaction() const;
  // Since the first record of the open transaction, suspension of the machine included; none without one. The broker ends it at
  // the transaction timeout.
  std::optional<std::chrono::milliseconds> age() const;
  std::chrono::milliseconds transaction_timeout() const;
  std::size_t in_flight() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tailrace::kafka
