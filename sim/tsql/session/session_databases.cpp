// Statements that read other databases than the session's own: where names lead, and the copies that bring rows together.
//
// Shape    A statement is bound in the session's database. Where all that it names is in one other database it is bound
//          there instead. Where it needs several it runs in one of them (for a change: its target's), and what it reads of
//          the others is copied into temporary tables first, each over its own connection: with that database's rights,
//          isolation, and the transaction's own changes. Without copies SQLite could only attach the other file, and
//          would read it outside of the session's transaction there.
// Errors   208 for what is not there; 40517 where copies are no way (change functions, DDL).
#include <sqlite3.h>

#include <utility>

#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

SessionCore::StatementPlace SessionCore::enter_statement() {
  StatementPlace before{active_, reach_, copies_.size()};
  active_ = current_;
  reach_ = Reach::own;
  return before;
}

void SessionCore::leave_statement(const StatementPlace& before) {
  while (copies_.size() > before.copies) {
    for (auto& [id, item] : uses_)
      item->work->connection().execute("DROP TABLE IF EXISTS temp.t" + std::to_string(copies_.back()));
    copies_.pop_back();
  }
  active_ = before.active;
  reach_ = before.reach;
}

void SessionCore::enter_named_database(const OtherDatabase& other) {
  const DatabasePtr database = state_.server.find(other.name);
  if (!database) invalid_object(other.object);
  active_ = &use(database);
  reach_ = Reach::named;
  active_->catalog.refresh();
}

void SessionCore::enter_several_databases(const SeveralDatabases& several) {
  if (reach_ == Reach::several) not_supported("this statement over several databases", several.line);
  active_ = current_;
  reach_ = Reach::several;
  active_->catalog.refresh();
}

DatabaseUse& SessionCore::place_of(const ObjectName& name) {
  if (name.database.empty() || same_name(name.database, current_->database->name)) return *current_;
  const DatabasePtr database = state_.server.find(name.database);
  if (!database) invalid_object(name);
  return use(database);
}

// A change happens where its target is.
void SessionCore::place_target(DatabaseUse& home) {
  if (&home == active_) return;
  if (reach_ != Reach::several) throw SeveralDatabases{};
  active_ = &home;
  active_->catalog.refresh();
}

DatabasePtr SessionCore::database_of(const ObjectName& name) {
  if (name.database.empty()) return (reach_ == Reach::own ? active_ : current_)->database;
  return state_.server.find(name.database);
}

bool SessionCore::bound_here(std::string_view database, const ObjectName& name) {
  // tempdb has views of the server alone; temporary tables are looked up by their own way.
  if (same_name(database, "tempdb")) return true;
  if (database.empty() ? reach_ == Reach::own || active_ == current_
                       : same_name(database, active_->database->name))
    return true;
  switch (reach_) {
    case Reach::own: throw OtherDatabase{std::string(database), name};
    case Reach::named: throw SeveralDatabases{name.line};
    case Reach::several: break;
  }
  return false;
}

bool SessionCore::local_bound_here(const TableDef& table) {
  if (local_places_.at(table.object_id) == active_) return true;
  if (reach_ != Reach::several) throw SeveralDatabases{};
  return false;
}

std::int32_t SessionCore::foreign_database_id(std::string_view database, const ObjectName& name) {
  if (bound_here(database, name)) return 0;
  return place_of(name).database->id;
}

template <typename Body>
auto SessionCore::at_place(DatabaseUse& place, Body body) {
  DatabaseUse* const before = std::exchange(active_, &place);
  try {
    place.catalog.refresh();
    before_read();
    auto out = body();
    active_ = before;
    return out;
  } catch (...) {
    active_ = before;
    throw;
  }
}

// Rows of a SELECT over one database's connection, into a new temporary table of another's.
void SessionCore::copy_rows(DatabaseUse& to, const std::string& rows, const std::string& stored_name,
                            const std::string& columns) {
  Connection& target = to.work->connection();
  target.execute("SAVEPOINT copied_rows");
  try {
    target.execute("CREATE TEMP TABLE " + stored_name + "(" + columns + ")");
    sim::Statement source = prepare(rows);
    const int count = source.column_count();
    std::string marks = "?";
    for (int i = 1; i < count; ++i)
      marks += ",?";
    sim::Statement insert = target.prepare("INSERT INTO temp." + stored_name + " VALUES(" + marks + ")");
    for (std::uint64_t done = 0; step(source); ++done) {
      for (int i = 0; i < count; ++i)
        sqlite3_bind_value(insert.handle(), i + 1, sqlite3_column_value(source.handle(), i));
      insert.run();
      insert.reset();
      if (done % rows_between_stop_checks == 0) check_stop();
    }
  } catch (...) {
    target.execute("ROLLBACK TO copied_rows");
    target.execute("RELEASE copied_rows");
    throw;
  }
  target.execute("RELEASE copied_rows");
}

// A table of the database in use, whose rows go where `to` is.
TablePtr SessionCore::copy_table(DatabaseUse& to, const TableDef& table) {
  auto copy = std::make_shared<TableDef>(table);
  copy->object_id = next_local_id_++;
  copies_.push_back(copy->object_id);
  std::string columns;
  std::string names;
  for (const ColumnDef& column : table.columns) {
    columns += (columns.empty() ? "" : ",") + column.stored_name();
    if (!column.collation.empty()) columns += " COLLATE \"" + column.collation + "\"";
    names += (names.empty() ? "" : ",") + column.stored_name();
  }
  copy_rows(to, "SELECT " + names + " FROM " + table.stored_name(), copy->stored_name(), columns);
  return copy;
}

TablePtr SessionCore::copied_local_table(const TablePtr& table) {
  DatabaseUse& to = *active_;
  return at_place(*local_places_.at(table->object_id), [&] { return copy_table(to, *table); });
}

TablePtr SessionCore::copied_table(const ObjectName& name) {
  DatabaseUse& to = *active_;
  return at_place(place_of(name), [&] {
    TablePtr table = active_->catalog.table(name.schema.empty() ? default_schema_ : name.schema, name.name);
    if (!table && name.schema.empty()) table = active_->catalog.table("dbo", name.name);
    if (!table) invalid_object(name);
    check_right(sim::Permission::select, *table);
    return copy_table(to, *table);
  });
}

std::string SessionCore::copied_relation(const SystemRelation& relation, const ObjectName& name) {
  DatabaseUse& to = *active_;
  return at_place(place_of(name), [&] {
    check_system_right(relation);
    const std::int32_t id = next_local_id_++;
    copies_.push_back(id);
    std::string columns;
    for (const SystemColumn& column : relation.columns)
      columns += (columns.empty() ? "" : ",") + ("\"" + std::string(column.name)) + "\"";
    std::string stored_name = "t" + std::to_string(id);
    copy_rows(to, "SELECT " + columns + " FROM " + std::string(relation.stored_name), stored_name, columns);
    return stored_name;
  });
}

}  // namespace tailrace::sim::tsql
