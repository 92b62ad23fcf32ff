// A setting as data: what the loader checks, `--help` shows and docs/configuration.md lists.
//
// Shape    Each module declares its settings once, in its own settings_table.cpp. A `*` in a name stands for
//          a key that the user chooses (a table's name); it matches one segment, dots and all.
// Units    Bounds are in the unit of the type: integers as they are, bytes, durations in milliseconds.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailrace::config {

enum class SettingType { text, integer, bytes, duration, boolean, choice, list, map };

struct Setting {
  std::string name = {};  // source.host, tables.settings.*.key
  SettingType type = SettingType::text;
  std::string help = {};      // One sentence or two.
  std::string fallback = {};  // As it would stand in the file; empty: none.
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> choices = {};
  // Values that the design knows and this version does not serve, each with the reason.
  std::vector<std::pair<std::string, std::string>> refused = {};
  // The same for the whole setting; such a setting is not listed in the reference.
  std::string refusal = {};
  // A choice that it belongs to, as a setting and its value: with another value it is a mistake, and never required.
  std::pair<std::string, std::string> belongs_to = {};
  std::string example = {};
  bool required = false;
  bool secret = false;
  bool needs_restart = true;
};

std::vector<std::string> segments_of(std::string_view dotted_name);
// What the user may write, for messages and the reference: "a duration such as 500ms, 1s to 60s".
std::string expectation_of(const Setting& setting);

// A value as the file has it, resolved, checked and converted.
struct Value {
  std::string text;         // text, choice
  std::int64_t number = 0;  // integer, bytes, duration in ms, boolean as 0 and 1, index of a choice
  std::vector<std::string> items;
  std::vector<std::pair<std::string, std::string>> pairs;
};

}  // namespace tailrace::config
