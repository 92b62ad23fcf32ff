// Texts of the form `name=value;name=value`, which the sink keeps for the source.
#pragma once

#include <optional>
#include <string_view>

namespace tailrace::sqlserver {

// The value of `name`, a part of `text`; nothing: there is no such field. A value ends at the next `;`.
std::optional<std::string_view> field_of(std::string_view text, std::string_view name);

}  // namespace tailrace::sqlserver
