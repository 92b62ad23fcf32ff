// Records as they go out and come in, and where they lie.
//
// Shape    Texts are borrowed. A key or value that is not there (null) differs from an empty one, in both directions.
// Units    Timestamps are milliseconds since 1970-01-01 UTC.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::kafka {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
};

// The offset of the next record to be read.
struct PartitionOffset {
  TopicPartition where;
  std::int64_t offset = 0;

  bool operator==(const PartitionOffset&) const = default;
};

struct Header {
  std::string_view name;
  std::optional<std::string_view> value;
};

struct OutRecord {
  std::string_view topic;
  std::optional<std::int32_t> partition;  // None: by the key, as Java's clients do (K1a).
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;     // None: a tombstone.
  std::optional<std::int64_t> timestamp_ms;  // None: now.
  std::vector<Header> headers;
};

// The partition of a key among `partitions`, as Java's clients compute it.
std::int32_t partition_of_key(std::string_view key, std::int32_t partitions);

}  // namespace tailrace::kafka
