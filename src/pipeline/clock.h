// The wall clock in the batch's units, and the beat of loops that wait.
#pragma once

#include <chrono>
#include <cstdint>

namespace tailrace {

// A loop that has nothing to do looks after the sink (Sink::heartbeat) this often.
inline constexpr std::chrono::milliseconds heartbeat_every{500};

// Now, as 100 ns since 0001-01-01 in UTC.
inline std::int64_t now_ticks_utc() {
  using namespace std::chrono;
  constexpr std::int64_t epoch_ticks = 621'355'968'000'000'000;  // 1970-01-01 since 0001-01-01.
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count() / 100 + epoch_ticks;
}

}  // namespace tailrace
