// Look-ups inside of a table's definition.
#include "sim/catalog/definitions.h"

#include <algorithm>

#include "sim/catalog/type_facts.h"

namespace tailrace::sim {

std::int32_t ColumnDef::max_length() const {
  return shown_length(type);
}

const ColumnDef* TableDef::column(std::string_view wanted) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const ColumnDef& column) {
    return same_name(identifiers, column.name, wanted);
  });
  return found == columns.end() ? nullptr : &*found;
}

const ColumnDef* TableDef::column(std::int32_t column_id) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnDef& column) { return column.column_id == column_id; });
  return found == columns.end() ? nullptr : &*found;
}

const IndexDef* TableDef::primary_key() const {
  const auto found =
      std::find_if(indexes.begin(), indexes.end(), [](const IndexDef& index) { return index.primary_key; });
  return found == indexes.end() ? nullptr : &*found;
}

const IndexDef* TableDef::index(std::string_view wanted) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(), [&](const IndexDef& index) {
    return same_name(identifiers, index.name, wanted);
  });
  return found == indexes.end() ? nullptr : &*found;
}

std::vector<std::string> TableDef::locator() const {
  if (!without_rowid) return {"rowid"};
  std::vector<std::string> names;
  for (const IndexDef& index : indexes) {
    if (index.index_id != row_store_index_id) continue;
    for (const IndexColumn& column : index.columns) {
      if (!column.included) names.push_back("c" + std::to_string(column.column_id));
    }
  }
  return names;
}

}  // namespace tailrace::sim
