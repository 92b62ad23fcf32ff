// Databases as a session uses them: opened with the first use, made the current one by USE.
#include <utility>

#include "sim/tsql/session/session_core.h"

namespace tailrace::sim::tsql {

DatabaseUse::DatabaseUse(EngineState& state, DatabasePtr which, FunctionHost& host)
    : database(std::move(which)),
      work(state.server.open(database)),
      catalog(*work),
      security(catalog),
      cdc(state.server, database, catalog) {
  functions.host = &host;
  register_operations(work->connection().handle(), functions);
  ++database->sessions;
}

DatabaseUse::~DatabaseUse() {
  --database->sessions;
}

DatabaseUse& SessionCore::use(const DatabasePtr& database) {
  auto& slot = uses_[database->id];
  if (!slot || slot->database != database) {
    auto opened = std::make_unique<DatabaseUse>(state_, database, *this);
    std::optional<Principal> principal =
        opened->security.principal_of(definition_.name, definition_.sysadmin);
    if (!principal) {
      raise(916,
            "The server principal \"" + definition_.name + "\" is not able to access the database \"" +
                database->name + "\" under the current security context.",
            0, 1, 14);
    }
    opened->principal = *principal;
    opened->work->belongs_to(gate_owner_, spid_);
    opened->security.restrict_views(*principal);
    slot = std::move(opened);
  }
  // Rights granted by others since the last statement count: the principal is looked up again with the catalog's
  // version.
  return *slot;
}

void SessionCore::change_database(std::string_view name, bool tell) {
  const DatabasePtr database = state_.server.find(name);
  if (!database)
    raise(911, "Database '" + std::string(name) +
                   "' does not exist. Make sure that the name is entered correctly.");
  const std::string from = current_->database->name;
  current_ = &use(database);
  active_ = current_;
  if (tell) sink_->database_changed(from, database->name);
}

}  // namespace tailrace::sim::tsql
