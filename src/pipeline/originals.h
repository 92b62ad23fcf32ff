// Records of Kafka as they came: for whoever keeps those that cannot be applied (errors.on_row: dead_letter).
//
// Units    Timestamps are milliseconds since 1970-01-01 UTC.
// Threads  Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/table_schema.h"

namespace tailrace {

// A key, value or header that is not there differs from an empty one.
using OptionalBytes = std::optional<std::string>;

struct OriginalRecord {
  std::int64_t offset = 0;
  std::optional<std::int64_t> timestamp_ms = {};
  OptionalBytes key = {};
  OptionalBytes value = {};
  std::vector<std::pair<std::string, OptionalBytes>> headers = {};

  std::size_t bytes() const {
    std::size_t sum = sizeof(*this) + (key ? key->size() : 0) + (value ? value->size() : 0);
    for (const auto& [name, text] : headers)
      sum += name.size() + (text ? text->size() : 0);
    return sum;
  }
};

// A record of which no row could be made.
struct UnreadableRecord {
  std::int64_t offset = 0;
  TableName table = {};  // Without a schema it is the topic: the table is not known.
  std::vector<std::optional<std::string>> key = {};  // Readable; empty: not known.
  std::string stage = {};                            // As Kafka Connect names it.
  std::string error_kind = {};                       // name_of(ErrorKind)
  std::string error = {};
};

}  // namespace tailrace
