// What the files of sim/catalog share.
#pragma once

#include <cstdint>
#include <string>

namespace tailrace::sim {

class Connection;

inline std::string stored_index_name(std::int32_t object_id, std::int32_t index_id) {
  return "i" + std::to_string(object_id) + "_" + std::to_string(index_id);
}

struct TableDef;

void create_system_views(Connection& connection);
// Sets row_store_index_id and without_rowid.
void choose_row_store(TableDef& table);

}  // namespace tailrace::sim
