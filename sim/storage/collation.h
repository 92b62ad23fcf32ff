// Collations by SQL Server's names: comparison of text as the store, its indexes and the engine do it.
//
// Shape    Trailing blanks never count. _CI_: case does not count (simple folding, all of Unicode that has a one to
//          one pair). _CS_: the same order, case decides between equals (lower before upper). _BIN, _BIN2: by code
//          unit of UTF-16. _AI: as _AS (accents always count); a documented deviation.
// Source   "Collation and Unicode support"; what is simplified is told in sim/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim {

enum class CollationKind : std::uint8_t { ignore_case, match_case, binary };

inline constexpr std::string_view default_collation = "Latin1_General_CI_AS";

// False for a name that is not known (error 448).
bool find_collation(std::string_view name, CollationKind& kind);
// The Windows code page of char and varchar under a collation; 0: Windows-1252. 65001: UTF-8.
std::uint16_t code_page_of(std::string_view collation);
// <0, 0, >0. Both sides are UTF-8 (WTF-8).
int compare_text(CollationKind kind, std::string_view left, std::string_view right);
// The simple case folding of a code point, and of a whole text: for names and for LIKE.
char32_t fold_case(char32_t code_point);
std::string fold_text(std::string_view text);
// Names of objects, columns, logins: case-insensitive, trailing blanks count not.
bool same_name(std::string_view left, std::string_view right);
// The same inside of a database: as the database's collation compares.
bool same_name(CollationKind names, std::string_view left, std::string_view right);

}  // namespace tailrace::sim
