// CREATE TABLE, of temporary tables and table variables too, and TRUNCATE TABLE.
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

void SessionCore::create_table(const CreateTable& node) {
  if (node.name.name.starts_with('#')) {
    if (local_table(node.name.name))
      raise(2714, "There is already an object named '" + node.name.name + "' in the database.",
            node.name.line, 6);
    temporary_[upper(node.name.name)] = create_local_table(node);
    return;
  }
  if (!node.name.database.empty() && !same_name(node.name.database, active_->database->name)) {
    const DatabasePtr other = state_.server.find(node.name.database);
    if (!other)
      raise(911, "Database '" + node.name.database +
                     "' does not exist. Make sure that the name is entered correctly.");
    active_ = &use(other);
  }
  active_->catalog.refresh();
  require_owner("CREATE TABLE");
  write_statement([&] {
    TableDef table = table_definition(node, false);
    check(active_->catalog.create_table(table));
    active_->catalog.touch();
    active_->catalog.refresh();
    const auto add_keys = [&](const std::vector<ConstraintClause>& constraints,
                              const std::string& own_column) {
      for (const ConstraintClause& constraint : constraints) {
        if (constraint.kind != ConstraintClause::Kind::foreign_key) continue;
        ForeignKeyDef key = foreign_key_definition(constraint, table, own_column);
        check(active_->catalog.add_foreign_key(key));
      }
    };
    for (const ColumnClause& column : node.columns)
      add_keys(column.constraints, column.name);
    add_keys(node.constraints, "");
    // Checks are bound once, so that what they cannot say is refused now.
    for (const CheckDef& item : table.checks)
      stored_check(table, item);
    active_->catalog.touch();
  });
}

TablePtr SessionCore::create_local_table(const CreateTable& node) {
  TableDef table = table_definition(node, true);
  table.object_id = next_local_id_++;
  std::string columns;
  for (const ColumnDef& column : table.columns) {
    columns += (columns.empty() ? "" : ",") + column.stored_name();
    if (!column.collation.empty()) columns += " COLLATE \"" + column.collation + "\"";
  }
  Connection& connection = active_->work->connection();
  connection.execute("CREATE TEMP TABLE " + table.stored_name() + "(" + columns + ")");
  int number = 0;
  for (IndexDef& index : table.indexes) {
    index.index_id = ++number;
    std::string keys;
    for (const IndexColumn& column : index.columns) {
      if (!column.included)
        keys += (keys.empty() ? "" : ",") + std::string("c") + std::to_string(column.column_id) +
                (column.descending ? " DESC" : "");
    }
    connection.execute(std::string("CREATE ") + (index.unique ? "UNIQUE " : "") + "INDEX temp.i" +
                       std::to_string(table.object_id) + "_" + std::to_string(number) + " ON " +
                       table.stored_name() + "(" + keys + ")");
    index.clustered = false;
  }
  local_places_[table.object_id] = active_;
  return std::make_shared<const TableDef>(std::move(table));
}

void SessionCore::truncate(const TruncateTable& node) {
  in_named_database([&] {
    DmlTarget target;
    target.name = node.name;
    TablePtr table;
    try {
      table = dml_table(target, nullptr, nullptr);
    } catch (const StatementError& error) {
      if (error.message.number != 208) throw;
      raise(4701,
            "Cannot find the object \"" + node.name.name +
                "\" because it does not exist or you do not have permissions.",
            node.name.line);
    }
    if (table->name.starts_with('#')) {
      change_table(true, [&] { active_->work->connection().execute("DELETE FROM " + table->stored_name()); });
      local_identity_.erase(table->object_id);
      return;
    }
    check_right(sim::Permission::alter, *table);
    write_statement([&] { check(active_->catalog.truncate_table(*table)); });
  });
}

}  // namespace tailrace::sim::tsql
