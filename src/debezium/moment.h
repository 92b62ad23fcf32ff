// Days and ticks as other counts, and as ISO 8601.
//
// Units   Days and ticks (100 ns) since 0001-01-01, ticks since midnight, as cells have them.
// Source  java.time.format.DateTimeFormatter: ISO_OFFSET_DATE, ISO_OFFSET_TIME, ISO_OFFSET_DATE_TIME.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tailrace::debezium {

constexpr std::int64_t ticks_a_second = 10'000'000;
constexpr std::int64_t ticks_a_day = 86'400 * ticks_a_second;
constexpr std::int64_t days_to_1970 = 719'162;
constexpr std::int64_t ticks_to_1970 = days_to_1970 * ticks_a_day;

// Rounded towards the past, as Java does.
constexpr std::int64_t floor_divide(std::int64_t number, std::int64_t by) {
  return number / by - (number % by < 0 ? 1 : 0);
}

// Nanoseconds since 1970; nothing beyond 64 bits (1677-09-21 to 2262-04-11).
constexpr std::optional<std::int64_t> nanoseconds_of(std::int64_t ticks) {
  constexpr std::int64_t most = INT64_MAX / 100;
  const std::int64_t since = ticks - ticks_to_1970;
  if (since > most || since < -most) return {};
  return since * 100;
}

// A text in its own memory: YYYY-MM-DDThh:mm:ss.fffffff+hh:mm at the most.
class MomentText {
 public:
  static MomentText date(std::int64_t days);        // 2019-02-03Z
  static MomentText time(std::int64_t ticks);       // 10:11:12.5Z
  static MomentText timestamp(std::int64_t ticks);  // 2019-02-03T10:11:12Z
  static MomentText timestamp(std::int64_t utc_ticks, int offset_minutes);

  std::string_view view() const { return {text_, size_}; }

 private:
  void put_number(std::int64_t number, int digits);
  void put_date(std::int64_t days);
  void put_time(std::int64_t ticks);
  void put(char letter) { text_[size_++] = letter; }

  char text_[40];
  std::size_t size_ = 0;
};

}  // namespace tailrace::debezium
