// A position set by hand: one transaction for the position, what it means for the tables, and the note of it.
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "postgres/constraints.h"
#include "postgres/ddl.h"
#include "postgres/existing.h"
#include "postgres/sink.h"

namespace tailrace::postgres {
namespace {

// Those that tailrace makes once a table streams; foreign keys between tables stand aside as a whole.
void drop_own_constraints(Connection& connection, const SchemaPtr& table, const Settings& settings) {
  std::vector<ConstraintSql> own = unique_constraints_sql(*table, settings);
  for (ConstraintSql& key : foreign_keys_sql(*table, {table}, settings))
    own.push_back(std::move(key));
  for (const ConstraintSql& constraint : own) {
    if (!constraint.made()) continue;
    const ConstraintState state = look_at(connection, constraint);
    if (!state.exists) continue;
    connection.exec(fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", constraint.relation.quoted(),
                                quote_name(state.name)));
  }
}

void store_replay(Connection& connection, const Owner& owner, const TableName& table,
                  const PositionMove& move) {
  connection.query(
      "UPDATE tailrace.table_state SET state = 'catching_up', low = $4::bytea, high_mark = $5,"
      "   constraints_done = false, changed_at = clock_timestamp()"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      Params()
          .text(owner.pipeline)
          .text(table.schema)
          .text(table.name)
          .text(bytea_text(move.to.lsn))
          .text(move.replay_until->text));
}

void store_note(Connection& connection, const Owner& owner, const Lsn& from, const PositionMove& move) {
  std::vector<std::string> tables;
  std::vector<std::string> counts;
  for (const auto& [table, count] : move.skipped) {
    tables.push_back(table.str());
    counts.push_back(count ? std::to_string(*count) : "");
    connection.query(
        "UPDATE tailrace.table_state SET skipped = true"
        " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
        Params().text(owner.pipeline).text(table.schema).text(table.name));
  }
  connection.query(
      "INSERT INTO tailrace.position_change (pipeline, changed_by, from_lsn, to_lsn, reason, skipped)"
      " SELECT $1, $2, $3::bytea, $4::bytea, $5,"
      "        coalesce(jsonb_object_agg(s.name, nullif(s.changes, '')::bigint) FILTER (WHERE s.name IS NOT "
      "NULL), '{}')"
      "   FROM unnest($6::text[], $7::text[]) AS s(name, changes)",
      Params()
          .text(owner.pipeline)
          .text(move.by)
          .text(bytea_text(from))
          .text(bytea_text(move.to.lsn))
          .text(move.reason)
          .texts(tables)
          .texts(counts));
}

}  // namespace

// What is replayed shows old rows beside new ones: constraints that tailrace makes come back once the table is whole again, as
// after its first load. Others would meet them (R9a).
void PostgresSink::begin_replay(const TableName& name, const Entry& entry, const PositionMove& move) {
  if (!entry.plan->shadow()) {
    step_back_first();
    take_keys_aside(name);
    drop_own_constraints(*connection_, entry.plan->schema, settings_);
    if (meets_constraints(*connection_, entry.plan->target))
      throw Error(ErrorKind::config, fmt::format("{} has unique indexes, or a foreign key to itself, that "
                                                 "tailrace did not make: rows as they were "
                                                 "would meet rows as they are",
                                                 entry.plan->target.str()))
          .with("table", name.str())
          .with("remedy",
                fmt::format(
                    "drop them, and make them again once the table streams; or take the table again instead: "
                    "tailrace table CONFIG resnapshot --table {}",
                    name.str()));
  }
  store_replay(*connection_, owner_, name, move);
}

bool PostgresSink::move_position(const PositionMove& move, std::stop_token stop) {
  TAILRACE_ASSERT(!only_ && lsn_ && !in_commit_point_);
  const Lsn from = *lsn_;
  const bool is_done = with_lock_timeout(*connection_, settings_, stop, [&] {
    assert_ours();
    for (const auto& [name, entry] : entries_) {
      if (move.replay_until) begin_replay(name, entry, move);
    }
    store_position(*connection_, owner_, move.to);
    store_note(*connection_, owner_, from, move);
  });
  if (!is_done) return false;
  lsn_ = move.to.lsn;
  log::warn("sink.position.moved",
            {{"from", from.hex()}, {"to", move.to.lsn.hex()}, {"by", move.by}, {"reason", move.reason}});
  return true;
}

}  // namespace tailrace::postgres
