// Passing bad rows over (R11): a commit point that was refused is applied again so that they can be told apart.
//
// The first failure rolls everything back. A commit point of one batch is repeated at once; the parts of a larger one
// are gone with their transaction, so what was learnt is recorded and the source gives them once more.
#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "postgres/isolate.h"
#include "postgres/offenders.h"
#include "postgres/sink.h"

namespace tailrace::postgres {
namespace {

// The last LSN of a part; every row of a commit point lies behind the durable position.
Lsn last_of(const ChangeBatch& batch) {
  if (batch.end) return batch.end->lsn;
  Lsn last;
  for (const RowBatch& rows : batch.tables) {
    if (!rows.empty()) last = std::max(last, rows.header(rows.rows() - 1).commit_lsn);
  }
  return last;
}

}  // namespace

bool PostgresSink::careful() const {
  return settings_.dead_letters && isolation_.careful_until && (!lsn_ || *lsn_ < *isolation_.careful_until);
}

// True where another attempt knows more than the one that failed.
bool PostgresSink::isolate(const Error& error, const ChangeBatch& batch) {
  if (!settings_.dead_letters) return false;
  if (careful()) return std::exchange(rejected_more_, false);
  isolation_.careful_until = last_of(batch);
  if (!careful()) return false;  // No row lies behind the position: it is what joins here that was refused.
  log::warn("sink.isolating", {{"upto", isolation_.careful_until->hex()}, {"reason", error.what()}});
  return true;
}

// Rows at or behind the position are of a table that joins with this commit point. It is outside still, and its own sink reads
// them again: what is wrong with them is that table's alone (R12).
void PostgresSink::leave_to_its_own_sink(const Error& error, const ChangeBatch& batch) const {
  if (error.kind() != ErrorKind::data || only_ || joining_.empty() || !lsn_ || *lsn_ < last_of(batch)) return;
  throw Error(ErrorKind::conflict,
              "a table that joins brings a row which the target refuses: " + error.message())
      .with("table", joining_.front().str());
}

void PostgresSink::repeat_from_the_source() {
  {
    Transaction transaction(*connection_);
    assert_owner(*connection_, owner_, lsn_);
    store_isolation(*connection_, owner_, isolation_);
    transaction.commit();
  }
  crash_point("dead_letter.before_repeat");
  throw Error(ErrorKind::conflict, "a large transaction holds a bad row and is read again to tell it apart");
}

void PostgresSink::settle_letters(const TableApply& table, Entry& entry, std::uint64_t letters) {
  if (letters == 0) return;
  letters_[table.plan().schema->name] += letters;
  entry.has_diverged = true;
}

void PostgresSink::apply_isolated(TableApply& table, Entry& entry, Gather* gather) {
  RowIsolator isolator(*connection_, statements_, owner_, isolation_);
  const auto prepare = [&] {
    if (gather != nullptr) gather->take(*connection_, table);
  };
  isolator.apply(table, prepare, [&] { settle_keys(table, entry); });
  settle_letters(table, entry, isolator.letters());
}

// A constraint of the target may be deferrable and yet checked at once. One statement of a whole part keeps it where
// the halves of a search would not.
void PostgresSink::defer_constraints() {
  connection_->exec("SET CONSTRAINTS ALL DEFERRED");
}

void PostgresSink::apply_carefully(const ChangeBatch& batch) {
  if (!in_commit_point_) {
    begin_commit_point();
    defer_constraints();
  }
  gather(batch);
  std::map<TableName, TableApply> tables;
  for (const auto& [name, batches] : batches_by_table(batch))
    apply_isolated(coalesce(tables, name, batches), entry_of(name));
}

// What breaks a constraint at the end is taken out of the commit point, which is then done once more: a row that is
// kept back may break another.
void PostgresSink::check_constraints_carefully(const Lsn& upto) {
  std::optional<Error> broken = in_savepoint(*connection_, [&] { check_constraints(); });
  if (!broken) {
    if (!only_) settle_isolation(*connection_, owner_, upto);  // What is kept is the stream's.
    return;
  }
  std::vector<PlanPtr> plans;
  for (const auto& [name, entry] : entries_)
    plans.push_back(entry.plan);
  LetterCause cause = cause_of(*broken);
  cause.reason = "constraint";
  std::unique_ptr<Connection> other;
  const auto committed = [&]() -> Connection& {
    other = std::make_unique<Connection>(settings_, "dead letters", std::stop_token());
    return *other;
  };
  for (const auto& [table, identity] : find_offenders(*connection_, committed, *broken, plans))
    rejected_more_ |= isolation_.reject(table, identity, {upto, cause});
  throw std::move(*broken);
}

std::map<TableName, std::uint64_t> PostgresSink::take_dead_letters() {
  return durable_letters_->take();
}

}  // namespace tailrace::postgres
