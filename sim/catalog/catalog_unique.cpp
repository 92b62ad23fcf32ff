// Which unique index a row broke: errors 2627 and 2601 from SQLite's message.
#include <fmt/format.h>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {

SqlError Catalog::unique_error(const TableDef& table, std::string_view sqlite_message,
                               const std::function<std::string(const IndexDef&)>& key) {
  // "UNIQUE constraint failed: t5.c1, t5.c2", or "...: index 'i5_2'" for an index over expressions.
  const IndexDef* violated = nullptr;
  for (const IndexDef& index : table.indexes) {
    if (!index.unique) continue;
    std::string columns;
    for (const IndexColumn& column : index.columns) {
      if (column.included) continue;
      if (!columns.empty()) columns += ", ";
      columns += fmt::format("t{}.c{}", table.object_id, column.column_id);
    }
    const std::string stored = stored_index_name(table.object_id, index.index_id);
    if (sqlite_message.ends_with(": " + columns) || sqlite_message.ends_with("'" + stored + "'") ||
        sqlite_message.ends_with("'" + stored + "_n'")) {
      violated = &index;
      break;
    }
  }
  TAILRACE_ASSERT(violated != nullptr);
  const std::string object = table.schema + "." + table.name;
  const std::string value = fmt::format(" The duplicate key value is ({}).", key(*violated));
  if (violated->primary_key || violated->unique_constraint) {
    return {2627,
            fmt::format("Violation of {} constraint '{}'. Cannot insert duplicate key in object '{}'.{}",
                        violated->primary_key ? "PRIMARY KEY" : "UNIQUE KEY", violated->name, object, value),
            14, 1};
  }
  return {2601,
          fmt::format("Cannot insert duplicate key row in object '{}' with unique index '{}'.{}", object,
                      violated->name, value),
          14, 1};
}

}  // namespace tailrace::sim
