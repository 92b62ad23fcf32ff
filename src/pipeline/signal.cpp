// The data of signals.
#include "pipeline/signal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"

namespace tailrace {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ErrorKind::config, text);
}

std::regex pattern_of(const std::string& text, std::regex::flag_type flags = {}) {
  try {
    return std::regex(text, std::regex::ECMAScript | flags);
  } catch (const std::regex_error&) {
    refuse("'" + text + "' is no regular expression");
  }
}

std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char letter) { return letter <= ' '; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

std::string text_of(const json& object, const char* member) {
  if (!object.contains(member) || object.at(member).is_null()) return "";
  if (!object.at(member).is_string()) refuse(std::string(member) + " is no text");
  return object.at(member).get<std::string>();
}

bool is_incremental(const json& data) {
  std::string type = text_of(data, "type");
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
  });
  if (type.empty() || type == "INCREMENTAL") return true;
  if (type == "BLOCKING") return false;
  refuse("'" + type + "' is no type of snapshots; expected INCREMENTAL or BLOCKING");
}

}  // namespace

SnapshotOrder parse_order(const std::string& data) {
  SnapshotOrder out;
  if (trimmed(data).empty()) return out;
  const json parsed = json::parse(data, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) refuse("its data is no JSON object");
  out.incremental = is_incremental(parsed);
  out.surrogate_key = trimmed(text_of(parsed, "surrogate-key"));
  const auto each_of = [&](const char* member, const auto& take) {
    if (!parsed.contains(member) || parsed.at(member).is_null()) return;
    if (!parsed.at(member).is_array()) refuse(std::string(member) + " is no list");
    for (const json& each : parsed.at(member))
      take(each);
  };
  each_of("data-collections", [&](const json& each) {
    if (!each.is_string()) refuse("data-collections has something that is no text");
    out.tables.push_back(trimmed(each.get<std::string>()));
  });
  each_of("additional-conditions", [&](const json& each) {
    if (!each.is_object()) refuse("additional-conditions has something that is no object");
    out.conditions.emplace_back(text_of(each, "data-collection"), trimmed(text_of(each, "filter")));
  });
  if (parsed.contains("additional-condition"))
    refuse("additional-condition is not known any more; expected additional-conditions");
  return out;
}

std::vector<std::string> matching(const std::vector<std::string>& patterns,
                                  const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& text : patterns) {
    const std::regex pattern = pattern_of(text);
    for (const std::string& name : names) {
      if (std::regex_match(name, pattern) && std::find(out.begin(), out.end(), name) == out.end())
        out.push_back(name);
    }
  }
  return out;
}

bool matches_condition(const std::string& pattern, const std::string& name) {
  return std::regex_match(name, pattern_of(pattern, std::regex::icase));
}

}  // namespace tailrace
