// An eponymous virtual table over a vector of rows.
#include "sim/catalog/virtual_table.h"

#include <sqlite3.h>

#include "base/error.h"
#include "sim/catalog/system_relations.h"
#include "sim/storage/connection.h"
#include "sim/storage/work.h"

namespace tailrace::sim {
namespace {

struct Module {
  const SystemRelation* relation;
  const VirtualRows* rows;
  const DatabaseFile* database;
};

struct Table : sqlite3_vtab {
  const Module* module;
};

struct Cursor : sqlite3_vtab_cursor {
  std::vector<VirtualRow> rows;
  std::size_t at = 0;
};

int connect(sqlite3* database, void* user, int, const char* const*, sqlite3_vtab** out, char**) {
  const auto* module = static_cast<const Module*>(user);
  std::string sql = "CREATE TABLE x(";
  for (const SystemColumn& column : module->relation->columns) {
    if (sql.back() != '(') sql += ", ";
    sql += "\"" + std::string(column.name) + "\"";
    if (column.type.type == Type::nvarchar || column.type.type == Type::varchar ||
        column.type.type == Type::char_) {
      sql += " COLLATE Latin1_General_CI_AS";
    }
  }
  if (const int code = sqlite3_declare_vtab(database, (sql + ")").c_str()); code != SQLITE_OK) return code;
  auto* table = new Table{};
  table->module = module;
  *out = table;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  info->estimatedCost = 1000;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = new Cursor{};
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, const char*, int, sqlite3_value**) {
  auto* cursor = static_cast<Cursor*>(base);
  const Module& module = *static_cast<Table*>(base->pVtab)->module;
  try {
    cursor->rows = (*module.rows)(*module.database);
  } catch (const Error& error) {
    base->pVtab->zErrMsg = sqlite3_mprintf("%s", error.what());
    return SQLITE_ERROR;
  }
  cursor->at = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  ++static_cast<Cursor*>(cursor)->at;
  return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* base) {
  const auto* cursor = static_cast<Cursor*>(base);
  return cursor->at >= cursor->rows.size() ? 1 : 0;
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const auto* cursor = static_cast<Cursor*>(base);
  const VirtualRow& row = cursor->rows[cursor->at];
  TAILRACE_ASSERT(static_cast<std::size_t>(index) < row.size());
  const Value& value = row[static_cast<std::size_t>(index)];
  encode_result(context, value.type, cell_of(value));
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(static_cast<Cursor*>(base)->at);
  return SQLITE_OK;
}

const sqlite3_module methods = [] {
  sqlite3_module module{};
  module.xConnect = connect;  // No xCreate: the table exists under the module's name.
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xOpen = open_cursor;
  module.xClose = close_cursor;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = at_end;
  module.xColumn = column;
  module.xRowid = rowid;
  return module;
}();

void destroy_module(void* user) {
  delete static_cast<Module*>(user);
}

}  // namespace

Value text_value(std::string_view text) {
  Value value;
  value.type = {.type = Type::nvarchar, .length = 256};
  value.null = false;
  value.text = text;
  return value;
}

Value int_value(std::int64_t number, Type type) {
  Value value;
  value.type.type = type;
  value.null = false;
  value.number = number;
  return value;
}

Value bytes_value(std::string_view bytes, Type type) {
  Value value;
  value.type = {.type = type, .length = static_cast<std::int32_t>(bytes.size())};
  value.null = false;
  value.text = bytes;
  return value;
}

Value null_value() {
  return {};
}

void VirtualTables::register_on(Connection& connection, const DatabaseFile& database) const {
  for (const SystemRelation& relation : system_relations()) {
    const auto found = rows_.find(relation.stored_name);
    if (found == rows_.end()) continue;
    const int code =
        sqlite3_create_module_v2(connection.handle(), found->first.c_str(), &methods,
                                 new Module{&relation, &found->second, &database}, destroy_module);
    TAILRACE_ASSERT(code == SQLITE_OK);
  }
}

}  // namespace tailrace::sim
