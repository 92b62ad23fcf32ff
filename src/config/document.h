// A loaded configuration file: every known key with its value as written and its line.
//
// Shape    Values are kept as text and converted when read, because references (references.h) are resolved
//          anew at each reading. load() has read everything once, so a later read fails only where a
//          reference's target has changed.
// Errors   config, with file, line and key.
// Threads  Immutable once loaded; may be read from any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/setting.h"

namespace tailrace::config {

struct Place {
  int line = 0;  // From 1.
  int column = 0;
};

// A value as the file has it: one scalar, a list or a map.
struct RawValue {
  enum class Shape { nothing, scalar, list, map };
  Shape shape = Shape::nothing;
  std::string text;
  std::vector<RawValue> items;                            // list
  std::vector<std::pair<std::string, RawValue>> members;  // map
  Place place;
};

struct Entry {
  const Setting* setting = nullptr;
  std::vector<std::string> path;
  RawValue value;
  Place place;        // Of the key.
  bool valid = true;  // False while loading, where the value is a mistake that is reported anyway.

  std::string dotted() const;
  // What stands in the place of the `*`.
  const std::string& chosen_key() const;
};

// A value, or what is wrong with it: "expected ..., got ...". Secrets are never quoted.
struct Conversion {
  Value value;
  std::string mistake;
};
Conversion convert(const Setting& setting, const RawValue& raw);
// The same for a setting's fallback, which is written in one line.
Value fallback_value(const Setting& setting);

class Document {
 public:
  Document(std::string file, std::vector<Setting> settings);
  // Entries point to the settings: a document moves, it is not copied.
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;

  const std::string& file() const { return file_; }
  const std::vector<Setting>& settings() const { return settings_; }
  const std::vector<Entry>& entries() const { return entries_; }

  bool has(std::string_view name) const;
  // Whether the file has it at all, be its value valid or not.
  bool mentions(std::string_view name) const;
  // The valid entries of one setting: at most one without a `*` in its name.
  std::vector<const Entry*> find(std::string_view name) const;
  // The value of an entry now. Throws config.
  Value read(const Entry& entry) const;
  // The value of a setting without a `*`: the entry's, else the fallback.
  Value read(std::string_view name) const;
  // "shop.yaml:12", for messages about a key; the file alone where the key is not in it.
  std::string where(std::string_view name) const;

  void add(Entry entry) { entries_.push_back(std::move(entry)); }

 private:
  std::string file_;
  std::vector<Setting> settings_;
  std::vector<Entry> entries_;
};

}  // namespace tailrace::config
