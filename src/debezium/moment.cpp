// ISO 8601, as Java writes it.
#include "debezium/moment.h"

#include <chrono>
#include <cstdlib>

namespace tailrace::debezium {

void MomentText::put_number(std::int64_t number, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    text_[size_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  size_ += static_cast<std::size_t>(digits);
}

void MomentText::put_date(std::int64_t days) {
  using namespace std::chrono;
  const year_month_day date{sys_days{std::chrono::days{days - days_to_1970}}};
  put_number(static_cast<int>(date.year()), 4);
  put('-');
  put_number(static_cast<unsigned>(date.month()), 2);
  put('-');
  put_number(static_cast<unsigned>(date.day()), 2);
}

void MomentText::put_time(std::int64_t ticks) {
  const std::int64_t seconds = ticks / ticks_a_second;
  put_number(seconds / 3600, 2);
  put(':');
  put_number(seconds / 60 % 60, 2);
  put(':');
  put_number(seconds % 60, 2);
  std::int64_t fraction = ticks % ticks_a_second;
  if (fraction == 0) return;
  int digits = 7;
  while (fraction % 10 == 0) {
    fraction /= 10;
    --digits;
  }
  put('.');
  put_number(fraction, digits);
}

MomentText MomentText::date(std::int64_t days) {
  MomentText text;
  text.put_date(days);
  text.put('Z');
  return text;
}

MomentText MomentText::time(std::int64_t ticks) {
  MomentText text;
  text.put_time(ticks);
  text.put('Z');
  return text;
}

MomentText MomentText::timestamp(std::int64_t ticks) {
  return timestamp(ticks, 0);
}

MomentText MomentText::timestamp(std::int64_t utc_ticks, int offset_minutes) {
  const std::int64_t local = utc_ticks + offset_minutes * 60 * ticks_a_second;
  MomentText text;
  text.put_date(floor_divide(local, ticks_a_day));
  text.put('T');
  text.put_time(local - floor_divide(local, ticks_a_day) * ticks_a_day);
  if (offset_minutes == 0) {
    text.put('Z');
    return text;
  }
  text.put(offset_minutes < 0 ? '-' : '+');
  text.put_number(std::abs(offset_minutes) / 60, 2);
  text.put(':');
  text.put_number(std::abs(offset_minutes) % 60, 2);
  return text;
}

}  // namespace tailrace::debezium
