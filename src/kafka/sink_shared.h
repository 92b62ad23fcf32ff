// What the sink of a stream, its chunk writers and the sinks of tables outside the stream have in common.
//
// Threads  Everything behind with() is locked. A table's state has one owner at a time: the stream's sink, or that of the table while it
//          is outside; its chunks, the writers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "kafka/claim.h"
#include "kafka/producer.h"
#include "kafka/registry_ids.h"
#include "kafka/sink_settings.h"
#include "kafka/stored_state.h"

namespace tailrace::kafka {

struct TopicFacts {
  std::string id = {};  // As TopicInfo's.
  std::int32_t partitions = 0;
  TopicLimits limits = {};
};

struct SharedState {
  StoredState stored = {};  // As it is durable, as far as we have made it so.
  std::map<TableName, SchemaPtr> schemas = {};
  std::map<std::string, TopicFacts, std::less<>> topics = {};
  std::set<int> helpers = {};                       // Numbers that are in use.
  std::map<TableName, std::uint64_t> letters = {};  // Durable, and not asked for yet.
  // Tables of the load that is going on, in the stream's sink: their first and last rows are marked.
  std::set<TableName> loading = {};
};

class SinkShared {
 public:
  explicit SinkShared(SinkSettings settings);

  const SinkSettings& settings() const { return settings_; }
  const StateKeys& keys() const { return keys_; }
  std::chrono::milliseconds transaction_timeout() const { return transaction_timeout_; }
  // Once, before anybody writes.
  void set_transaction_timeout(std::chrono::milliseconds timeout) { transaction_timeout_ = timeout; }
  // The same: when the run is to end, nobody waits long for brokers that are away.
  void set_ending(std::stop_token ending) { ending_ = std::move(ending); }
  const std::stop_token& ending() const { return ending_; }
  Claimant claimant() const;
  const std::shared_ptr<KnownSchemas>& schemas() const { return schemas_; }

  template <class Work>
  auto with(Work work) {
    const std::lock_guard lock(mutex_);
    return work(state_);
  }

 private:
  const SinkSettings settings_;
  const StateKeys keys_;
  const std::string instance_;
  std::chrono::milliseconds transaction_timeout_;
  std::stop_token ending_;
  const std::shared_ptr<KnownSchemas> schemas_;
  std::mutex mutex_;
  SharedState state_;
};

// A helper's number, from 1, for as long as it lives. Throws internal where more are wanted than the claim has named.
class HelperNumber {
 public:
  explicit HelperNumber(std::shared_ptr<SinkShared> shared);
  ~HelperNumber();
  HelperNumber(const HelperNumber&) = delete;
  HelperNumber& operator=(const HelperNumber&) = delete;

  int number() const { return number_; }

 private:
  std::shared_ptr<SinkShared> shared_;
  int number_ = 0;
};

}  // namespace tailrace::kafka
