// YAML into a Document: one walk that collects mistakes instead of stopping at the first.
#include "config/loader.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "config/near_miss.h"

namespace tailrace::config {
namespace {

using Path = std::vector<std::string>;

struct Mistake {
  Place place;
  std::string text;
};

Place place_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

bool matches(const Path& pattern, const Path& path, std::size_t length) {
  if (pattern.size() < length) return false;
  for (std::size_t i = 0; i < length; ++i) {
    if (pattern[i] != "*" && pattern[i] != path[i]) return false;
  }
  return true;
}

class Walk {
 public:
  Walk(Document& document, const Table& table) : document_(document), table_(table) {
    for (const Setting& setting : document.settings())
      patterns_.push_back(segments_of(setting.name));
  }

  void section(const YAML::Node& node, const Path& path);
  void missing();
  void strangers();
  void contradictions();
  std::vector<Mistake>& mistakes() { return mistakes_; }

 private:
  void member(const YAML::Node& key, const YAML::Node& value, const Path& path);
  void leaf(const Setting& setting, const Path& path, const YAML::Node& key, const YAML::Node& value);
  void unknown(const Path& path, Place place);
  std::string hint(const Path& path) const;
  const Setting* find(const Path& path) const;
  bool is_section(const Path& path) const;
  bool is_stranger(const Setting& setting) const;
  std::vector<std::string> known_below(const Path& path) const;
  RawValue raw(const YAML::Node& node, const Path& path);
  // Keys of one map, checked for being text and for standing there once.
  bool usable_key(const YAML::Node& key, std::set<std::string>& names, const Path& path);
  void add(Place place, const Path& path, const std::string& text);

  Document& document_;
  const Table& table_;
  std::vector<Path> patterns_;
  std::vector<Mistake> mistakes_;
  std::vector<std::pair<Path, Place>> sections_;
  std::vector<Path> refused_;  // Sections of which a refused choice has been said; no more is said of them.
};

void Walk::add(Place place, const Path& path, const std::string& text) {
  mistakes_.push_back({place, path.empty() ? text : fmt::format("{}: {}", fmt::join(path, "."), text)});
}

const Setting* Walk::find(const Path& path) const {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (patterns_[i].size() == path.size() && matches(patterns_[i], path, path.size())) {
      return &document_.settings()[i];
    }
  }
  return nullptr;
}

bool Walk::is_section(const Path& path) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&path](const Path& pattern) {
    return pattern.size() > path.size() && matches(pattern, path, path.size());
  });
}

std::vector<std::string> Walk::known_below(const Path& path) const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const Path& pattern = patterns_[i];
    if (pattern.size() <= path.size() || !matches(pattern, path, path.size())) continue;
    if (!document_.settings()[i].refusal.empty()) continue;
    const std::string& name = pattern[path.size()];
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

std::string Walk::hint(const Path& path) const {
  const std::string& written = path.back();
  const Path parent(path.begin(), path.end() - 1);
  if (const auto near = near_miss(written, known_below(parent))) {
    Path meant = parent;
    meant.push_back(*near);
    return fmt::format("; did you mean {}?", fmt::join(meant, "."));
  }
  for (const Setting& setting : document_.settings()) {
    if (setting.refusal.empty() && segments_of(setting.name).back() == written) {
      return fmt::format("; did you mean {}?", setting.name);
    }
  }
  if (written.find('.') != std::string::npos && find(segments_of(written)) != nullptr) {
    return "; settings are nested: write one level below the other";
  }
  return fmt::format("; known here: {}", fmt::join(known_below(parent), ", "));
}

void Walk::unknown(const Path& path, Place place) {
  add(place, path, "unknown setting" + hint(path));
}

bool Walk::usable_key(const YAML::Node& key, std::set<std::string>& names, const Path& path) {
  if (!key.IsScalar()) {
    add(place_of(key.Mark()), path, "a key must be text");
    return false;
  }
  if (!names.insert(key.Scalar()).second) {
    Path whole = path;
    whole.push_back(key.Scalar());
    add(place_of(key.Mark()), whole, "stands here a second time; keep one");
    return false;
  }
  return true;
}

void Walk::section(const YAML::Node& node, const Path& path) {
  if (node.IsNull()) return;
  if (!node.IsMap()) {
    add(place_of(node.Mark()), path,
        fmt::format("expected a section with {}, got {}", fmt::join(known_below(path), ", "),
                    node.IsSequence() ? "a list" : "a single value"));
    return;
  }
  sections_.emplace_back(path, place_of(node.Mark()));
  std::set<std::string> names;
  for (const auto& pair : node) {
    if (usable_key(pair.first, names, path)) member(pair.first, pair.second, path);
  }
}

void Walk::member(const YAML::Node& key, const YAML::Node& value, const Path& path) {
  Path whole = path;
  whole.push_back(key.Scalar());
  if (const Setting* setting = find(whole)) {
    leaf(*setting, whole, key, value);
  } else if (is_section(whole)) {
    section(value, whole);
  } else {
    unknown(whole, place_of(key.Mark()));
  }
}

RawValue Walk::raw(const YAML::Node& node, const Path& path) {
  RawValue out;
  out.place = place_of(node.Mark());
  if (node.IsScalar()) {
    out.shape = RawValue::Shape::scalar;
    out.text = node.Scalar();
  } else if (node.IsSequence()) {
    out.shape = RawValue::Shape::list;
    for (const YAML::Node& each : node)
      out.items.push_back(raw(each, path));
  } else if (node.IsMap()) {
    out.shape = RawValue::Shape::map;
    std::set<std::string> names;
    for (const auto& pair : node) {
      if (usable_key(pair.first, names, path))
        out.members.emplace_back(pair.first.Scalar(), raw(pair.second, path));
    }
  }
  return out;
}

void Walk::leaf(const Setting& setting, const Path& path, const YAML::Node& key, const YAML::Node& value) {
  Entry entry{&setting, path, raw(value, path), place_of(key.Mark())};
  const Conversion converted = convert(setting, entry.value);
  entry.valid = converted.mistake.empty();
  if (!converted.mistake.empty()) {
    add(entry.place, path, converted.mistake);
    const bool refused = std::any_of(setting.refused.begin(), setting.refused.end(),
                                     [&](const auto& each) { return each.first == entry.value.text; });
    if (refused && path.size() > 1) refused_.emplace_back(path.begin(), path.end() - 1);
  }
  document_.add(std::move(entry));
}

// Of another choice than the one that is made.
bool Walk::is_stranger(const Setting& setting) const {
  const auto& [chosen, value] = setting.belongs_to;
  return !chosen.empty() && document_.has(chosen) && document_.read(chosen).text != value;
}

void Walk::strangers() {
  for (const Entry& entry : document_.entries()) {
    if (!is_stranger(*entry.setting)) continue;
    const auto& [chosen, value] = entry.setting->belongs_to;
    add(entry.place, entry.path,
        fmt::format("belongs to {}: {}; it is {} here", chosen, value, document_.read(chosen).text));
  }
}

void Walk::missing() {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const Setting& setting = document_.settings()[i];
    if (!setting.required || document_.mentions(setting.name) || is_stranger(setting)) continue;
    // Reported where the innermost section that exists begins.
    Place place{1, 1};
    std::size_t depth = 0;
    for (const auto& [path, section_place] : sections_) {
      if (path.size() >= depth && path.size() < patterns_[i].size() &&
          matches(patterns_[i], path, path.size())) {
        place = section_place;
        depth = path.size();
      }
    }
    add(place, patterns_[i],
        fmt::format("is missing; expected {}{}", expectation_of(setting),
                    setting.example.empty() ? "" : fmt::format(", for example {}", setting.example)));
  }
  // What is missing or unknown beside a choice that is refused anyway would only hide the reason.
  for (const Path& path : refused_) {
    const std::string prefix = fmt::format("{}.", fmt::join(path, "."));
    std::erase_if(mistakes_, [&prefix](const Mistake& each) {
      return each.text.rfind(prefix, 0) == 0 &&
             each.text.find("is not served by this version") == std::string::npos;
    });
  }
}

void Walk::contradictions() {
  std::vector<Complaint> complaints;
  for (const Rule& rule : table_.rules)
    rule(document_, complaints);
  for (const Complaint& complaint : complaints) {
    const std::vector<const Entry*> found = document_.find(complaint.name);
    const Entry* const entry = complaint.entry != nullptr ? complaint.entry
                               : found.empty()            ? nullptr
                                                          : found.front();
    add(entry != nullptr ? entry->place : Place{1, 1},
        entry != nullptr ? entry->path : segments_of(complaint.name), complaint.message);
  }
}

[[noreturn]] void report(const std::string& file, std::vector<Mistake>& mistakes) {
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.place.line < b.place.line; });
  std::string message;
  if (mistakes.size() > 1) message = fmt::format("{} has {} mistakes:", file, mistakes.size());
  for (const Mistake& mistake : mistakes) {
    if (!message.empty()) message += "\n  ";
    message += fmt::format("{}:{}: {}", file, mistake.place.line, mistake.text);
  }
  throw Error(ErrorKind::config, message).with("file", file);
}

YAML::Node parse(const std::string& text, const std::string& file) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      throw Error(ErrorKind::config,
                  fmt::format("{}:{}: a second document begins here; expected one pipeline in a file", file,
                              documents[1].Mark().line + 1))
          .with("file", file);
    }
    if (documents.empty() || documents.front().IsNull()) {
      throw Error(
          ErrorKind::config,
          fmt::format("{}: the file is empty; expected a pipeline's settings (docs/configuration.md)", file))
          .with("file", file);
    }
    return documents.front();
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::config,
                fmt::format("{}:{}:{}: this is not valid YAML: {}; mend the file at or just above this line",
                            file, error.mark.line + 1, error.mark.column + 1, error.msg))
        .with("file", file);
  }
}

}  // namespace

void Table::add(const Table& other) {
  settings.insert(settings.end(), other.settings.begin(), other.settings.end());
  rules.insert(rules.end(), other.rules.begin(), other.rules.end());
}

Document load_text(const std::string& text, const std::string& file, const Table& table) {
  const YAML::Node root = parse(text, file);
  Document document(file, table.settings);
  Walk walk(document, table);
  walk.section(root, {});
  walk.strangers();
  walk.contradictions();
  walk.missing();
  if (!walk.mistakes().empty()) report(file, walk.mistakes());
  return document;
}

Document load_file(const std::string& path, const Table& table) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad()) {
    throw Error(ErrorKind::config,
                fmt::format("the configuration file {} cannot be read: {}", path, std::strerror(errno)))
        .with("file", path);
  }
  return load_text(text.str(), path, table);
}

}  // namespace tailrace::config
