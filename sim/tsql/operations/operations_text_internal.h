// What string functions share with LIKE: patterns, and texts as a collation compares them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/storage/collation.h"
#include "sim/tsql/operations/operations.h"

namespace tailrace::sim::tsql {

struct PatternItem {
  enum Kind : std::uint8_t { literal, any, many, set } kind = literal;
  bool negated = false;
  char16_t unit = 0;
  std::vector<std::pair<char16_t, char16_t>> ranges;
};

std::vector<PatternItem> compile_pattern(const std::u16string& pattern, char16_t escape);
bool like(const std::u16string& text, const std::vector<PatternItem>& items);

std::string_view without_trailing_blanks(std::string_view text);
CollationKind kind_of(const std::string& collation);
std::u16string comparable(std::string_view text, CollationKind kind);

}  // namespace tailrace::sim::tsql
