// Reads a pipeline's YAML file against a table of settings; every mistake is reported, together, with its line.
//
// Errors   config: one Error whose message lists file:line, key, what was expected, and a near miss.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/setting.h"

namespace tailrace::config {

// What is wrong between keys: a contradiction, or a combination that this version does not serve.
struct Complaint {
  std::string name;              // The setting at whose line it is reported.
  std::string message;           // What contradicts what, and what to do.
  const Entry* entry = nullptr;  // Where one entry of several is meant.
};

// Looks at what is valid in a document; single values that are not are reported besides.
using Rule = std::function<void(const Document& document, std::vector<Complaint>& complaints)>;

struct Table {
  std::vector<Setting> settings;
  std::vector<Rule> rules;

  void add(const Table& other);
};

Document load_file(const std::string& path, const Table& table);
// The same for text that is already here; `file` is what messages call it.
Document load_text(const std::string& text, const std::string& file, const Table& table);

}  // namespace tailrace::config
