// Constraints.
#include "postgres/constraints.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "postgres/target_table.h"

namespace tailrace::postgres {

bool with_lock_timeout(Connection& connection, const Settings& settings, const std::stop_token& stop,
                       const std::function<void()>& work) {
  for (int attempt = 1; !stop.stop_requested(); ++attempt) {
    try {
      Transaction transaction(connection);
      const CancelOnStop cancel(connection, stop);  // Ends first: the ROLLBACK is not to be cancelled.
      connection.exec(fmt::format("SET LOCAL lock_timeout = {}", settings.ddl_lock_timeout.count()));
      work();
      transaction.commit();
      return true;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::conflict && stop.stop_requested()) return false;
      if (error.kind() != ErrorKind::conflict || attempt >= settings.ddl_attempts) throw;
      log::warn("sink.ddl.retry", {{"attempt", attempt}, {"reason", error.message()}});
    }
    wait_for(std::chrono::milliseconds(200) * attempt, stop);
  }
  return false;
}

ConstraintState look_at(Connection& connection, const ConstraintSql& constraint) {
  const std::string relation = constraint.relation.quoted();
  for (const std::string& name : {constraint.plain_name(), constraint.long_name()}) {
    const Result found = connection.query(
        "SELECT convalidated FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2",
        Params().text(relation).text(name));
    if (found.rows() == 1) return {name, true, found.boolean(0, 0)};
  }
  // Another table's index may have the name already.
  const bool taken =
      connection
          .query(
              "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
              " WHERE nspname = $1 AND relname = $2)",
              Params().text(constraint.relation.schema).text(constraint.plain_name()))
          .boolean(0, 0);
  return {taken ? constraint.long_name() : constraint.plain_name(), false, false};
}

void ensure_primary_key(Connection& connection, const TableSchema& table, const RelationName& relation) {
  if (!read_target(connection, relation).key.empty()) return;
  try {
    connection.exec(primary_key_sql(table, relation));
  } catch (Error& error) {
    if (error.kind() == ErrorKind::data)
      throw Error(ErrorKind::data, "the loaded rows do not have unique keys: " + error.message())
          .with("table", table.name.str())
          .with("detail", error.context("detail"))
          .with("remedy",
                "see whether somebody else wrote into the table; else report this as a fault of tailrace");
    throw error.with("table", table.name.str());
  }
}

}  // namespace tailrace::postgres
