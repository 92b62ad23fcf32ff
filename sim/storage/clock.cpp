// The simulated clock: the system's clock plus an atomic shift.
#include "sim/storage/clock.h"

#include <atomic>
#include <chrono>
#include <ctime>

namespace tailrace::sim {
namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t days_0001_to_1970 = 719'162;
constexpr std::int64_t days_0001_to_1900 = 693'595;
constexpr std::int64_t seconds_per_day = 86'400;

std::atomic<std::int64_t> shift_ms{0};
std::atomic<std::int64_t> zone_shift_minutes{0};

std::int64_t offset_seconds(std::int64_t utc_ticks) {
  const std::time_t seconds = utc_ticks / ticks_per_second - days_0001_to_1970 * seconds_per_day;
  std::tm local{};
  localtime_r(&seconds, &local);
  return local.tm_gmtoff + zone_shift_minutes.load() * 60;
}

}  // namespace

std::int64_t utc_ticks_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  return days_0001_to_1970 * seconds_per_day * ticks_per_second + nanoseconds / 100 +
         shift_ms.load() * 10'000;
}

std::int64_t local_ticks_now() {
  const std::int64_t utc = utc_ticks_now();
  return utc + offset_seconds(utc) * ticks_per_second;
}

std::int64_t local_datetime_now() {
  return datetime_from_ticks(local_ticks_now());
}

std::int16_t local_offset_minutes() {
  return static_cast<std::int16_t>(offset_seconds(utc_ticks_now()) / 60);
}

void set_clock_shift_ms(std::int64_t value) {
  shift_ms.store(value);
}
std::int64_t clock_shift_ms() {
  return shift_ms.load();
}
void set_zone_shift_minutes(std::int64_t minutes) {
  zone_shift_minutes.store(minutes);
}

std::int64_t datetime_from_ticks(std::int64_t ticks) {
  const std::int64_t since_1900 = ticks - days_0001_to_1900 * seconds_per_day * ticks_per_second;
  const std::int64_t scaled =
      since_1900 * 3 + ticks_per_second / 200;  // In thirds of 100 ns, half a step added.
  constexpr std::int64_t step = ticks_per_second / 100;
  return scaled >= 0 ? scaled / step : -((-scaled + step - 1) / step);
}

std::int64_t ticks_from_datetime(std::int64_t datetime) {
  // 1/300 s is 33333.3 ticks; SQL Server shows whole milliseconds (0, 3, 7), so does this.
  const std::int64_t seconds = datetime >= 0 ? datetime / 300 : -((-datetime + 299) / 300);
  const std::int64_t part = datetime - seconds * 300;
  const std::int64_t milliseconds = (part * 10 + 1) / 3;
  return days_0001_to_1900 * seconds_per_day * ticks_per_second + seconds * ticks_per_second +
         milliseconds * 10'000;
}

}  // namespace tailrace::sim
