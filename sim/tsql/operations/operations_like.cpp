// LIKE: patterns compiled and matched, under a collation.
#include <algorithm>

#include "sim/storage/collation.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/operations/operations_text_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

std::string_view without_trailing_blanks(std::string_view text) {
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

CollationKind kind_of(const std::string& collation) {
  CollationKind kind = CollationKind::ignore_case;
  find_collation(collation, kind);
  return kind;
}

// The text as it is compared piece by piece: folded unless case matters.
std::u16string comparable(std::string_view text, CollationKind kind) {
  return to_utf16(kind == CollationKind::ignore_case ? fold_text(text) : std::string(text));
}

std::vector<PatternItem> compile_pattern(const std::u16string& pattern, char16_t escape) {
  std::vector<PatternItem> out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char16_t unit = pattern[i];
    PatternItem item;
    if (escape != 0 && unit == escape && i + 1 < pattern.size()) {
      item.unit = pattern[++i];
    } else if (unit == u'%') {
      item.kind = PatternItem::many;
    } else if (unit == u'_') {
      item.kind = PatternItem::any;
    } else if (unit == u'[' && pattern.find(u']', i + 1) != std::u16string::npos) {
      item.kind = PatternItem::set;
      ++i;
      if (pattern[i] == u'^') {
        item.negated = true;
        ++i;
      }
      bool first = true;
      while (i < pattern.size() && (pattern[i] != u']' || first)) {
        if (first && pattern[i] == u']') break;
        first = false;
        if (escape != 0 && pattern[i] == escape && i + 1 < pattern.size()) ++i;
        const char16_t low = pattern[i];
        char16_t high = low;
        if (i + 2 < pattern.size() && pattern[i + 1] == u'-' && pattern[i + 2] != u']') {
          high = pattern[i + 2];
          i += 2;
        }
        item.ranges.emplace_back(low, high);
        ++i;
      }
    } else {
      item.unit = unit;
    }
    out.push_back(std::move(item));
  }
  return out;
}

namespace {

bool matches(const PatternItem& item, char16_t unit) {
  switch (item.kind) {
    case PatternItem::literal: return unit == item.unit;
    case PatternItem::any: return true;
    case PatternItem::set: {
      const bool inside = std::any_of(item.ranges.begin(), item.ranges.end(), [&](const auto& range) {
        return unit >= range.first && unit <= range.second;
      });
      return inside != item.negated;
    }
    default: return false;
  }
}

}  // namespace

bool like(const std::u16string& text, const std::vector<PatternItem>& items) {
  std::size_t t = 0, p = 0, star_p = std::u16string::npos, star_t = 0;
  while (t < text.size()) {
    if (p < items.size() && items[p].kind == PatternItem::many) {
      star_p = p++;
      star_t = t;
    } else if (p < items.size() && matches(items[p], text[t])) {
      ++p;
      ++t;
    } else if (star_p != std::u16string::npos) {
      p = star_p + 1;
      t = ++star_t;
    } else {
      return false;
    }
  }
  while (p < items.size() && items[p].kind == PatternItem::many)
    ++p;
  return p == items.size();
}

bool op_like(OperationCall& call) {
  const CollationKind kind = kind_of(call.op.text);
  char16_t escape = 0;
  if (call.args.size() > 2) {
    const std::u16string units = to_utf16(call.args[2].text);
    if (units.size() != 1)
      return call.fail(506, "The invalid escape character \"" + std::string(call.args[2].text) +
                                "\" was specified in a LIKE predicate.");
    escape = kind == CollationKind::ignore_case ? static_cast<char16_t>(fold_case(units[0])) : units[0];
  }
  // The pattern of a statement is mostly the same for every row.
  struct Compiled {
    std::string pattern;
    char16_t escape = 0;
    CollationKind kind = CollationKind::ignore_case;
    bool valid = false;
    std::vector<PatternItem> items;
  };
  thread_local Compiled compiled;
  if (!compiled.valid || compiled.pattern != call.args[1].text || compiled.escape != escape ||
      compiled.kind != kind) {
    compiled.pattern.assign(call.args[1].text);
    compiled.escape = escape;
    compiled.kind = kind;
    compiled.valid = true;
    compiled.items = compile_pattern(comparable(call.args[1].text, kind), escape);
  }
  call.out.number = like(comparable(call.args[0].text, kind), compiled.items) ? 1 : 0;
  // Trailing blanks of the text may be left out of account.
  if (call.out.number == 0 && !is_wide_text(call.op.args[0].type)) {
    const std::string_view shorter = without_trailing_blanks(call.args[0].text);
    if (shorter.size() != call.args[0].text.size())
      call.out.number = like(comparable(shorter, kind), compiled.items) ? 1 : 0;
  }
  return true;
}

}  // namespace tailrace::sim::tsql
