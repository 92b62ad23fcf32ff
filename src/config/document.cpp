// Conversion of written values by the type of their setting.
#include "config/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/near_miss.h"
#include "config/references.h"
#include "config/units.h"

namespace tailrace::config {
namespace {

std::string seen(const Setting& setting, const RawValue& raw) {
  switch (raw.shape) {
    case RawValue::Shape::nothing: return "nothing";
    case RawValue::Shape::list: return "a list";
    case RawValue::Shape::map: return "a map";
    case RawValue::Shape::scalar: break;
  }
  if (setting.secret || has_reference(raw.text)) return "another value";
  return fmt::format("'{}'", raw.text);
}

Conversion unfit(const Setting& setting, const RawValue& raw) {
  return {{}, fmt::format("expected {}, got {}", expectation_of(setting), seen(setting, raw))};
}

Conversion bounded(const Setting& setting, const RawValue& raw, std::int64_t number) {
  if (number < setting.minimum || number > setting.maximum) return unfit(setting, raw);
  Conversion out;
  out.value.number = number;
  return out;
}

Conversion convert_choice(const Setting& setting, const std::string& text) {
  for (const auto& [value, reason] : setting.refused) {
    if (value == text) return {{}, fmt::format("'{}' is not served by this version: {}", value, reason)};
  }
  const auto found = std::find(setting.choices.begin(), setting.choices.end(), text);
  if (found == setting.choices.end()) {
    std::string mistake = fmt::format("expected {}, got '{}'", expectation_of(setting), text);
    if (const auto near = near_miss(text, setting.choices))
      mistake += fmt::format("; did you mean {}?", *near);
    return {{}, mistake};
  }
  Conversion out;
  out.value.text = text;
  out.value.number = found - setting.choices.begin();
  return out;
}

Conversion convert_scalar(const Setting& setting, const RawValue& raw) {
  if (raw.shape != RawValue::Shape::scalar) return unfit(setting, raw);
  Resolved resolved = resolve_references(raw.text);
  if (!resolved.mistake.empty()) return {{}, resolved.mistake};
  const std::string& text = resolved.text;
  Conversion out;
  switch (setting.type) {
    case SettingType::integer:
      if (const auto number = parse_integer(text)) return bounded(setting, raw, *number);
      return unfit(setting, raw);
    case SettingType::bytes:
      if (const auto bytes = parse_bytes(text)) {
        return bounded(setting, raw, static_cast<std::int64_t>(*bytes));
      }
      return unfit(setting, raw);
    case SettingType::duration:
      if (const auto duration = parse_duration(text)) return bounded(setting, raw, duration->count());
      return unfit(setting, raw);
    case SettingType::boolean:
      if (text != "true" && text != "false") return unfit(setting, raw);
      out.value.number = text == "true" ? 1 : 0;
      return out;
    case SettingType::choice: return convert_choice(setting, text);
    default:
      if (text.empty() && setting.required) return {{}, "is empty; expected text"};
      if (text.find('\0') != std::string::npos) return {{}, "holds a zero byte"};
      out.value.text = text;
      return out;
  }
}

Conversion convert_list(const Setting& setting, const RawValue& raw) {
  if (raw.shape != RawValue::Shape::list) return unfit(setting, raw);
  const Setting item{.name = setting.name, .secret = setting.secret};
  Conversion out;
  for (const RawValue& each : raw.items) {
    Conversion one = convert_scalar(item, each);
    if (one.mistake.empty() && one.value.text.empty()) one.mistake = "an item is empty";
    if (!one.mistake.empty()) return one;
    if (std::find(out.value.items.begin(), out.value.items.end(), one.value.text) != out.value.items.end()) {
      return {{}, fmt::format("'{}' is listed twice", one.value.text)};
    }
    out.value.items.push_back(std::move(one.value.text));
  }
  if (setting.required && out.value.items.empty())
    return {{}, "is empty; expected " + expectation_of(setting)};
  return out;
}

Conversion convert_map(const Setting& setting, const RawValue& raw) {
  if (raw.shape != RawValue::Shape::map) return unfit(setting, raw);
  const Setting item{.name = setting.name, .secret = setting.secret};
  Conversion out;
  for (const auto& [key, each] : raw.members) {
    Conversion one = convert_scalar(item, each);
    if (!one.mistake.empty()) return {{}, fmt::format("at '{}': {}", key, one.mistake)};
    out.value.pairs.emplace_back(key, std::move(one.value.text));
  }
  return out;
}

}  // namespace

std::string Entry::dotted() const {
  return fmt::format("{}", fmt::join(path, "."));
}

const std::string& Entry::chosen_key() const {
  static const std::string none;
  const std::vector<std::string> pattern = segments_of(setting->name);
  for (std::size_t i = 0; i < pattern.size() && i < path.size(); ++i) {
    if (pattern[i] == "*") return path[i];
  }
  return none;
}

Conversion convert(const Setting& setting, const RawValue& raw) {
  if (!setting.refusal.empty()) return {{}, "is not served by this version: " + setting.refusal};
  switch (setting.type) {
    case SettingType::list: return convert_list(setting, raw);
    case SettingType::map: return convert_map(setting, raw);
    default: return convert_scalar(setting, raw);
  }
}

Value fallback_value(const Setting& setting) {
  if (setting.fallback.empty() || setting.type == SettingType::list || setting.type == SettingType::map)
    return {};
  RawValue raw;
  raw.shape = RawValue::Shape::scalar;
  raw.text = setting.fallback;
  Conversion converted = convert(setting, raw);
  if (!converted.mistake.empty()) {
    throw Error(ErrorKind::internal, "the default of a setting is not valid: " + converted.mistake)
        .with("setting", setting.name);
  }
  return std::move(converted.value);
}

Document::Document(std::string file, std::vector<Setting> settings)
    : file_(std::move(file)), settings_(std::move(settings)) {}

std::vector<const Entry*> Document::find(std::string_view name) const {
  std::vector<const Entry*> out;
  for (const Entry& entry : entries_) {
    if (entry.valid && entry.setting->name == name) out.push_back(&entry);
  }
  return out;
}

bool Document::has(std::string_view name) const {
  return !find(name).empty();
}

bool Document::mentions(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [name](const Entry& entry) { return entry.setting->name == name; });
}

Value Document::read(const Entry& entry) const {
  Conversion converted = convert(*entry.setting, entry.value);
  if (!converted.mistake.empty()) {
    throw Error(ErrorKind::config,
                fmt::format("{}:{}: {}: {}", file_, entry.place.line, entry.dotted(), converted.mistake));
  }
  return std::move(converted.value);
}

Value Document::read(std::string_view name) const {
  if (const std::vector<const Entry*> found = find(name); !found.empty()) return read(*found.front());
  const auto setting = std::find_if(settings_.begin(), settings_.end(),
                                    [name](const Setting& each) { return each.name == name; });
  if (setting == settings_.end()) {
    throw Error(ErrorKind::internal, "a setting is read that no table declares").with("setting", name);
  }
  return fallback_value(*setting);
}

std::string Document::where(std::string_view name) const {
  const std::vector<const Entry*> found = find(name);
  return found.empty() ? file_ : fmt::format("{}:{}", file_, found.front()->place.line);
}

}  // namespace tailrace::config
