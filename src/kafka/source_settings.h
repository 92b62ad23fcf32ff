// What is read from Kafka and how; the settings table of the configuration fills it.
//
// Units  sizes in bytes, durations are std::chrono.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "config/binding.h"
#include "intake/settings.h"
#include "kafka/settings.h"
#include "registry/settings.h"

namespace tailrace::kafka {

// Records whose commit lies before one that was read already, in the same partition.
enum class Repeats {
  stop,   // They are a gap: the topic, or its source, may be another one.
  apply,  // Whoever wrote them begins again somewhat earlier after a crash (a Debezium without exactly-once).
};

struct SourceSettings {
  Settings cluster;
  registry::Settings registry;
  intake::Settings intake;

  std::vector<std::string> topics;  // Or, where it is empty,
  std::string topics_pattern;       // those whose whole name matches (ECMAScript), as they come.
  std::string group_id;             // Empty: tailrace-<pipeline>.
  std::chrono::milliseconds session_timeout{10'000};
  std::size_t batch_records = 20'000;
  std::size_t batch_bytes = std::size_t{8} << 20;
  Repeats repeats = Repeats::stop;
  // errors.on_row: dead_letter. Records that cannot be read are passed over, and those of rows are kept until they are durable.
  bool passes_over = false;
  // Topics are looked at this often: one that is gone, or made anew, gives no error (K4c).
  std::chrono::milliseconds look_at_topics_every{2'000};
  // Partitions that gave nothing are looked at this often (K4f).
  std::chrono::milliseconds look_at_standing_every{30'000};
};

// Section `source`; that of the cluster has a table of its own.
const std::vector<config::Binding<SourceSettings>>& source_settings_bindings();
config::Table source_settings_table();

}  // namespace tailrace::kafka
