// What becomes of columns in events: masks, hashes, beginnings, source types.
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <regex>

#include "debezium/column_hash.h"
#include "debezium/settings_table_internal.h"

namespace tailrace::debezium {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::Entry;
using config::SettingType;

constexpr std::int32_t most_characters = 1'000'000;

std::optional<std::int32_t> characters_of(const std::string& text) {
  std::int32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc() || at != end || number < 0 || number > most_characters) return std::nullopt;
  return number;
}

std::vector<ColumnLength> lengths_of(const config::Value& value) {
  std::vector<ColumnLength> out;
  for (const auto& [columns, text] : value.pairs)
    out.push_back({columns, characters_of(text).value_or(0)});
  return out;
}

std::vector<Binding<EventSettings>> hash_bindings(const std::string& prefix) {
  const std::string group = prefix + ".hashed_columns.*.";
  return {
      bind<EventSettings>(
          {.name = group + "columns",
           .type = SettingType::list,
           .help = "Columns of text whose values events have as their hash, by regular expressions of "
                   "schema.table.column (column.mask.hash). The key of a record has them as they are; NULL "
                   "stays NULL.",
           .example = "[dbo.people.email]"},
          [](EventSettings & s, const std::string& name) -> auto& { return s.hashed[name].columns; }),
      bind<EventSettings>(
          {.name = group + "algorithm",
           .help = "The hash: MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512, SHA-512/224, SHA-512/256, "
                   "SHA3-224 to "
                   "SHA3-512. It is cut to the column's length.",
           .fallback = "SHA-256",
           .example = "SHA-512"},
          [](EventSettings & s, const std::string& name) -> auto& { return s.hashed[name].algorithm; }),
      bind<EventSettings>(
          {.name = group + "salt",
           .help = "What is hashed before the value: without it everybody could try values out.",
           .example = "${env:TAILRACE_SALT}",
           .secret = true},
          [](EventSettings & s, const std::string& name) -> auto& { return s.hashed[name].salt; }),
      bind<EventSettings>(
          {.name = group + "form",
           .type = SettingType::choice,
           .help = "v2 hashes the text's UTF-8, as column.mask.hash.v2 does; v1 what Java's serialization "
                   "writes of it, "
                   "as column.mask.hash does.",
           .fallback = "v2",
           .choices = {"v2", "v1"}},
          [](EventSettings & s, const std::string& name) -> auto& { return s.hashed[name].form; }),
  };
}

void check_lengths(const std::string& name, const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has(name)) return;
  for (const auto& [columns, characters] : document.read(name).pairs) {
    check_pattern(name, columns, nullptr, complaints);
    if (characters_of(characters)) continue;
    complaints.push_back(
        {name, fmt::format("\"{}\" is no number of characters, 0 to {}", characters, most_characters),
         nullptr});
  }
}

void check_hashes(const std::string& group, const Document& document, std::vector<Complaint>& complaints) {
  std::map<std::string, std::pair<const Entry*, const Entry*>> parts;  // columns, salt
  for (const Entry* entry : document.find(group + "columns")) {
    parts[entry->chosen_key()].first = entry;
    for (const std::string& columns : document.read(*entry).items)
      check_pattern(entry->setting->name, columns, entry, complaints);
  }
  for (const Entry* entry : document.find(group + "salt"))
    parts[entry->chosen_key()].second = entry;
  for (const Entry* entry : document.find(group + "algorithm")) {
    parts.try_emplace(entry->chosen_key());
    const std::string name = document.read(*entry).text;
    if (is_known_digest(name)) continue;
    complaints.push_back({entry->setting->name, fmt::format("\"{}\" is no hash that is known", name), entry});
  }
  for (const auto& [name, entries] : parts) {
    if (entries.first != nullptr && entries.second != nullptr) continue;
    complaints.push_back({group + (entries.first == nullptr ? "columns" : "salt"),
                          fmt::format("is missing for {}", name),
                          entries.first ? entries.first : entries.second});
  }
}

}  // namespace

void check_pattern(const std::string& setting, const std::string& text, const Entry* entry,
                   std::vector<Complaint>& complaints) {
  try {
    const std::regex pattern(text, std::regex::ECMAScript | std::regex::icase);
  } catch (const std::regex_error&) {
    complaints.push_back({setting, fmt::format("\"{}\" is no regular expression", text), entry});
  }
}

std::vector<Binding<EventSettings>> column_bindings(const std::string& prefix) {
  std::vector<Binding<EventSettings>> all{
      {{.name = prefix + ".masked_columns",
        .type = SettingType::map,
        .help = "Columns of text that events have as so many asterisks, NULL too, by a regular expression of "
                "schema.table.column (column.mask.with.<n>.chars). The key of a record has them as they are.",
        .example = "{ dbo.people.ssn: 9 }"},
       [](EventSettings& s, const std::string&, const config::Value& value) {
         s.masked = lengths_of(value);
       }},
      {{.name = prefix + ".truncated_columns",
        .type = SettingType::map,
        .help = "Columns of text or bytes of which events have so many characters at the most "
                "(column.truncate.to.<n>.chars).",
        .example = "{ dbo.notes.body: 80 }"},
       [](EventSettings& s, const std::string&, const config::Value& value) {
         s.truncated = lengths_of(value);
       }},
      bind<EventSettings>(
          {.name = prefix + ".typed_columns",
           .type = SettingType::list,
           .help =
               "Columns whose type at the source stands in the events' schemas, by regular expressions of "
               "schema.table.column (column.propagate.source.type): what reads the topics can make the same "
               "columns.",
           .example = "['.*']"},
          [](EventSettings & s) -> auto& { return s.typed_columns; }),
      bind<EventSettings>(
          {.name = prefix + ".typed_data_types",
           .type = SettingType::list,
           .help =
               "The same of all columns of a type, by regular expressions of schema.table.type "
               "(datatype.propagate.source.type); an identity is of a type of its own, as `int identity`.",
           .example = "['.*\\.nvarchar']"},
          [](EventSettings & s) -> auto& { return s.typed_data_types; }),
  };
  const auto hashes = hash_bindings(prefix);
  all.insert(all.end(), hashes.begin(), hashes.end());
  return all;
}

void check_columns(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  for (const char* name : {".masked_columns", ".truncated_columns"})
    check_lengths(prefix + name, document, complaints);
  for (const char* name : {".typed_columns", ".typed_data_types"}) {
    if (!document.has(prefix + name)) continue;
    for (const std::string& text : document.read(prefix + name).items)
      check_pattern(prefix + name, text, nullptr, complaints);
  }
  check_hashes(prefix + ".hashed_columns.*.", document, complaints);
}

}  // namespace tailrace::debezium
