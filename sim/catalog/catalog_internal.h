// What the files of sim/catalog share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim {

class Connection;

inline std::string stored_index_name(std::int32_t object_id, std::int32_t index_id) {
  return "i" + std::to_string(object_id) + "_" + std::to_string(index_id);
}

struct TableDef;

void create_system_views(Connection& connection);
void create_types(Connection& connection);  // The rows of sys.types.
// Sets row_store_index_id and without_rowid.
void choose_row_store(TableDef& table);

// Names that SQL Server makes: prefix, table (9 characters), 8 hexadecimal digits of an object id.
std::string made_name(std::string_view prefix, std::string_view table, std::string_view column,
                      std::int32_t id);

}  // namespace tailrace::sim
