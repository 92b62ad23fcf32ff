// Parsing and printing of sizes and durations.
#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace tailrace::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 5> byte_units{{{"TiB", std::int64_t{1} << 40},
                                          {"GiB", std::int64_t{1} << 30},
                                          {"MiB", std::int64_t{1} << 20},
                                          {"KiB", std::int64_t{1} << 10},
                                          {"B", 1}}};
constexpr std::array<Unit, 5> time_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const char* const end = text.data() + text.size();
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const auto found =
      std::find_if(units.begin(), units.end(), [unit](const Unit& each) { return each.name == unit; });
  if (found == units.end()) return std::nullopt;
  if (number > std::numeric_limits<std::int64_t>::max() / found->factor) return std::nullopt;
  return number * found->factor;
}

template <std::size_t N>
std::string with_unit(std::int64_t number, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) return fmt::format("{}{}", number / unit.factor, unit.name);
  }
  return fmt::format("0{}", units.back().name);
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::optional<std::int64_t> parsed = parse_with_unit(text, byte_units);
  if (!parsed) return std::nullopt;
  return static_cast<std::uint64_t>(*parsed);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::optional<std::int64_t> parsed = parse_with_unit(text, time_units);
  if (!parsed) return std::nullopt;
  return std::chrono::milliseconds(*parsed);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

std::string bytes_text(std::uint64_t bytes) {
  return with_unit(static_cast<std::int64_t>(bytes), byte_units);
}

std::string duration_text(std::chrono::milliseconds duration) {
  return with_unit(duration.count(), time_units);
}

}  // namespace tailrace::config
