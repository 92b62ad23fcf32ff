// The pipeline's own compacted topic: records key -> value (its position, claims, progress of chunks), the last of each key.
//
// Shape    Written by the pipeline's producers in the same transactions as the data. read() answers what is committed, to the
//          very end (K3a): the high watermark is taken without regard to transactions, and records are read, committed ones alone,
//          until the end of the partition reaches that mark. An open transaction holds that end back; the caller's producers
//          have therefore ended theirs (Producer::init for every id ever used) before it reads.
// Errors   unavailable: an open transaction of somebody else holds the end back for longer than the patience. config: the topic is
//          not there, or is not compacted. abandoned: stopped first.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/admin.h"
#include "kafka/consumer.h"
#include "kafka/settings.h"

namespace tailrace::kafka {

struct StoredRecord {
  std::string value;
  std::int32_t partition = 0;  // A record is written back where it was found.
  std::int64_t offset = 0;
  std::optional<std::int64_t> timestamp_ms;
};

enum class View {
  whole,  // To the very end (K3a).
  readable,  // What is committed in front of the first open transaction: for those who look, and wait for nobody.
  uncommitted,  // Whatever lies there; some of it may never be committed.
};

// Where each partition ends now, whoever's transactions are open.
std::vector<PartitionOffset> ends_of(const Settings& settings, const TopicInfo& topic,
                                     const std::stop_token& stop);

// Of each record: a position that is not as safe as the events that it speaks of is worth nothing.
struct Copies {
  int replication = 1;
  int min_insync = 0;  // 0: the brokers' default.
};

class OffsetsTopic {
 public:
  OffsetsTopic(Settings settings, std::string name);

  const std::string& name() const { return name_; }

  // One partition, compacted.
  NewTopic to_make(const Copies& copies) const;
  // Makes it where it is missing; checks that it is compacted where it is not.
  void ensure(Admin& admin, const Copies& copies, const std::stop_token& stop) const;

  // The last committed record of each key; keys are any bytes. Deleted ones (tombstones) are not among them.
  std::map<std::string, StoredRecord> read(Admin& admin, const std::stop_token& stop,
                                           View view = View::whole) const;

 private:
  Settings settings_;
  std::string name_;
};

}  // namespace tailrace::kafka
