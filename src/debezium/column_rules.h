// Which of the settings are about a column, and what they make of its values.
//
// Shape    The patterns are compiled once for a table.
// Errors   config: a pattern that is no regular expression.
// Threads  One thread each.
// Source   Debezium 3.6: ColumnMappers, MaskStrings, TruncateColumn, PropagateSourceMetadataToSchemaParameter.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "debezium/column_hash.h"
#include "debezium/settings.h"
#include "debezium/source_type.h"
#include "model/table_schema.h"

namespace tailrace::debezium {

// What becomes of a column's texts and bytes.
struct ColumnChange {
  std::optional<std::string> mask = {};  // Instead of whatever it is, NULL too.
  std::shared_ptr<TextHash> hash = {};   // Of a text.
  std::optional<std::size_t> most = {};  // UTF-16 units of a text, bytes of bytes.
  bool null_is_changed = false;          // What stands for NULL is changed as a value is.

  std::string text(std::string_view value) const;
  std::string_view bytes(std::string_view value) const;
};

// What a column's values are in an event, before anything is done to them.
enum class ShownAs : std::uint8_t { text, bytes, other };

struct ColumnRule {
  std::shared_ptr<const ColumnChange> change = {};  // None: its values are what they are.
  // For its schema: what was done to it, and its source type.
  std::vector<std::pair<std::string, std::string>> parameters = {};
};

class ColumnRules {
 public:
  ColumnRules(const TableSchema& table, const EventSettings& settings);

  ColumnRule rule_of(const Column& column, ShownAs shown) const;

 private:
  bool matches(const std::regex& pattern, const std::string& name) const;
  bool matches_any(const std::vector<std::regex>& patterns, const std::string& name) const;
  template <class Rule>
  const Rule* find(const std::vector<std::pair<std::regex, Rule>>& rules, const std::string& column) const;
  void add_change(ColumnRule& rule, const Column& column, const SourceType& type, ShownAs shown) const;

  std::string table_;  // With a point behind it.
  std::string database_;
  std::vector<std::pair<std::regex, std::int32_t>> masked_;
  std::vector<std::pair<std::regex, ColumnHash>> hashed_;
  std::vector<std::pair<std::regex, std::int32_t>> truncated_;
  std::vector<std::regex> typed_columns_;
  std::vector<std::regex> typed_data_types_;
};

// As all patterns of the events' settings are read.
std::regex pattern_of(const std::string& text);

// The text's first UTF-16 units, no character cut in two.
std::string_view first_units(std::string_view text, std::size_t units);

}  // namespace tailrace::debezium
