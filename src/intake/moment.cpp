// Reading ISO 8601 from left to right.
#include "intake/moment.h"

#include <chrono>

namespace tailrace::intake {
namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr int tick_digits = 7;

class Reading {
 public:
  explicit Reading(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char next() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char wanted) {
    if (next() != wanted || at_end()) return false;
    ++at_;
    return true;
  }
  // Exactly so many digits.
  std::optional<int> number(int digits) {
    int out = 0;
    for (int i = 0; i < digits; ++i) {
      if (next() < '0' || next() > '9') return std::nullopt;
      out = out * 10 + (text_[at_++] - '0');
    }
    return out;
  }
  // Behind a point.
  std::optional<std::int64_t> fraction() {
    std::int64_t out = 0;
    int digits = 0;
    for (; next() >= '0' && next() <= '9'; ++at_, ++digits) {
      if (digits < tick_digits) {
        out = out * 10 + (next() - '0');
      } else if (next() != '0') {
        return std::nullopt;
      }
    }
    if (digits == 0) return std::nullopt;
    for (; digits < tick_digits; ++digits)
      out *= 10;
    return out;
  }
  bool starts_with_time() const { return text_.size() > at_ + 2 && text_[at_ + 2] == ':'; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::int64_t> read_date(Reading& in) {
  namespace chrono = std::chrono;
  const std::optional<int> year = in.number(4);
  if (!year || !in.take('-')) return std::nullopt;
  const std::optional<int> month = in.number(2);
  if (!month || !in.take('-')) return std::nullopt;
  const std::optional<int> day = in.number(2);
  if (!day || *year < 1) return std::nullopt;
  const chrono::year_month_day date{chrono::year{*year}, chrono::month{static_cast<unsigned>(*month)},
                                    chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  constexpr chrono::sys_days first{chrono::year{1} / chrono::January / 1};
  return (chrono::sys_days{date} - first).count();
}

std::optional<std::int64_t> read_time(Reading& in) {
  const std::optional<int> hour = in.number(2);
  if (!hour || *hour > 23 || !in.take(':')) return std::nullopt;
  const std::optional<int> minute = in.number(2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t ticks = (*hour * 60LL + *minute) * 60 * ticks_per_second;
  if (!in.take(':')) return ticks;  // Java leaves out what is zero.
  const std::optional<int> second = in.number(2);
  if (!second || *second > 59) return std::nullopt;
  ticks += *second * ticks_per_second;
  if (!in.take('.')) return ticks;
  const std::optional<std::int64_t> fraction = in.fraction();
  if (!fraction) return std::nullopt;
  return ticks + *fraction;
}

std::optional<std::int16_t> read_offset(Reading& in) {
  if (in.take('Z')) return std::int16_t{0};
  const bool is_west = in.next() == '-';
  if (!in.take('-') && !in.take('+')) return std::nullopt;
  const std::optional<int> hours = in.number(2);
  if (!hours || *hours > 18) return std::nullopt;
  in.take(':');
  const std::optional<int> minutes = in.number(2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int sum = *hours * 60 + *minutes;
  return static_cast<std::int16_t>(is_west ? -sum : sum);
}

}  // namespace

std::optional<Moment> parse_moment(std::string_view text) {
  Reading in(text);
  Moment out;
  if (!in.starts_with_time()) {
    out.days = read_date(in);
    if (!out.days) return std::nullopt;
    if (in.take('T') || in.take(' ')) {
      out.ticks = read_time(in);
      if (!out.ticks) return std::nullopt;
    }
  } else {
    out.ticks = read_time(in);
    if (!out.ticks) return std::nullopt;
  }
  if (!in.at_end()) {
    out.minutes = read_offset(in);
    if (!out.minutes || !in.at_end()) return std::nullopt;
  }
  return out;
}

}  // namespace tailrace::intake
