// A session's or a job's connection to a database, with what the system views ask of it.
#include <fmt/format.h>
#include <sqlite3.h>

#include "base/error.h"
#include "sim/catalog/server.h"
#include "sim/catalog/server_views_internal.h"
#include "sim/catalog/virtual_table.h"

namespace tailrace::sim {
namespace {

// sim_row_count(object_id): the rows of a table, for sys.partitions.
void row_count(sqlite3_context* context, int, sqlite3_value** arguments) {
  auto* database = sqlite3_context_db_handle(context);
  const std::string sql = fmt::format("SELECT count(*) FROM t{}", sqlite3_value_int64(arguments[0]));
  sqlite3_stmt* statement = nullptr;
  std::int64_t rows = 0;
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    rows = sqlite3_column_int64(statement, 0);
  }
  sqlite3_finalize(statement);
  const bool pages = sqlite3_user_data(context) != nullptr;
  sqlite3_result_int64(context, pages ? (rows + 99) / 100 : rows);
}

// sim_visible(object_id, parent_object_id): whether the system views show it to this session.
void visible(sqlite3_context* context, int, sqlite3_value** arguments) {
  auto* work = static_cast<Work*>(sqlite3_user_data(context));
  const std::int64_t parent = sqlite3_value_int64(arguments[1]);
  const auto id = static_cast<std::int32_t>(parent != 0 ? parent : sqlite3_value_int64(arguments[0]));
  sqlite3_result_int(context, !work->visible || work->visible(id) ? 1 : 0);
}

void database_name(sqlite3_context* context, int, sqlite3_value**) {
  const auto* file = static_cast<const DatabaseFile*>(sqlite3_user_data(context));
  sqlite3_result_text(context, file->name.c_str(), -1, SQLITE_TRANSIENT);
}

void add_function(Connection& connection, const char* name, int arguments, void* user,
                  void (*function)(sqlite3_context*, int, sqlite3_value**)) {
  const int code = sqlite3_create_function_v2(connection.handle(), name, arguments, SQLITE_UTF8, user,
                                              function, nullptr, nullptr, nullptr);
  TAILRACE_ASSERT(code == SQLITE_OK);
}

// A Work that keeps its database alive.
struct OwningWork : Work {
  OwningWork(const DatabasePtr& owner, bool session)
      : Work(*owner), database(owner), counted(session ? 1 : 0) {
    database->sessions += counted;
  }
  ~OwningWork() override { database->sessions -= counted; }
  DatabasePtr database;
  std::int32_t counted;
};

}  // namespace

std::unique_ptr<Work> Server::open(const DatabasePtr& database, bool session) {
  auto work = std::make_unique<OwningWork>(database, session);
  Connection& connection = work->connection();
  add_function(connection, "sim_row_count", 1, nullptr, row_count);
  add_function(connection, "sim_page_count", 1, this, row_count);
  add_function(connection, "sim_database_name", 0, static_cast<DatabaseFile*>(database.get()), database_name);
  add_function(connection, "sim_visible", 2, static_cast<Work*>(work.get()), visible);
  virtual_tables_->register_on(connection, *database);
  return work;
}

}  // namespace tailrace::sim
