// Globs over schema.table: `*` is any run of characters, `?` one; the case counts where the database's collation
// says so.
#pragma once

#include <string_view>

namespace tailrace::sqlserver {

bool glob_matches(std::string_view pattern, std::string_view text, bool case_sensitive);

// Names as the database compares them; ASCII letters alone are folded.
bool same_name(std::string_view left, std::string_view right, bool case_sensitive);

// Of a collation's name: Latin1_General_CS_AS, _BIN and _BIN2 are sensitive.
bool is_case_sensitive(std::string_view collation);

}  // namespace tailrace::sqlserver
