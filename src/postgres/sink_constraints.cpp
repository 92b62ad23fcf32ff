// Constraints of tables that have become exact: unique ones and foreign keys (R9a).
#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "postgres/constraints.h"
#include "postgres/sink.h"

namespace tailrace::postgres {

PostgresSink::Made PostgresSink::add_constraints(const TableSchema& table,
                                                 const std::vector<SchemaPtr>& parents,
                                                 const std::stop_token& stop) {
  std::vector<ConstraintSql> wanted = unique_constraints_sql(table, settings_);
  for (ConstraintSql& foreign_key : foreign_keys_sql(table, parents, settings_))
    wanted.push_back(std::move(foreign_key));
  return make_constraints(table, wanted, stop);
}

PostgresSink::Made PostgresSink::make_constraints(const TableSchema& table,
                                                  const std::vector<ConstraintSql>& wanted,
                                                  const std::stop_token& stop) {
  Made all = Made::yes;
  for (const ConstraintSql& constraint : wanted) {
    if (!constraint.made()) {
      log::warn(
          "sink.constraint.not_made",
          {{"table", table.name.str()}, {"constraint", constraint.name}, {"reason", constraint.reason}});
      continue;
    }
    try {
      const Made made = make_constraint(constraint, stop);
      if (made == Made::stopped) return made;
      if (made == Made::put_off) all = made;
    } catch (Error& error) {
      error.with("table", table.name.str()).with("constraint", constraint.name);
      // Rows that a letter keeps out, or keeps as they were, can break it without being bad themselves.
      if (error.kind() != ErrorKind::data || !settings_.dead_letters) throw;
      log::warn("sink.constraint.not_made",
                {{"table", table.name.str()}, {"constraint", constraint.name}, {"reason", error.what()}});
    }
  }
  return all;
}

// The sink of the stream and one of a table may both see what is missing: one makes it, the other waits and sees it.
PostgresSink::Made PostgresSink::make_constraint(const ConstraintSql& constraint,
                                                 const std::stop_token& stop) {
  Made made = Made::yes;
  const auto run = [&](const std::function<void(const ConstraintState&)>& work) {
    return with_lock_timeout(*connection_, settings_, stop, [&] {
      assert_fence();
      lock_constraints();
      made = both_sides_stream(constraint) ? Made::yes : Made::put_off;
      if (made == Made::yes) work(look_at(*connection_, constraint));
    });
  };
  const auto add = [&](const ConstraintState& state) {
    if (!state.exists) connection_->exec(constraint.add_sql(state.name));
  };
  const auto validate = [&](const ConstraintState& state) {
    if (!state.exists) {
      made = Made::put_off;  // It went aside and its table came back, all since the last look.
    } else if (!state.validated) {
      connection_->exec(constraint.validate_sql(state.name));
    }
  };
  const ConstraintState state = look_at(*connection_, constraint);
  if (!state.exists && !run(add)) return Made::stopped;
  if (made == Made::put_off || !constraint.validate || state.validated) return made;
  return run(validate) ? made : Made::stopped;
}

bool PostgresSink::both_sides_stream(const ConstraintSql& constraint) {
  if (!constraint.parent) return true;
  return connection_
      ->query(
          "SELECT coalesce(bool_and(state = 'streaming' AND NOT leaving), false) FROM tailrace.table_state"
          " WHERE pipeline = $1 AND (target_schema, target_table) IN (($2, $3), ($4, $5))",
          Params()
              .text(owner_.pipeline)
              .text(constraint.relation.schema)
              .text(constraint.relation.name)
              .text(constraint.parent->schema)
              .text(constraint.parent->name))
      .boolean(0, 0);
}

// What is to be done stands in the state: a sink of one table does it for the others as well, and the stream need not wait.
bool PostgresSink::finish_constraints(std::stop_token stop) {
  TAILRACE_ASSERT(!in_commit_point_);
  const std::vector<SchemaPtr> tables = plans_->schemas();
  const Result rows = connection_->query(
      "SELECT source_schema, source_table, constraints_done FROM tailrace.table_state"
      " WHERE pipeline = $1 AND state = 'streaming' AND NOT leaving",
      Params().text(owner_.pipeline));
  std::map<TableName, bool> done;
  for (int at = 0; at < rows.rows(); ++at)
    done[{std::string(rows.text(at, 0)), std::string(rows.text(at, 1))}] = rows.boolean(at, 2);
  if (only_ && !done.contains(*only_)) return !entries_.contains(*only_) || make_unique_constraints(stop);
  const auto is_used = [&](const TableName& name) {
    return std::any_of(tables.begin(), tables.end(),
                       [&](const SchemaPtr& each) { return each->name == name; });
  };
  for (const SchemaPtr& table : tables) {
    const auto found = done.find(table->name);
    if (found == done.end() || found->second) continue;
    // A foreign key waits until its parent streams as well.
    const bool ready =
        std::all_of(table->foreign_keys.begin(), table->foreign_keys.end(),
                    [&](const ForeignKey& key) { return !is_used(key.parent) || done.contains(key.parent); });
    if (!ready) continue;
    const Made made = add_constraints(*table, tables, stop);
    if (made == Made::stopped) return false;
    if (made == Made::put_off) continue;
    const auto record = [&] {
      assert_fence();
      connection_->query(
          "UPDATE tailrace.table_state SET constraints_done = true"
          " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
          Params().text(owner_.pipeline).text(table->name.schema).text(table->name.name));
    };
    if (!with_lock_timeout(*connection_, settings_, stop, record)) return false;
    if (const auto entry = entries_.find(table->name); entry != entries_.end())
      entry->second.constraints_done = true;
  }
  return restore_keys(stop);
}

}  // namespace tailrace::postgres
