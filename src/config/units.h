// Sizes and durations as people write them: 32MiB, 500ms, 3d.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tailrace::config {

// For the bounds of settings, whose durations are numbers of milliseconds.
inline constexpr std::int64_t minute_ms = 60'000;
inline constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

// A whole number with B, KiB, MiB, GiB or TiB. Nothing for any other text, a missing unit, an overflow.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// A whole number with ms, s, m, h or d.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// A whole number with an optional sign, nothing else around it.
std::optional<std::int64_t> parse_integer(std::string_view text);

// The shortest exact text that the parsers take back.
std::string bytes_text(std::uint64_t bytes);
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace tailrace::config
