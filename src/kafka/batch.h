// What one poll of a consumer brought: records, ends that were reached, a change of the assignment.
//
// Shape    Owns the records' bytes: InRecords die with it, or with the next poll into it.
// Threads  A value of the consumer's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "kafka/record.h"

struct rd_kafka_op_s;
struct rd_kafka_message_s;

namespace tailrace::kafka {

// A record that was read. Everything is borrowed from the batch.
class InRecord {
 public:
  explicit InRecord(const rd_kafka_message_s& message) : message_(&message) {}

  std::string_view topic() const;
  std::int32_t partition() const;
  std::int64_t offset() const;
  std::int32_t leader_epoch() const;  // -1: the broker has none.
  std::optional<std::string_view> key() const;
  std::optional<std::string_view> value() const;  // None: a tombstone.
  std::optional<std::int64_t> timestamp_ms() const;
  std::vector<Header> headers() const;
  bool has_header(const char* name) const;  // Without making anything of them.

 private:
  const rd_kafka_message_s* message_;
};

enum class RebalanceKind {
  assigned,  // Partitions come to those that are held.
  revoked,   // Partitions go; what is applied of them may still be stored.
  lost,      // Partitions are somebody else's already. A hint: the epoch in the target decides (K4b).
};

struct Rebalance {
  RebalanceKind kind = RebalanceKind::assigned;
  std::vector<TopicPartition> partitions;  // May be empty.
};

// What one poll brought. Owns the records' bytes: InRecords die with it, or with the next poll into it. It must not outlive its
// consumer.
class Batch {
 public:
  Batch();
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  const std::vector<InRecord>& records() const { return records_; }
  // Partitions whose end was reached, and the end: markers of transactions take offsets too (K4d). All records before that
  // offset are here or were in earlier batches; later ones may be here, too.
  const std::vector<PartitionOffset>& ends() const { return ends_; }
  // Ends the batch: records before it belong to the assignment before it.
  const std::optional<Rebalance>& rebalance() const { return rebalance_; }
  bool empty() const { return records_.empty() && ends_.empty() && !rebalance_; }
  std::size_t bytes() const { return bytes_; }  // Of keys and values.

 private:
  friend class Consumer;
  void clear();

  struct DestroyEvent {
    void operator()(rd_kafka_op_s* event) const;
  };
  std::vector<std::unique_ptr<rd_kafka_op_s, DestroyEvent>> events_;
  std::vector<InRecord> records_;
  std::vector<PartitionOffset> ends_;
  std::optional<Rebalance> rebalance_;
  std::size_t bytes_ = 0;
};

}  // namespace tailrace::kafka
