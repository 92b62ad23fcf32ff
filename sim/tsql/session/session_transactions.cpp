// Transactions and their nesting, and statements that write.
#include <utility>

#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
namespace {

// The savepoint of one statement inside a transaction.
constexpr std::string_view statement_savepoint = "tsql statement";

}  // namespace

void SessionCore::check(const Outcome& outcome) {
  if (!outcome) return;
  if (outcome->severity == 0) throw Cancelled{};
  StatementError error;
  error.message.number = outcome->number;
  error.message.text = outcome->text;
  error.message.severity = outcome->severity;
  error.message.state = outcome->state;
  error.message.procedure = outcome->procedure;
  error.message.line = 0;
  throw StatementError(std::move(error));
}

void SessionCore::begin(bool implicit) {
  if (tran_count_++ > 0) return;
  (void)implicit;
  doomed_ = false;
  descriptor_ = state_.next_transaction.fetch_add(1);
  sink_->transaction_began(descriptor_);
}

void SessionCore::commit() {
  if (tran_count_ == 0) raise(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.");
  if (doomed_)
    raise(3930,
          "The current transaction cannot be committed and cannot support operations that write to the log "
          "file. Roll back the transaction.");
  if (--tran_count_ > 0) return;
  for (auto& [id, item] : uses_) {
    if (!item->begun) continue;
    item->work->commit();
    item->begun = false;
  }
  sink_->transaction_committed(descriptor_);
}

void SessionCore::roll_back_all(bool tell) {
  for (auto& [id, item] : uses_) {
    if (!item->begun) continue;
    item->work->rollback();
    item->begun = false;
  }
  in_write_ = false;
  tran_count_ = 0;
  doomed_ = false;
  if (tell) sink_->transaction_rolled_back(descriptor_);
}

void SessionCore::rollback(const std::string& name, bool tell) {
  if (tran_count_ == 0)
    raise(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.");
  if (!name.empty()) {
    bool found = false;
    for (auto& [id, item] : uses_) {
      if (item->begun) found = item->work->rollback_to(name) || found;
    }
    if (found) return;
    // The outermost transaction's own name rolls back everything; other names are not known.
    if (transaction_name_.empty() || !same_name(transaction_name_, name)) {
      raise(6401, "Cannot roll back " + name + ". No transaction or savepoint of that name was found.");
    }
  }
  roll_back_all(tell);
}

void SessionCore::begin_write_lazily(const std::string& savepoint) {
  if (!active_->begun) {
    active_->work->begin(options_.isolation);
    active_->begun = true;
  }
  active_->work->savepoint(savepoint);
}

void SessionCore::ensure_implicit_transaction() {
  if (options_.implicit_transactions && tran_count_ == 0) begin(true);
}

void SessionCore::before_read(bool of_table) {
  if (of_table) ensure_implicit_transaction();
  if (tran_count_ == 0) {
    if (of_table && options_.isolation == Isolation::snapshot) check(active_->work->snapshot_allowed());
    return;
  }
  if (!active_->begun) {
    active_->work->begin(options_.isolation);
    active_->begun = true;
  }
  check(active_->work->before_read(options_.lock_timeout, stop_));
}

void SessionCore::begin_write() {
  ensure_implicit_transaction();
  if (doomed_)
    raise(3930,
          "The current transaction cannot be committed and cannot support operations that write to the log "
          "file. Roll back the transaction.");
  Work& work = *active_->work;
  if (tran_count_ > 0 && !active_->begun) {
    work.begin(options_.isolation);
    active_->begun = true;
  }
  check(work.before_write(options_.lock_timeout, stop_));
  in_write_ = true;
  if (tran_count_ > 0) work.savepoint(statement_savepoint);
  work.log().next_command();
}

void SessionCore::end_write(bool good) {
  if (!in_write_) return;
  in_write_ = false;
  Work& work = *active_->work;
  if (tran_count_ == 0) {
    if (good)
      work.commit();
    else
      work.rollback();
    return;
  }
  if (!good && !work.rollback_to(statement_savepoint)) return;
  work.release(statement_savepoint);
}

void SessionCore::begin_transaction(std::uint8_t isolation, ResultSink& sink) {
  sink_ = &sink;
  if (disconnected(sink)) return;
  // [MS-TDS] 2.2.6.9: 1 read uncommitted, 2 read committed, 3 repeatable read, 4 serializable, 5 snapshot.
  if (isolation >= 1 && isolation <= 5) options_.isolation = static_cast<Isolation>(isolation - 1);
  begin(false);
}

void SessionCore::commit_transaction(ResultSink& sink) {
  sink_ = &sink;
  if (disconnected(sink)) return;
  try {
    commit();
  } catch (StatementError& error) {
    error.message.line = 1;
    sink.message(error.message);
  }
}

void SessionCore::rollback_transaction(ResultSink& sink) {
  sink_ = &sink;
  if (disconnected(sink)) return;
  try {
    rollback("");
  } catch (StatementError& error) {
    error.message.line = 1;
    sink.message(error.message);
  }
}

void SessionCore::reset(ResultSink& sink) {
  sink_ = &sink;
  if (tran_count_ > 0) roll_back_all(true);
  options_ = Options{};
  gate_owner_.priority = 0;
  for (const auto& [name, table] : temporary_)
    drop_local_table(table);
  temporary_.clear();
  handles_.clear();
  last_error_ = 0;
  row_count_ = 0;
  scope_identity_.reset();
  identity_insert_ = 0;
  const DatabasePtr home =
      state_.server.find(login_.database.empty() ? definition_.default_database : login_.database);
  if (home && home != current_->database) {
    const std::string from = current_->database->name;
    current_ = &use(home);
    active_ = current_;
    sink.database_changed(from, home->name);
  }
}

}  // namespace tailrace::sim::tsql
