// Tables whose changed rows leave the target before the first comes back (R9c).
#include <algorithm>

#include "base/error.h"
#include "postgres/isolate.h"
#include "postgres/sink.h"

namespace tailrace::postgres {

// A key that a row gets in one part may belong to a row that gives it up in the next one: update pairs of one statement
// exchange and shift keys. In a commit point of one batch both halves are known together.
bool PostgresSink::must_gather(const ChangeBatch& batch, const RowBatch& rows) {
  if (rows.empty()) return false;
  if (gathering_.contains(rows.schema().name)) return true;
  // A shadow has no such index.
  const TablePlan& plan = *entry_of(rows.schema().name).plan;
  if (plan.immediate && !plan.shadow()) return true;
  const bool is_all = batch.end.has_value() && (!in_commit_point_ || parts_ == 0);
  return !is_all && changes_keys(plan, rows);
}

void PostgresSink::gather(const ChangeBatch& batch) {
  for (const RowBatch& rows : batch.tables) {
    if (!must_gather(batch, rows)) continue;
    settle_sent();
    drain();
    const TableName& name = rows.schema().name;
    auto found = gathering_.find(name);
    if (found == gathering_.end()) {
      // Batches of this table that stand before this one have no key changes: they are gathered as well, in order.
      const Entry& entry = entry_of(name);
      found = gathering_
                  .emplace(name, Gather(*connection_, entry.plan, static_cast<int>(gathering_.size()),
                                        is_exact(entry.state)))
                  .first;
    }
  }
  for (const RowBatch& rows : batch.tables) {
    const auto found = gathering_.find(rows.schema().name);
    if (rows.empty() || found == gathering_.end()) continue;
    Gather& gather = found->second;
    const std::size_t head = gather.same_statement(rows);
    const bool goes_on = !batch.end.has_value();
    if (head > 0) apply_gathered(gather, rows, 0, head, goes_on && head == rows.rows());
    if (head == rows.rows()) continue;
    gather.end_statement(*connection_);
    apply_gathered(gather, rows, head, rows.rows(), goes_on);
  }
}

void PostgresSink::apply_gathered(Gather& gather, const RowBatch& rows, std::size_t begin, std::size_t end,
                                  bool goes_on) {
  Entry& entry = entry_of(rows.schema().name);
  TableApply table(gather.plan(), is_exact(entry.state), settings_,
                   careful() ? Faults::keep : Faults::refuse);
  table.add_gathered(rows, begin, end, goes_on);
  if (careful()) {
    apply_isolated(table, entry, &gather);
  } else {
    if (entry.has_diverged) look_up_diverged(*connection_, owner_, table);
    if (entry.has_diverged && !settings_.dead_letters) refuse_unfit(table);
    gather.take(*connection_, table);
    table.read_carried(*connection_);
    if (statements_.are_many(entries_.size())) statements_.forget(*connection_);
    table.arrange();
    connection_->begin_pipeline();
    table.send(*connection_, statements_);
    connection_->finish_pipeline();
    table.check(*connection_);
    settle_keys(table, entry);
    settle_letters(table, entry, settle_diverged(*connection_, owner_, table));
  }
  for (const Key& key : gather.unknown_keys()) {
    if (entry.parked.insert(key).second) park_key(*connection_, owner_, rows.schema().name, key);
  }
  gather.keep_waiting(rows, table);
}

void PostgresSink::finish_gathered(const Lsn& upto) {
  for (auto& [name, gather] : gathering_) {
    if (!careful()) {
      gather.finish(*connection_);
      continue;
    }
    std::vector<Gather::Refused> refused = gather.finish_carefully(*connection_);
    for (const auto& [identity, error] : refused)
      rejected_more_ |= isolation_.reject(name, identity, {upto, cause_of(error)});
    if (!refused.empty()) throw std::move(refused.front().second);
  }
}

}  // namespace tailrace::postgres
