// Replacing what names may not have.
#include "debezium/names.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "base/utf.h"

namespace tailrace::debezium {
namespace {

constexpr std::size_t longest_topic = 249;

bool is_letter(std::uint16_t unit) {
  return (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z');
}

bool is_digit(std::uint16_t unit) {
  return unit >= '0' && unit <= '9';
}

template <class Take>
void for_each_unit(std::string_view name, const Take& take) {
  const std::string units = utf16le_from_utf8(name);
  for (std::size_t i = 0; i + 1 < units.size(); i += 2) {
    const auto low = static_cast<std::uint8_t>(units[i]);
    const auto high = static_cast<std::uint8_t>(units[i + 1]);
    take(static_cast<std::uint16_t>(low | high << 8));
  }
}

// Integer.toHexString, with two zeros in front of at most two digits.
std::string escaped(std::uint16_t unit) {
  return fmt::format("_u{}{:x}", unit <= 0xff ? "00" : "", unit);
}

std::string adjusted(std::string_view name, NameAdjustment mode, bool dots) {
  if (mode == NameAdjustment::none) return std::string(name);
  const bool unicode = mode == NameAdjustment::avro_unicode;
  std::string out;
  bool is_first = true;
  for_each_unit(name, [&](std::uint16_t unit) {
    const bool starts = is_letter(unit) || (unit == '_' && !unicode);
    const bool fits = starts || (!is_first && (is_digit(unit) || (dots && unit == '.')));
    if (fits)
      out += static_cast<char>(unit);
    else
      out += unicode ? escaped(unit) : "_";
    // A digit in front keeps its own letter behind the underscore.
    if (!fits && is_first && !unicode && is_digit(unit)) out += static_cast<char>(unit);
    is_first = false;
  });
  return out;
}

}  // namespace

std::string sanitized_topic(std::string_view name) {
  std::string out;
  for_each_unit(name, [&](std::uint16_t unit) {
    const bool fits = is_letter(unit) || is_digit(unit) || unit == '.' || unit == '_' || unit == '-';
    out += fits ? static_cast<char>(unit) : '_';
  });
  if (out.size() > longest_topic) out.resize(longest_topic);
  if (out == "." || out == "..") out.assign(out.size(), '_');
  return out;
}

std::string adjusted_schema_name(std::string_view name, NameAdjustment mode) {
  return adjusted(name, mode, /*dots=*/true);
}

std::string adjusted_field_name(std::string_view name, NameAdjustment mode) {
  return adjusted(name, mode, /*dots=*/false);
}

}  // namespace tailrace::debezium
