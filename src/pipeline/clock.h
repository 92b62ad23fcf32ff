// The wall clock in the batch's units, and the beat of loops that wait.
#pragma once

#include <chrono>
#include <cstdint>

namespace tailrace {

// A loop that has nothing to do looks after the sink (Sink::heartbeat) this often.
inline constexpr std::chrono::milliseconds heartbeat_every{500};

// 100 ns from 0001-01-01 to 1970-01-01.
inline constexpr std::int64_t unix_epoch_ticks = 621'355'968'000'000'000;

// Now, in UTC: since 1970, as Kafka and Debezium count, and as 100 ns since 0001-01-01.
inline std::int64_t now_unix_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}
inline std::int64_t now_unix_ms() {
  return now_unix_ns() / 1'000'000;
}
inline std::int64_t now_ticks_utc() {
  return now_unix_ns() / 100 + unix_epoch_ticks;
}

}  // namespace tailrace
