// Reading a moment.
#include "model/instant.h"

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"

namespace tailrace {
namespace {

constexpr std::int64_t ticks_a_second = 10'000'000;
constexpr std::size_t most_digits = 7;

class InstantReader {
 public:
  explicit InstantReader(std::string_view rest) : rest_(rest) {}

  bool done() const { return rest_.empty(); }
  // True if it was there.
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> number(std::size_t digits, int most) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(rest_[i])) return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value > most ? std::nullopt : std::optional(value);
  }
  std::optional<std::int64_t> fraction() {
    std::int64_t ticks = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && is_digit(rest_.front()) && digits < most_digits; ++digits) {
      ticks = ticks * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (; digits < most_digits; ++digits)
      ticks *= 10;
    return ticks;
  }
  // Minutes east of Greenwich.
  std::optional<int> offset() {
    if (skip("Zz")) return 0;
    const bool west = !rest_.empty() && rest_.front() == '-';
    if (!skip("+-")) return std::nullopt;
    const std::optional<int> hours = number(2, 14);
    skip(":");
    const std::optional<int> minutes = number(2, 59);
    if (!hours || !minutes) return std::nullopt;
    return (west ? -1 : 1) * (*hours * 60 + *minutes);
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
};

std::optional<std::int64_t> read_date(InstantReader& reader) {
  using namespace std::chrono;
  const std::optional<int> y = reader.number(4, 9999);
  if (!y || !reader.skip("-")) return std::nullopt;
  const std::optional<int> m = reader.number(2, 12);
  if (!m || !reader.skip("-")) return std::nullopt;
  const std::optional<int> d = reader.number(2, 31);
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (*y == 0 || !date.ok()) return std::nullopt;
  constexpr sys_days first{year(1) / January / 1};
  return std::int64_t{(sys_days(date) - first).count()} * 86'400 * ticks_a_second;
}

std::optional<std::int64_t> read_time(InstantReader& reader) {
  const std::optional<int> hours = reader.number(2, 23);
  if (!hours || !reader.skip(":")) return std::nullopt;
  const std::optional<int> minutes = reader.number(2, 59);
  if (!minutes) return std::nullopt;
  std::int64_t ticks = std::int64_t{*hours * 60 + *minutes} * 60 * ticks_a_second;
  if (!reader.skip(":")) return ticks;
  const std::optional<int> seconds = reader.number(2, 59);
  if (!seconds) return std::nullopt;
  ticks += *seconds * ticks_a_second;
  if (!reader.skip(".,")) return ticks;
  const std::optional<std::int64_t> fraction = reader.fraction();
  if (!fraction) return std::nullopt;
  return ticks + *fraction;
}

}  // namespace

std::int64_t parse_instant(std::string_view text) {
  InstantReader reader(text);
  const std::optional<std::int64_t> date = read_date(reader);
  std::optional<std::int64_t> time;
  std::optional<int> offset;
  if (date && reader.skip("Tt ")) time = read_time(reader);
  if (time && reader.done())
    throw Error(ErrorKind::config, "a time without its offset from UTC may be any of 24 hours")
        .with("text", text)
        .with("remedy",
              std::string(text) + "Z if it is UTC, else its offset: " + std::string(text) + "+01:00");
  if (time) offset = reader.offset();
  if (!offset || !reader.done())
    throw Error(ErrorKind::config,
                "not a time: expected ISO 8601 with an offset, such as 2026-11-23T10:00:00+01:00")
        .with("text", text);
  return *date + *time - std::int64_t{*offset} * 60 * ticks_a_second;
}

}  // namespace tailrace
