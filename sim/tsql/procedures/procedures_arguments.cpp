// Arguments of procedures, by position and by name.
#include <algorithm>

#include "sim/tsql/procedures/procedures_internal.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

SessionCore::Argument* SessionCore::CallArguments::find(std::size_t position, std::string_view name) {
  for (Argument& item : items) {
    if (!item.name.empty() && same_word(item.name, name)) return item.is_default ? nullptr : &item;
  }
  if (position < items.size() && items[position].name.empty())
    return items[position].is_default ? nullptr : &items[position];
  return nullptr;
}

std::optional<std::string> SessionCore::CallArguments::text(std::size_t position, std::string_view name) {
  const Argument* found = find(position, name);
  if (found == nullptr || found->value.null) return std::nullopt;
  return converted(found->value, nvarchar_type(-1)).text;
}

std::optional<std::int64_t> SessionCore::CallArguments::number(std::size_t position, std::string_view name) {
  const Argument* found = find(position, name);
  if (found == nullptr || found->value.null) return std::nullopt;
  return converted(found->value, bigint_type()).number;
}

void SessionCore::CallArguments::known(std::initializer_list<std::string_view> names) const {
  if (items.size() > names.size())
    raise(8144, "Procedure or function " + procedure + " has too many arguments specified.", 0, 2);
  for (const Argument& item : items) {
    if (item.name.empty()) continue;
    if (std::none_of(names.begin(), names.end(),
                     [&](std::string_view name) { return same_word(name, item.name); })) {
      raise(8145, item.name + " is not a parameter for procedure " + procedure + ".");
    }
  }
}

}  // namespace tailrace::sim::tsql
