// Reads partitions: those that it is told, or those that its group gives it; always from offsets that the caller names (K4c).
//
// Shape    poll() fills a Batch. Everything that happens to the partitions comes in it as values: the ends that were reached, and
//          at most one change of the assignment, which the caller must answer (also an empty one) before it polls again. Offsets
//          are never read from Kafka and never chosen: an offset that is not there any more is a gap.
// Errors   gap, with topic and partition: the offset is out of range; one error, then silence from that partition. auth, config:
//          login, rights, a topic that is missing. protocol: broken bytes. conflict: the group went on without us.
//          A topic that vanishes, and one that is made anew and is already longer, gives no error: look by Admin (K4c).
// Threads  One consumer belongs to one thread.
// Source   librdkafka 2.12 INTRODUCTION.md, rdkafka.h; docs/rules.md K4.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/batch.h"
#include "kafka/record.h"
#include "kafka/settings.h"

struct rd_kafka_s;

namespace tailrace::kafka {

enum class Isolation { read_committed, read_uncommitted };

struct ConsumerOptions {
  std::string group_id = {};  // Empty: no member of a group; assign() alone.
  Isolation isolation = Isolation::read_committed;
  std::chrono::milliseconds session_timeout{10'000};
  std::chrono::milliseconds heartbeat_interval{1'000};
  std::size_t partitions = 1;  // About as many are read at once: what is read ahead is shared out among them.
};

struct PollLimits {
  std::chrono::milliseconds wait{1'000};  // For the first record; what is there already then comes with it.
  std::size_t records = 10'000;
  std::size_t bytes = std::size_t{8} << 20;
};

struct Watermarks {
  std::int64_t low = 0;
  std::int64_t high = 0;  // Read committed: the last stable offset.
};

class Consumer {
 public:
  Consumer(const Settings& settings, ConsumerOptions options);
  // Leaves the group, too, but waits for that no longer than some seconds.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // These partitions and no others, each from its offset on.
  void assign(const std::vector<PartitionOffset>& starts);
  // As a member of the group, whatever partitions of these topics it gives.
  void subscribe(const std::vector<std::string>& topics);

  // What came, in the order of each partition. Returns at the stop, too.
  void poll(Batch& batch, const PollLimits& limits, const std::stop_token& stop);

  // The answers to a rebalance: where to begin with each partition that came; or that those that went are let go.
  void accept(const Rebalance& assigned, const std::vector<PartitionOffset>& starts);
  void release(const Rebalance& gone);

  // Reads on from another offset; records that were read ahead are dropped.
  void seek(const std::vector<PartitionOffset>& places);
  void pause(const std::vector<TopicPartition>& partitions);
  void resume(const std::vector<TopicPartition>& partitions);

  // The ends of a partition, as this consumer's isolation sees them. Nothing if stopped first.
  std::optional<Watermarks> watermarks(const TopicPartition& where, const std::stop_token& stop);

  // Offsets of the group for those who watch its lag; asynchronous, never read back (K4d).
  void publish_offsets(const std::vector<PartitionOffset>& offsets);

  // Leaves the group, so that the others get its partitions at once; an answer that is due is none any more. False if stopped,
  // or not done within `patience`.
  [[nodiscard]] bool close(std::chrono::milliseconds patience, const std::stop_token& stop);

  // For Producer::send_offsets.
  rd_kafka_s* handle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tailrace::kafka
