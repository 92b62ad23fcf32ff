// Writing: a commit point's parts into one open transaction, its end with the position (R8, R9b).
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

}  // namespace

bool PostgresSink::ends_plainly(const ChangeBatch& batch) const {
  return batch.end && batch.switched.empty() && batch.caught_up.empty() && batch.left.empty() &&
         joining_.empty();
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
      // Those that stood behind the failure were never prepared.
      if (usable) statements_.forget(*connection_);
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

}  // namespace tailrace::postgres
