// Names and expectations of settings, in words.
#include "config/setting.h"

#include <fmt/format.h>

#include "config/units.h"

namespace tailrace::config {
namespace {

std::string bound_text(SettingType type, std::int64_t bound) {
  if (type == SettingType::bytes) return bytes_text(static_cast<std::uint64_t>(bound));
  if (type == SettingType::duration) return duration_text(std::chrono::milliseconds(bound));
  return std::to_string(bound);
}

std::string range_text(const Setting& setting) {
  const bool low = setting.minimum != std::numeric_limits<std::int64_t>::min();
  const bool high = setting.maximum != std::numeric_limits<std::int64_t>::max();
  if (low && high) {
    return fmt::format(", {} to {}", bound_text(setting.type, setting.minimum),
                       bound_text(setting.type, setting.maximum));
  }
  if (low) return fmt::format(", at least {}", bound_text(setting.type, setting.minimum));
  if (high) return fmt::format(", at most {}", bound_text(setting.type, setting.maximum));
  return {};
}

}  // namespace

std::vector<std::string> segments_of(std::string_view dotted_name) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t dot = dotted_name.find('.');
    out.emplace_back(dotted_name.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    dotted_name.remove_prefix(dot + 1);
  }
}

std::string expectation_of(const Setting& setting) {
  switch (setting.type) {
    case SettingType::text: return "text";
    case SettingType::integer: return "a whole number" + range_text(setting);
    case SettingType::bytes: return "a size such as 32MiB" + range_text(setting);
    case SettingType::duration: return "a duration such as 500ms, 30s or 3d" + range_text(setting);
    case SettingType::boolean: return "true or false";
    case SettingType::choice: return "one of " + fmt::format("{}", fmt::join(setting.choices, ", "));
    case SettingType::list: return "a list such as [a, b]";
    case SettingType::map: return "a map such as { a: b }";
  }
  return "a value";
}

}  // namespace tailrace::config
