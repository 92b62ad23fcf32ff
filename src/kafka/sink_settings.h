// What the Kafka sink needs to know besides how the cluster is reached; the settings table of the configuration fills it.
//
// Units  durations are std::chrono, sizes in bytes or events as the name says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "debezium/settings.h"
#include "kafka/settings.h"
#include "registry/settings.h"

namespace tailrace::kafka {

// Which partition an event goes to.
enum class Partitioning {
  key,    // By its key, as Java's clients do: a topic that a Debezium wrote before goes on (K1a).
  table,  // All of a table's events into one partition: the order of a table, not of a key alone.
};

// How topics are made that are not there.
struct TopicCreation {
  bool enabled = true;  // Else they must be there.
  int partitions = -1;  // The broker's default, as with replication.
  int replication = -1;
  std::chrono::milliseconds retention = std::chrono::hours(168);
  int min_insync_replicas = 0;  // 0: the broker's.
  std::string compression = "producer";
  std::map<std::string, std::string> properties = {};  // Over the others.
};

struct SinkSettings {
  Settings kafka = {};
  registry::Settings registry = {};  // With Avro.
  debezium::EventSettings events = {};

  std::string pipeline = {};
  std::string connector = {};         // In the key of the stored offset. Empty: the pipeline's name.
  std::string offsets_topic = {};     // Empty: tailrace-offsets-<pipeline>.
  std::string transactional_id = {};  // Of the pipeline; helpers append a number. Empty: tailrace-<pipeline>.
  Partitioning partitioning = Partitioning::key;
  TopicCreation topics = {};

  // Signals. The table as schema.table, or database.schema.table; both may be empty.
  std::string signals_table = {};
  std::string signals_topic = {};
  std::uint64_t incremental_rows = 10'000;  // Of a chunk.
  std::size_t incremental_bytes = std::size_t{8} << 20;
  // What the pipeline tells of itself.
  bool log_notices = false;
  std::string notices_topic = {};  // Empty: none are sent.

  int writers = 4;  // Chunk writers at the same time.
  std::size_t max_value_bytes = std::size_t{16} << 20;

  // errors.on_row: dead_letter. Rows that cannot become events go here. Empty: they stop the pipeline.
  std::string dead_letter_topic = {};
  int dead_letter_replication = -1;  // As topics.replication, of that topic alone.

  // Of a transaction, where the broker allows as much.
  std::chrono::milliseconds transaction_timeout{900'000};
  // A transaction is filled until it holds so many events, or so much time has passed since the last commit (K2).
  std::uint64_t fill_events = 10'000;
  std::chrono::milliseconds fill_time{100};
  // An idle pipeline commits its claim this often (K3c).
  std::chrono::milliseconds claim_interval{10'000};
  // Records in the heartbeat topic this often; 0: none.
  std::chrono::milliseconds heartbeat_interval{0};
  // Empty: process_runner_id().
  std::string instance = {};

  std::string connector_name() const { return connector.empty() ? pipeline : connector; }
  std::string offsets_topic_name() const {
    return offsets_topic.empty() ? "tailrace-offsets-" + pipeline : offsets_topic;
  }
  std::string main_id() const { return transactional_id.empty() ? "tailrace-" + pipeline : transactional_id; }
  bool tells() const { return log_notices || !notices_topic.empty(); }
  // The longest record: a value of the longest kind, and the rest of its row.
  std::size_t record_bytes() const { return max_value_bytes + (std::size_t{1} << 20); }
};

}  // namespace tailrace::kafka
