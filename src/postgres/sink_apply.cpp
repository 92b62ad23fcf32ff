// Applying a part of a commit point: the server works on it while the next one is made ready (R8).
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "postgres/constraints.h"
#include "postgres/isolate.h"
#include "postgres/sink.h"

namespace tailrace::postgres {
namespace {

// While nobody reads answers they have to fit into what a socket takes by itself, 64 KiB at first, 15 bytes each: what the server
// cannot send for half a minute, because the source gives no next part, ends the connection (its tcp_user_timeout).
constexpr std::size_t most_unread_answers = 3'500;

}  // namespace

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

// A table that joins has rows of its own kind, which leave_to_its_own_sink() knows by the batch that they came in. And a
// table outside the stream tells bad rows apart only where the first part is repeated at once (R11).
bool PostgresSink::is_settled_at_once() const {
  return !joining_.empty() || (only_ && whole_ && settings_.dead_letters);
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
  std::size_t answers = 0;
  for (const auto& [name, batches] : batches_by_table(batch)) {
    TableApply& table = coalesce(tables, name, batches);
    settle_sent();
    send_table(table, entry_of(name));
    answers += table.answers();
  }
  settle_sent();
  if (!batch.end && !is_settled_at_once() && answers <= most_unread_answers) {
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

}  // namespace tailrace::postgres
