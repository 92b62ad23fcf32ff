// DROP of every kind of object.
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

void SessionCore::drop_local_table(const TablePtr& table) {
  for (auto& [id, item] : uses_) {
    item->work->connection().execute("DROP TABLE IF EXISTS temp." + table->stored_name());
  }
  local_identity_.erase(table->object_id);
  local_places_.erase(table->object_id);
}

void SessionCore::drop_table(const ObjectName& name, bool if_exists) {
  if (name.name.starts_with('#')) {
    const auto found = temporary_.find(upper(name.name));
    if (found == temporary_.end()) {
      if (if_exists) return;
      raise(3701,
            "Cannot drop the table '" + name.name +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    drop_local_table(found->second);
    temporary_.erase(found);
    return;
  }
  in_named_database([&] {
    active_->catalog.refresh();
    Binder binder(*this);
    const TablePtr table = binder.find_table(name, false);
    if (!table) {
      if (if_exists) return;
      raise(3701,
            "Cannot drop the table '" + name.text() +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    if (!active_->security.is_owner(active_->principal)) {
      raise(3701,
            "Cannot drop the table '" + name.text() +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    write_statement([&] {
      for (const ForeignKeyDef& key : table->referenced_by) {
        if (key.parent_id != table->object_id)
          raise(3726,
                "Could not drop object '" + name.text() +
                    "' because it is referenced by a FOREIGN KEY constraint.",
                name.line);
      }
      active_->cdc.before_drop(*table);
      check(active_->catalog.drop_table(*table));
      active_->catalog.touch();
    });
  });
}

void SessionCore::drop_objects(const DropObjects& node) {
  for (const ObjectName& name : node.names) {
    if (node.kind == "TABLE") {
      drop_table(name, node.if_exists);
    } else if (node.kind == "DATABASE") {
      if (!definition_.sysadmin)
        raise(3701,
              "Cannot drop the database '" + name.name +
                  "', because it does not exist or you do not have permission.",
              name.line);
      if (tran_count_ > 0)
        raise(574, "DROP DATABASE statement cannot be used inside a user transaction.", name.line);
      const DatabasePtr database = state_.server.find(name.name);
      if (!database && node.if_exists) continue;
      if (database && current_->database == database) {
        raise(3702, "Cannot drop database \"" + name.name + "\" because it is currently in use.", name.line,
              3);
      }
      if (database) uses_.erase(database->id);
      check(state_.server.drop_database(name.name));
      state_.jobs.reconsider();
    } else if (node.kind == "SCHEMA") {
      require_owner("DROP SCHEMA");
      active_->catalog.refresh();
      if (node.if_exists && !active_->catalog.schema_id(name.name)) continue;
      write_statement([&] {
        check(active_->catalog.drop_schema(name.name));
        active_->catalog.touch();
      });
    } else if (node.kind == "LOGIN") {
      if (!definition_.sysadmin)
        raise(15151,
              "Cannot drop the login '" + name.name +
                  "', because it does not exist or you do not have permission.",
              name.line);
      check(state_.server.drop_login(name.name));
    } else if (node.kind == "USER" || node.kind == "ROLE") {
      require_owner("DROP " + node.kind);
      write_statement([&] {
        const Outcome outcome = node.kind == "USER" ? active_->security.drop_user(name.name)
                                                    : active_->security.drop_role(name.name);
        if (outcome && node.if_exists) return;
        check(outcome);
        active_->catalog.touch();
      });
    }
  }
}

}  // namespace tailrace::sim::tsql
