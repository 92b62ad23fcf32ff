// Splitting of fields.
#include "sqlserver/fields.h"

namespace tailrace::sqlserver {

std::optional<std::string_view> field_of(std::string_view text, std::string_view name) {
  for (;;) {
    const std::string_view field = text.substr(0, text.find(';'));
    if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == '=')
      return field.substr(name.size() + 1);
    if (field.size() == text.size()) return std::nullopt;
    text.remove_prefix(field.size() + 1);
  }
}

}  // namespace tailrace::sqlserver
