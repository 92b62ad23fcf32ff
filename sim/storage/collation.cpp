// Comparison of text under the three kinds of collations, with SQL Server's padding by blanks.
#include "sim/storage/collation.h"

#include <clocale>
#include <cwctype>
#include <vector>

namespace tailrace::sim {
namespace {

// One code point of (W)UTF-8; a stray byte stands for itself.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t left = text.size() - at;
  if (first < 0x80 || left < 2) return ++at, first;
  if (first < 0xE0) {
    at += 2;
    return static_cast<char32_t>((first & 0x1F) << 6 | (byte(at - 1) & 0x3F));
  }
  if (first < 0xF0 && left >= 3) {
    at += 3;
    return static_cast<char32_t>((first & 0x0F) << 12 | (byte(at - 2) & 0x3F) << 6 | (byte(at - 1) & 0x3F));
  }
  if (left >= 4) {
    at += 4;
    return static_cast<char32_t>((first & 0x07) << 18 | (byte(at - 3) & 0x3F) << 12 |
                                 (byte(at - 2) & 0x3F) << 6 | (byte(at - 1) & 0x3F));
  }
  return ++at, first;
}

void append_code_point(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::vector<char16_t> make_folding() {
  std::vector<char16_t> table(0x10000);
  const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  for (std::size_t c = 0; c < table.size(); ++c) {
    const auto wide = static_cast<std::wint_t>(c);
    const std::wint_t lower = unicode == nullptr ? std::towlower(wide) : towlower_l(wide, unicode);
    table[c] = lower < 0x10000 ? static_cast<char16_t>(lower) : static_cast<char16_t>(c);
  }
  if (unicode != nullptr) freelocale(unicode);
  return table;
}

const std::vector<char16_t>& folding() {
  static const std::vector<char16_t> table = make_folding();
  return table;
}

// The order of UTF-16 code units: surrogates (code points above U+FFFF) come before U+E000.
char32_t unit_order(char32_t c) {
  if (c >= 0x10000) return 0xD800 + (c - 0x10000) / 0x110000;
  return c;
}

int compare_units(char32_t left, char32_t right) {
  if (left == right) return 0;
  const char32_t a = unit_order(left);
  const char32_t b = unit_order(right);
  if (a != b) return a < b ? -1 : 1;
  return left < right ? -1 : 1;
}

// `rest` against blanks: what is left of the longer text after the common part.
int against_blanks(std::string_view rest, bool folded) {
  std::size_t at = 0;
  while (at < rest.size()) {
    const char32_t c = next_code_point(rest, at);
    const int order = compare_units(folded ? fold_case(c) : c, U' ');
    if (order != 0) return order;
  }
  return 0;
}

template <bool folded>
int compare(std::string_view left, std::string_view right) {
  std::size_t l = 0;
  std::size_t r = 0;
  const std::vector<char16_t>& table = folding();
  while (l < left.size() && r < right.size()) {
    const auto a = static_cast<unsigned char>(left[l]);
    const auto b = static_cast<unsigned char>(right[r]);
    if (a < 0x80 && b < 0x80) {
      const char16_t x = folded ? table[a] : a;
      const char16_t y = folded ? table[b] : b;
      if (x != y) return x < y ? -1 : 1;
      ++l;
      ++r;
      continue;
    }
    char32_t x = next_code_point(left, l);
    char32_t y = next_code_point(right, r);
    if (folded) {
      x = fold_case(x);
      y = fold_case(y);
    }
    if (const int order = compare_units(x, y); order != 0) return order;
  }
  if (l < left.size()) return against_blanks(left.substr(l), folded);
  return -against_blanks(right.substr(r), folded);
}

struct CodePagePart {
  std::string_view part;  // Of a collation's name, folded.
  std::uint16_t page;
};

// Source: "Windows collation name" and "SQL Server collation name"; the first that fits counts.
constexpr CodePagePart code_page_parts[] = {
    {"_cp437_", 437},
    {"_cp850_", 850},
    {"_cp1250_", 1250},
    {"_cp1251_", 1251},
    {"_cp1253_", 1253},
    {"_cp1254_", 1254},
    {"_cp1255_", 1255},
    {"_cp1256_", 1256},
    {"_cp1257_", 1257},
    {"_cp1_", 0},
    {"cyrillic", 1251},
    {"ukrainian", 1251},
    {"macedonian", 1251},
    {"polish", 1250},
    {"czech", 1250},
    {"hungarian", 1250},
    {"slovak", 1250},
    {"slovenian", 1250},
    {"croatian", 1250},
    {"romanian", 1250},
    {"albanian", 1250},
    {"greek", 1253},
    {"turkish", 1254},
    {"azeri_latin", 1254},
    {"uzbek_latin", 1254},
    {"hebrew", 1255},
    {"arabic", 1256},
    {"persian", 1256},
    {"urdu", 1256},
    {"estonian", 1257},
    {"latvian", 1257},
    {"lithuanian", 1257},
    {"vietnamese", 1258},
    {"thai", 874},
    {"japanese", 932},
    {"chinese_prc", 936},
    {"chinese_simplified", 936},
    {"korean", 949},
    {"chinese_taiwan", 950},
    {"chinese_traditional", 950},
    {"chinese_hong_kong", 950},
};

bool ends_with_word(std::string_view name, std::string_view word) {
  return name.size() > word.size() && same_name(name.substr(name.size() - word.size()), word);
}

}  // namespace

char32_t fold_case(char32_t code_point) {
  if (code_point < 0x10000) return folding()[code_point];
  if (code_point >= 0x10400 && code_point < 0x10428)
    return code_point + 40;  // Deseret, as an example beyond.
  return code_point;
}

std::string fold_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();)
    append_code_point(out, fold_case(next_code_point(text, at)));
  return out;
}

bool same_name(std::string_view left, std::string_view right) {
  return compare<true>(left, right) == 0;
}

bool same_name(CollationKind names, std::string_view left, std::string_view right) {
  return compare_text(names, left, right) == 0;
}

bool find_collation(std::string_view name, CollationKind& kind) {
  const std::string folded = fold_text(name);
  const std::string_view text = folded;
  for (const char c : text) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') return false;
  }
  if (ends_with_word(text, "_bin_utf8") || ends_with_word(text, "_bin") || ends_with_word(text, "_bin2") ||
      ends_with_word(text, "_bin2_utf8")) {
    kind = CollationKind::binary;
    return true;
  }
  if (text.find("_ci_a") != std::string_view::npos) {
    kind = CollationKind::ignore_case;
    return true;
  }
  if (text.find("_cs_a") != std::string_view::npos) {
    kind = CollationKind::match_case;
    return true;
  }
  return false;
}

std::uint16_t code_page_of(std::string_view collation) {
  const std::string name = fold_text(collation);
  if (ends_with_word(name, "_utf8")) return 65001;
  for (const auto& [part, page] : code_page_parts) {
    if (name.find(part) != std::string::npos) return page;
  }
  return 0;
}

int compare_text(CollationKind kind, std::string_view left, std::string_view right) {
  if (kind == CollationKind::binary) return compare<false>(left, right);
  if (const int order = compare<true>(left, right); order != 0) return order;
  if (kind == CollationKind::ignore_case) return 0;
  return -compare<false>(left, right);  // Lower case first: its code points are the greater ones.
}

}  // namespace tailrace::sim
