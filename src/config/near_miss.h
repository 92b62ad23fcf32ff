// "Did you mean ...?": the known name nearest to a mistyped one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::config {

// Edits (insert, delete, replace, swap of neighbours) between two names, without regard to case, '-' and '_'.
std::size_t edit_distance(std::string_view left, std::string_view right);

// The nearest candidate, if it is near enough to be meant: one edit in three letters.
std::optional<std::string> near_miss(std::string_view written, const std::vector<std::string>& candidates);

}  // namespace tailrace::config
