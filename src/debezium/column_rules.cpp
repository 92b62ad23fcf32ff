// Matching columns, and changing what they hold.
#include "debezium/column_rules.h"

#include <algorithm>

#include "base/error.h"

namespace tailrace::debezium {
namespace {

bool is_object(TypeKind kind) {
  return kind == TypeKind::geometry || kind == TypeKind::geography || kind == TypeKind::hierarchyid ||
         kind == TypeKind::sql_variant;
}

void add_source_type(ColumnRule& rule, const Column& column, const SourceType& type) {
  std::string name = type.name;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
  });
  rule.parameters.emplace_back("__debezium.source.column.type", std::move(name));
  rule.parameters.emplace_back("__debezium.source.column.length", std::to_string(type.length));
  if (type.scale) rule.parameters.emplace_back("__debezium.source.column.scale", std::to_string(*type.scale));
  rule.parameters.emplace_back("__debezium.source.column.name", column.name);
}

}  // namespace

std::regex pattern_of(const std::string& text) {
  try {
    return std::regex(text, std::regex::ECMAScript | std::regex::icase);
  } catch (const std::regex_error&) {
    throw Error(ErrorKind::config, "a pattern of target.events is no regular expression")
        .with("pattern", text);
  }
}

std::string_view first_units(std::string_view text, std::size_t units) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    const std::size_t taken = bytes == 4 ? 2 : 1;
    if (taken > units) break;
    units -= taken;
    at = std::min(at + bytes, text.size());
  }
  return text.substr(0, at);
}

std::string ColumnChange::text(std::string_view value) const {
  if (mask) return *mask;
  const std::string changed = hash ? hash->of(value) : std::string(value);
  return most ? std::string(first_units(changed, *most)) : changed;
}

std::string_view ColumnChange::bytes(std::string_view value) const {
  return most ? value.substr(0, *most) : value;
}

ColumnRules::ColumnRules(const TableSchema& table, const EventSettings& settings)
    : table_(table.name.str() + "."), database_(settings.database + ".") {
  for (const ColumnLength& rule : settings.masked)
    masked_.emplace_back(pattern_of(rule.columns), rule.characters);
  for (const auto& [name, rule] : settings.hashed) {
    for (const std::string& columns : rule.columns)
      hashed_.emplace_back(pattern_of(columns), rule);
  }
  for (const ColumnLength& rule : settings.truncated)
    truncated_.emplace_back(pattern_of(rule.columns), rule.characters);
  for (const std::string& columns : settings.typed_columns)
    typed_columns_.push_back(pattern_of(columns));
  for (const std::string& types : settings.typed_data_types)
    typed_data_types_.push_back(pattern_of(types));
}

bool ColumnRules::matches(const std::regex& pattern, const std::string& name) const {
  return std::regex_match(database_ + table_ + name, pattern) || std::regex_match(table_ + name, pattern);
}

bool ColumnRules::matches_any(const std::vector<std::regex>& patterns, const std::string& name) const {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::regex& pattern) { return matches(pattern, name); });
}

template <class Rule>
const Rule* ColumnRules::find(const std::vector<std::pair<std::regex, Rule>>& rules,
                              const std::string& column) const {
  for (const auto& [pattern, rule] : rules) {
    if (matches(pattern, column)) return &rule;
  }
  return nullptr;
}

// Debezium takes the first that matches of truncation, mask, source type, hash: a column whose type is told is not hashed any more.
// Here nothing keeps a mask or a hash from what it was asked for.
void ColumnRules::add_change(ColumnRule& rule, const Column& column, const SourceType& type,
                             ShownAs shown) const {
  const bool is_masked_text = is_maskable(type) || (shown == ShownAs::text && is_object(column.type.kind));
  ColumnChange change{.null_is_changed = !column.nullable};
  if (const std::int32_t* const characters = find(masked_, column.name)) {
    rule.parameters.emplace_back("masked", "true");
    if (!is_masked_text) return;
    change.mask = std::string(static_cast<std::size_t>(*characters), '*');
  } else if (const ColumnHash* const hash = find(hashed_, column.name)) {
    rule.parameters.emplace_back("masked", "true");
    if (!is_masked_text) return;
    change.hash = std::make_shared<TextHash>(*hash);
    change.most = static_cast<std::size_t>(type.length);
  } else if (const std::int32_t* const most = find(truncated_, column.name)) {
    if (type.length <= *most) return;
    rule.parameters.emplace_back("truncateLength", std::to_string(*most));
    if (shown == ShownAs::other) return;
    change.most = static_cast<std::size_t>(*most);
  } else {
    return;
  }
  rule.change = std::make_shared<const ColumnChange>(std::move(change));
}

ColumnRule ColumnRules::rule_of(const Column& column, ShownAs shown) const {
  ColumnRule rule;
  const SourceType type = source_type_of(column);
  add_change(rule, column, type, shown);
  if (matches_any(typed_columns_, column.name) || matches_any(typed_data_types_, type.name))
    add_source_type(rule, column, type);
  return rule;
}

}  // namespace tailrace::debezium
