// Dates and times as ISO 8601 writes them, read.
//
// Units    100 ns; days since 0001-01-01.
// Threads  Functions.
// Source   ISO 8601, the extended form; java.time.OffsetDateTime.toString, which Debezium writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tailrace::intake {

struct Moment {
  std::optional<std::int64_t> days = {};
  std::optional<std::int64_t> ticks = {};    // Since midnight.
  std::optional<std::int16_t> minutes = {};  // Of the offset.
};

// 2018-07-13, 12:23:45.456, 2018-07-13T12:23+11:00, 2018-07-13T12:23:45Z. Nothing where it is none of them, or has digits behind
// the seventh of a second that are not zero.
std::optional<Moment> parse_moment(std::string_view text);

}  // namespace tailrace::intake
