// CREATE DATABASE, ALTER DATABASE, CREATE SCHEMA.
#include <algorithm>

#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

void SessionCore::create_database(const CreateDatabase& node) {
  if (!definition_.sysadmin) raise(262, "CREATE DATABASE permission denied in database 'master'.");
  if (tran_count_ > 0)
    raise(226, "CREATE DATABASE statement not allowed within multi-statement transaction.");
  check(state_.server.create_database(node.name, node.collation));
  state_.jobs.reconsider();
}

void SessionCore::alter_database(const AlterDatabase& node) {
  const DatabasePtr database = node.name.empty() || same_word(node.name, "CURRENT")
                                   ? current_->database
                                   : state_.server.find(node.name);
  if (!database)
    raise(5011,
          "User does not have permission to alter database '" + node.name +
              "', the database does not exist, or the database is not in a state that allows access checks.",
          0, 9, 14);
  if (!definition_.sysadmin && !current_->security.is_owner(current_->principal)) {
    raise(5011,
          "User does not have permission to alter database '" + database->name +
              "', the database does not exist, or the database is not in a state that allows access checks.",
          0, 9, 14);
  }
  const bool on = node.value == "ON";
  if (node.option == "ALLOW_SNAPSHOT_ISOLATION") {
    state_.server.set_allow_snapshot(*database, on);
  } else if (node.option == "READ_COMMITTED_SNAPSHOT") {
    state_.server.set_read_committed_snapshot(*database, on);
  } else {
    static const std::vector<std::string_view> harmless{"RECOVERY",
                                                        "AUTO_CLOSE",
                                                        "AUTO_SHRINK",
                                                        "AUTO_CREATE_STATISTICS",
                                                        "AUTO_UPDATE_STATISTICS",
                                                        "MULTI_USER",
                                                        "COMPATIBILITY_LEVEL",
                                                        "PAGE_VERIFY",
                                                        "QUERY_STORE",
                                                        "TRUSTWORTHY",
                                                        "DELAYED_DURABILITY"};
    if (std::find(harmless.begin(), harmless.end(), node.option) == harmless.end())
      not_supported("ALTER DATABASE ... SET " + node.option);
  }
}

void SessionCore::create_schema(const CreateSchema& node) {
  require_owner("CREATE SCHEMA");
  write_statement([&] {
    check(active_->catalog.create_schema(node.name));
    active_->catalog.touch();
  });
}

}  // namespace tailrace::sim::tsql
