// Definitions of the tables that CDC makes.
#include "sim/catalog/type_facts.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {

ColumnDef made_column(std::string name, std::string_view type, bool nullable) {
  ColumnDef column;
  column.name = std::move(name);
  column.type = *parse_type(type);
  column.sysname = type == "sysname";
  column.nullable = nullable;
  return column;
}

TableDef cdc_table(std::int32_t id, std::string name,
                   const std::vector<std::pair<std::string_view, std::string_view>>& columns,
                   const std::vector<std::int32_t>& key) {
  TableDef table;
  table.object_id = id;
  table.schema = "cdc";
  table.name = std::move(name);
  table.ms_shipped = true;
  for (const auto& [column, type] : columns) {
    const bool nullable = type.ends_with('?');
    table.columns.push_back(
        made_column(std::string(column), type.substr(0, type.size() - (nullable ? 1 : 0)), nullable));
  }
  if (!key.empty()) {
    IndexDef index;
    index.name = table.name + "_clustered_idx";
    index.unique = index.clustered = true;
    for (const std::int32_t column : key)
      index.columns.push_back({column, false, false});
    table.indexes.push_back(std::move(index));
  }
  return table;
}

}  // namespace tailrace::sim
