// Bisection.
#include "postgres/isolate.h"

#include "base/crash_point.h"
#include "model/key_text.h"

namespace tailrace::postgres {
namespace {

LetterCause diverged_before() {
  return {.reason = "diverged",
          .error =
              "the key has diverged before: without its row the columns that this update leaves out are not "
              "known"};
}

LetterCause never_there() {
  return {
      .reason = "missing",
      .error =
          "the row had a key that the target cannot hold: the columns that this update leaves out are not "
          "known"};
}

LetterCause lost_cause(const TableApply& table, std::size_t change) {
  LetterCause cause = cause_of(table.lost_error(change));
  cause.reason = "missing";
  return cause;
}

// The old row ends all the same: nobody else knows these values any more.
void add_taken_along(DeadLetter& letter, const TableApply& table, std::size_t change) {
  const TableSchema& schema = *table.plan().schema;
  for (std::size_t column = 0; column < schema.columns.size(); ++column) {
    const std::optional<TableApply::Taken> taken = table.taken_along(change, column);
    if (!taken) continue;
    letter.columns.push_back(schema.columns[column].name);
    letter.values.push_back(taken->is_null ? std::nullopt : std::optional(taken->text));
  }
}

void store(Connection& connection, const Owner& owner, const LetterRules& rules, const DeadLetter& letter,
           RowRef row) {
  rules.store ? rules.store(letter, row) : store_dead_letter(connection, owner, letter);
}

void list_key(Connection& connection, const Owner& owner, const TableApply& table, std::size_t change) {
  const RowRef row = table.rows().changes()[change].latest;
  list_diverged(connection, owner, table.plan(),
                {{identity_of(table.plan(), row)}, {key_of(*row.batch, row.row)}});
}

}  // namespace

void look_up_diverged(Connection& connection, const Owner& owner, TableApply& table) {
  std::vector<std::string> identities;
  identities.reserve(table.rows().changes().size());
  for (const NetChange& change : table.rows().changes())
    identities.push_back(identity_of(table.plan(), change.latest));
  table.mark_diverged(diverged_among(connection, owner, table.plan(), identities));
}

void refuse_unfit(const TableApply& table) {
  const std::vector<NetChange>& changes = table.rows().changes();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!table.is_unfit(i)) continue;
    const RowRef row = changes[i].latest;
    throw Error(ErrorKind::data, diverged_before().error)
        .with("table", table.plan().schema->name.str())
        .with("key", readable_key(*row.batch, row.row))
        .with("remedy",
              "request a resnapshot of the table, or let such changes pass (errors.on_row: dead_letter)");
  }
}

std::uint64_t settle_diverged(Connection& connection, const Owner& owner, const TableApply& table,
                              const std::set<std::size_t>& refused, const LetterRules& rules) {
  if (!table.has_diverged()) return 0;
  std::uint64_t letters = 0;
  std::vector<std::string> whole_again;
  const std::vector<NetChange>& changes = table.rows().changes();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (table.is_unfit(i)) {
      store(connection, owner, rules, letter_of(table.rows(), changes[i], diverged_before()),
            changes[i].latest);
      list_key(connection, owner, table, i);
      ++letters;
    } else if (table.is_diverged(i) && !refused.contains(i)) {
      whole_again.push_back(identity_of(table.plan(), changes[i].latest));
    }
  }
  clear_diverged(connection, owner, table.plan(), whole_again);
  return letters;
}

std::optional<Error> in_savepoint(Connection& connection, const std::function<void()>& work,
                                  const LetterRules& rules) {
  connection.exec("SAVEPOINT tailrace_try");
  try {
    work();
  } catch (const Error& error) {
    // Only what the server says of rows. A connection that is lost, a deadlock, a lock that was not had: the whole
    // transaction is done again.
    if (error.kind() != ErrorKind::data || (rules.makes_letters && !rules.makes_letters(error)) ||
        !connection.leave_pipeline())
      throw;
    connection.exec("ROLLBACK TO SAVEPOINT tailrace_try; RELEASE SAVEPOINT tailrace_try");
    return error;
  }
  connection.exec("RELEASE SAVEPOINT tailrace_try");
  return std::nullopt;
}

void RowIsolator::refuse(const TableApply& table, std::size_t change, LetterCause cause) {
  const NetChange& row = table.rows().changes()[change];
  // A delete without its row leaves nothing that differs; one that was rejected leaves a row too many.
  const bool differs = row.kind != NetChange::Kind::delete_ || cause.reason != "missing";
  DeadLetter letter = letter_of(table.rows(), row, std::move(cause));
  add_taken_along(letter, table, change);
  store(connection_, owner_, rules_, letter, row.latest);
  if (differs) list_key(connection_, owner_, table, change);
  refused_.insert(change);
  ++letters_;
}

void RowIsolator::refuse_lost(const TableApply& table) {
  for (const std::size_t change : table.lost())
    refuse(table, change, lost_cause(table, change));
}

// Letters without a search; answers the others.
RowIsolator::Indexes RowIsolator::set_aside(TableApply& table) {
  const TableName& name = table.plan().schema->name;
  const std::vector<NetChange>& changes = table.rows().changes();
  Indexes rest;
  for (const RowRef row : table.rows().keyless()) {
    LetterCause cause = cause_of(*table.rows().key_fault_of(row), *table.plan().schema);
    store(connection_, owner_, rules_, letter_of(row, std::move(cause)), row);
    ++letters_;
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].kind == NetChange::Kind::none || table.is_unfit(i) || refused_.contains(i)) continue;
    if (const RowFault* const fault = table.rows().fault_of(changes[i])) {
      refuse(table, i, cause_of(*fault, *table.plan().schema));
      continue;
    }
    if (changes[i].unlent && changes[i].kind == NetChange::Kind::partial) {
      refuse(table, i, never_there());
      continue;
    }
    const RowRef row = changes[i].latest;
    const Rejection* const rejected =
        isolation_.find(name, identity_of(table.plan(), row), row.batch->header(row.row).commit_lsn);
    if (rejected != nullptr) {
      refuse(table, i, rejected->cause);
    } else {
      rest.push_back(i);
    }
  }
  return rest;
}

void RowIsolator::apply_some(TableApply& table, const Indexes& some, const std::function<void()>& taken) {
  if (some.empty()) return;
  const auto work = [&] {
    connection_.begin_pipeline();
    table.send_some(connection_, statements_, some);
    connection_.finish_pipeline();
    table.check(connection_);
  };
  const std::optional<Error> refused = in_savepoint(connection_, work, rules_);
  crash_point("dead_letter.in_bisection");
  if (!refused) {
    taken();
    refuse_lost(table);
    return;
  }
  statements_.forget(connection_);  // Those that stood behind the failure were never prepared.
  if (some.size() == 1) {
    refuse(table, some.front(), cause_of(*refused));
    crash_point("dead_letter.stored");
    return;
  }
  const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
  apply_some(table, {some.begin(), middle}, taken);
  apply_some(table, {middle, some.end()}, taken);
}

void RowIsolator::apply(TableApply& table, const std::function<void()>& prepare,
                        const std::function<void()>& taken) {
  refused_.clear();
  look_up_diverged(connection_, owner_, table);
  prepare();
  table.read_carried(connection_);
  refuse_lost(table);
  taken();
  if (statements_.are_many(0)) statements_.forget(connection_);
  apply_some(table, set_aside(table), taken);
  letters_ += settle_diverged(connection_, owner_, table, refused_, rules_);
}

}  // namespace tailrace::postgres
