// Writing: parts of a commit point into one open transaction, its end with the position (R8, R9b).
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "postgres/constraints.h"
#include "postgres/isolate.h"
#include "postgres/shadow.h"
#include "postgres/sink.h"

namespace tailrace::postgres {
namespace {

constexpr int conflict_attempts = 5;
// Everything that was deferred is checked now, while an offender can still be named.
constexpr const char* check_constraints_sql = "SET CONSTRAINTS ALL IMMEDIATE";

}  // namespace

bool PostgresSink::ends_plainly(const ChangeBatch& batch) const {
  return batch.end && batch.switched.empty() && batch.caught_up.empty() && batch.left.empty() &&
         joining_.empty();
}

// The first statement of every apply, and in the server: a runner that has been deposed fails here (R6c).
void PostgresSink::send_begin() {
  connection_->send_query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", {}, {});
  send_assert_ours();
}

void PostgresSink::open_pipeline() {
  if (connection_->in_pipeline()) return;
  connection_->begin_pipeline();
  if (in_commit_point_) return;
  in_commit_point_ = true;
  gathering_.clear();
  takes_copy_.clear();
  send_begin();
}

// Until everything that was sent is answered.
void PostgresSink::drain() {
  if (connection_->in_pipeline()) connection_->finish_pipeline();
}

void PostgresSink::begin_commit_point() {
  open_pipeline();
  drain();
}

// Keys that wait for the source, and keys that need not wait any more (R7c).
void PostgresSink::settle_keys(TableApply& table, Entry& entry) {
  const TableName& name = table.plan().schema->name;
  if (!entry.parked.empty()) {
    for (const Key& key : table.settled_keys()) {
      if (entry.parked.erase(key) != 0) unpark_key(*connection_, owner_, name, key);
    }
  }
  for (const Key& key : table.missing_keys()) {
    if (entry.parked.insert(key).second) park_key(*connection_, owner_, name, key);
  }
}

PostgresSink::BatchesByTable PostgresSink::batches_by_table(const ChangeBatch& batch) {
  BatchesByTable out;
  for (const RowBatch& rows : batch.tables) {
    const TableName& name = rows.schema().name;
    if (rows.empty() || gathering_.contains(name)) continue;
    const Entry& entry = entry_of(name);
    TAILRACE_ASSERT(entry.state != TableState::loading);
    TAILRACE_ASSERT(rows.columns() == entry.plan->encoders.size());
    out[name].push_back(&rows);
  }
  return out;
}

TableApply& PostgresSink::coalesce(Tables& tables, const TableName& name,
                                   const std::vector<const RowBatch*>& batches) {
  const Entry& entry = entry_of(name);
  TableApply& table = tables
                          .try_emplace(name, entry.plan, is_exact(entry.state), settings_,
                                       careful() ? Faults::keep : Faults::refuse)
                          .first->second;
  for (const RowBatch* const rows : batches)
    table.add(*rows);
  return table;
}

// What the target has to be asked before the table's first statement.
void PostgresSink::look_before(TableApply& table, const Entry& entry) {
  if (!entry.has_diverged && !table.has_carried()) return;
  drain();
  if (entry.has_diverged) look_up_diverged(*connection_, owner_, table);
  if (entry.has_diverged && !settings_.dead_letters) refuse_unfit(table);
  table.read_carried(*connection_);
}

// COPY and pipeline exclude each other, so it goes first: while the server works on the updates behind it, the next table's
// changes, or the next part's, are coalesced.
void PostgresSink::copy_new_rows(TableApply& table) {
  auto found = takes_copy_.find(table.plan().schema->name);
  if (found == takes_copy_.end()) {
    open_pipeline();
    table.send_look(*connection_, statements_);
    drain();
    found = takes_copy_.emplace(table.plan().schema->name, table.takes_copy()).first;
  }
  if (!found->second) return table.give_up_copy();
  drain();
  table.copy(*connection_);
}

void PostgresSink::send_table(TableApply& table, const Entry& entry) {
  look_before(table, entry);
  table.arrange();
  if (table.has_copy()) copy_new_rows(table);
  open_pipeline();
  table.send(*connection_, statements_);
  connection_->flush();
}

void PostgresSink::settle(Tables& tables) {
  drain();
  for (auto& [name, table] : tables) {
    table.check(*connection_);
    settle_keys(table, entry_of(name));
    settle_letters(table, entry_of(name), settle_diverged(*connection_, owner_, table));
  }
}

void PostgresSink::settle_sent() {
  if (!sent_) return;
  settle(sent_->tables);
  sent_.reset();
}

// Its statements may be waiting for a lock, and nobody would wait for them.
void PostgresSink::abandon_sent() {
  if (sent_) connection_->cancel();
  sent_.reset();
}

// Everything of the part goes out without waiting for answers, and where nothing else has to happen at its end also that;
// COMMIT alone waits until they were looked at. The answers of a part that does not end the commit point are read once the first
// table of the next one is coalesced: the server is never without work in between.
void PostgresSink::apply(ChangeBatch& batch) {
  if (statements_.are_many(entries_.size())) {
    settle_sent();
    statements_.forget(*connection_);
  }
  if (!in_commit_point_) open_pipeline();
  gather(batch);
  Tables tables;
  for (const auto& [name, batches] : batches_by_table(batch)) {
    TableApply& table = coalesce(tables, name, batches);
    settle_sent();
    send_table(table, entry_of(name));
  }
  settle_sent();
  // A table that joins has rows of its own kind, which leave_to_its_own_sink() knows by the batch that they came in.
  if (!batch.end && joining_.empty()) {
    sent_.emplace(SentPart{std::move(batch.tables), std::move(tables)});
    batch.tables.clear();
    return;
  }
  if (ends_plainly(batch) && gathering_.empty()) {
    open_pipeline();
    connection_->send_query(check_constraints_sql, {}, {});
    send_position(*batch.end);
  }
  settle(tables);
}

void PostgresSink::check_constraints() {
  connection_->exec(check_constraints_sql);
}

// Its rows are what the source has at this end. A table outside the stream is compared with its shadow here as well, in a
// transaction of its own: the stream does not wait for that (R12).
void PostgresSink::let_table_in(const TableName& name, std::vector<TableName>& exact) {
  const Entry& entry = entry_of(name);
  // A row may still be missing; the source is asked for it first.
  if (!entry.parked.empty() || is_exact(entry.state)) return;
  if (entry.plan->shadow()) {
    compared_[name] = join_shadow(*connection_, *entry.plan);
    to_drop_.push_back(entry.plan->relation);
    join_diverged(*connection_, owner_, name);
    store_compared(*connection_, owner_, name, compared_[name]);
    crash_point("join.compared");
  }
  if (only_)
    store_state(*connection_, owner_, name, TableState::joining, std::nullopt);
  else
    store_joined(*connection_, owner_, name);
  exact.push_back(name);
}

void PostgresSink::come_in(const TableName& name, std::vector<TableName>& exact) {
  TAILRACE_ASSERT(!entry_of(name).plan->shadow());
  store_joined(*connection_, owner_, name);
  exact.push_back(name);
}

void PostgresSink::refuse_step_back(const ChangeBatch& batch) const {
  if (batch.end && lsn_ && batch.end->lsn < *lsn_)
    throw Error(ErrorKind::internal, "a position would move backwards")
        .with("from", lsn_->hex())
        .with("to", batch.end->lsn.hex());
}

void PostgresSink::end_commit_point(const ChangeBatch& batch) {
  becoming_streaming_.clear();
  compared_.clear();
  to_drop_.clear();
  if (careful() || !ends_plainly(batch) || !gathering_.empty()) {
    finish_gathered(batch.end->lsn);
    for (const TableName& table : batch.caught_up)
      let_table_in(table, becoming_streaming_);
    for (const TableName& table : joining_)
      come_in(table, becoming_streaming_);
    for (const TableName& table : batch.left)
      store_left(*connection_, owner_, table, batch.end->lsn);
    for (const InstanceSwitch& change : batch.switched)
      store_instance(*connection_, owner_, change);
    careful() ? check_constraints_carefully(batch.end->lsn) : check_constraints();
    for (const RelationName& shadow : to_drop_)
      drop_shadow(*connection_, shadow);
    store_end(*batch.end);
  }
  if (!joining_.empty()) crash_point("join.before_commit");
  if (!batch.left.empty()) crash_point("leave.before_commit");
  if (!batch.switched.empty()) crash_point("switch.before_commit");
  crash_point("sink.before_commit");
  connection_->exec("COMMIT");
  if (!batch.switched.empty()) crash_point("switch.after_commit");
  crash_point("sink.after_commit");
  in_commit_point_ = false;
}

void PostgresSink::tell_compared(const TableName& name) const {
  const ComparedRows& rows = compared_.at(name);
  const ExistingRows existing = entries_.at(name).existing;
  log::info("sink.table.compared",
            {{"table", name.str()},
             {"existing", existing == ExistingRows::refuse ? "ours" : name_of(existing)},
             {"differed", rows.differed()},
             {"deleted", rows.deleted},
             {"updated", rows.updated},
             {"inserted", rows.inserted},
             {"kept", rows.kept}});
}

// What is true only once it is durable.
void PostgresSink::after_commit(const ChangeBatch& batch, const std::vector<TableName>& streaming) {
  lsn_ = batch.end->lsn;
  gathering_.clear();
  for (const auto& [table, letters] : std::exchange(letters_, {}))
    durable_letters_->add(table, letters);
  if (isolation_.careful_until && *isolation_.careful_until <= *lsn_) isolation_ = {};
  for (const TableName& name : streaming) {
    Entry& entry = entry_of(name);
    entry.state = only_ ? TableState::joining : TableState::streaming;
    if (!entry.plan->shadow()) continue;
    entry.plan =
        make_plan(settings_, entry.plan->schema, entry.plan->target, entry.existing == ExistingRows::append,
                  read_targets(*connection_, {entry.plan->target}));
    plans_->put(entry.plan);
    tell_compared(name);
  }
  joining_.clear();
  for (const TableName& name : batch.left)
    entries_.erase(name);
  for (const InstanceSwitch& change : batch.switched)
    log::info("sink.table.instance", {{"table", change.table.str()},
                                      {"instance", change.instance.name},
                                      {"behind", batch.end->lsn.hex()}});
}

bool PostgresSink::write_once(ChangeBatch& batch, const std::stop_token& stop) {
  if (stop.stop_requested()) return false;
  whole_ = false;
  const CancelOnStop cancel(*connection_, stop);
  refuse_if_fenced();
  refuse_step_back(batch);
  if (!in_commit_point_) {
    parts_ = 0;
    joining_.clear();
  }
  whole_ = parts_ == 0;
  announce(batch.joining);
  careful() ? apply_carefully(batch) : apply(batch);
  crash_point("sink.in_apply");
  ++parts_;
  if (!batch.end) return true;
  end_commit_point(batch);
  after_commit(batch, becoming_streaming_);
  return true;
}

bool PostgresSink::write(ChangeBatch& batch, std::stop_token stop) {
  TAILRACE_ASSERT(connection_ != nullptr);
  for (int attempt = 1;; ++attempt) {
    try {
      return write_once(batch, stop);
    } catch (const Error& error) {
      in_commit_point_ = false;
      gathering_.clear();
      letters_.clear();
      sent_.reset();
      const bool usable = connection_->reset();
      leave_to_its_own_sink(error, batch);
      if (stop.stop_requested() && error.kind() == ErrorKind::conflict) return false;
      // What was learnt of a large transaction is kept for the stream alone: a table outside it is held instead.
      const bool isolating =
          usable && error.kind() == ErrorKind::data && !(only_ && !whole_) && isolate(error, batch);
      if (isolating && !whole_) repeat_from_the_source();
      const bool repeatable =
          isolating || (error.kind() == ErrorKind::conflict && attempt != conflict_attempts);
      if (!whole_ || !usable || !repeatable) throw;
      if (isolating) attempt = 0;
      log::warn("sink.write.retry", {{"attempt", attempt}, {"reason", error.what()}});
    }
    statements_.forget(*connection_);
    reload_parked();
    if (!wait_for(std::chrono::milliseconds(20) * attempt, stop)) return false;
  }
}

void PostgresSink::reload_parked() {
  std::vector<TableName> names;
  for (auto& [name, entry] : entries_) {
    names.push_back(name);
    entry.parked.clear();
    entry.has_diverged = false;
  }
  if (names.empty()) return;
  for (auto& [name, keys] : read_parked(*connection_, settings_.pipeline, names))
    entry_of(name).parked = std::move(keys);
  for (const TableName& name : diverged_tables(*connection_, owner_, names))
    entry_of(name).has_diverged = true;
}

std::vector<ParkedKeys> PostgresSink::parked_keys() {
  std::vector<ParkedKeys> out;
  for (const auto& [name, entry] : entries_) {
    if (!entry.parked.empty())
      out.push_back({entry.plan->schema, {entry.parked.begin(), entry.parked.end()}});
  }
  return out;
}

void PostgresSink::settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) {
  refuse_if_fenced();
  Entry& entry = entry_of(parked.schema->name);
  Transaction transaction(*connection_);
  assert_ours();
  TableApply table(entry.plan, /*streaming=*/false, settings_,
                   settings_.dead_letters ? Faults::keep : Faults::refuse);
  table.add(rows);
  if (settings_.dead_letters) {
    defer_constraints();
    apply_isolated(table, entry);
  } else {
    table.arrange();
    connection_->begin_pipeline();
    table.send(*connection_, statements_);
    connection_->finish_pipeline();
  }
  check_constraints();
  for (const Key& key : parked.keys)
    unpark_key(*connection_, owner_, parked.schema->name, key);
  store_state(*connection_, owner_, parked.schema->name, TableState::catching_up, mark);
  transaction.commit();
  for (const auto& [name, letters] : std::exchange(letters_, {}))
    durable_letters_->add(name, letters);
  for (const Key& key : parked.keys)
    entry.parked.erase(key);
}

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
