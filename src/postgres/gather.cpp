// The temporary table of a commit point.
#include "postgres/gather.h"

#include <fmt/format.h>

#include <utility>

#include "postgres/apply_sql.h"
#include "postgres/dead_letter.h"
#include "postgres/isolate.h"

namespace tailrace::postgres {
namespace {

std::string key_columns(const TablePlan& plan) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += (out.empty() ? "" : ", ") + quote_name(plan.schema->columns[column].name);
  return out;
}

std::string same_key_sql(const TablePlan& plan) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += fmt::format("{0}t.{1} = s.{1}", out.empty() ? "" : " AND ",
                       quote_name(plan.schema->columns[column].name));
  return out;
}

}  // namespace

Gather::Gather(Connection& connection, PlanPtr target, int number, bool is_exact)
    : target_(std::move(target)), may_be_there_(!is_exact || target_->keeps_rows) {
  auto plan = std::make_shared<TablePlan>(*target_);
  plan->relation = {"pg_temp", fmt::format("tailrace_gather_{}", number)};
  if (!target_->shadow()) plan->target = plan->relation;
  plan->only = "NOT t.tailrace_waits";
  plan->overriding = false;
  plan_ = std::move(plan);
  const std::string name = plan_->relation.quoted();
  connection.exec(
      fmt::format("CREATE TEMPORARY TABLE {0} ON COMMIT DROP AS SELECT {1}, false AS tailrace_waits"
                  " FROM {2} WITH NO DATA;"
                  "ALTER TABLE {0} ALTER tailrace_waits SET DEFAULT false;"
                  "CREATE INDEX ON {0} ({3})",
                  name, target_->columns, target_->relation.quoted(), key_columns(*target_)));
}

void Gather::take(Connection& connection, const TableApply& part) {
  part.move_rows(connection, *target_, *plan_);
  connection.exec("ANALYZE " + plan_->relation.quoted());
}

void Gather::keep_waiting(const RowBatch& rows, const TableApply& part) {
  if (!part.has_waiting()) return;
  const std::vector<std::vector<std::string>> keys = part.missing_keys();
  unknown_.insert(unknown_.end(), keys.begin(), keys.end());
  const RowHeader& last = rows.header(rows.rows() - 1);
  statement_ = {last.commit_lsn, last.command_id};
}

std::size_t Gather::same_statement(const RowBatch& rows) const {
  std::size_t row = 0;
  for (; statement_ && row < rows.rows(); ++row) {
    const RowHeader& header = rows.header(row);
    const bool is_pair = header.operation == Operation::update_before ||
                         (row > 0 && rows.header(row - 1).operation == Operation::update_before);
    if (!is_pair || header.commit_lsn != statement_->first || header.command_id != statement_->second) break;
  }
  return row;
}

void Gather::end_statement(Connection& connection) {
  if (!std::exchange(statement_, std::nullopt)) return;
  unknown_.clear();
  if (may_be_there_) {
    // The snapshot may have the row under its new key already, and a row that is kept gives way (R10c): the key is one row's
    // from here on, for the statements that follow as well.
    for (const TablePlan* const held : {target_.get(), plan_.get()})
      connection.exec(fmt::format("DELETE FROM {} AS t USING {} AS s WHERE s.tailrace_waits AND {}{}",
                                  held->relation.quoted(), plan_->relation.quoted(), same_key_sql(*plan_),
                                  held->only.empty() ? "" : " AND " + held->only));
  }
  connection.exec(
      fmt::format("UPDATE {} SET tailrace_waits = false WHERE tailrace_waits", plan_->relation.quoted()));
}

std::string Gather::insert_sql(const std::string& rows) const {
  // A row that came to its key at the end of a statement may find one there that is kept (R10c).
  return fmt::format("INSERT INTO {} ({}) {}SELECT {} FROM {}{}", target_->relation.quoted(),
                     target_->columns,
                     target_->overriding && !target_->shadow() ? "OVERRIDING SYSTEM VALUE " : "",
                     target_->columns, rows, target_->keeps_rows ? upsert_clause(*target_) : "");
}

void Gather::finish(Connection& connection) {
  end_statement(connection);
  connection.exec(insert_sql(plan_->relation.quoted()));
}

// The order of a table that nobody writes to any more.
void Gather::insert_some(Connection& connection, std::uint64_t from, std::uint64_t rows,
                         std::vector<Refused>& refused) {
  if (rows == 0) return;
  const std::string some = fmt::format("(SELECT * FROM {} ORDER BY ctid OFFSET {} LIMIT {}) AS t",
                                       plan_->relation.quoted(), from, rows);
  std::optional<Error> error = in_savepoint(connection, [&] { connection.exec(insert_sql(some)); });
  if (!error) return;
  if (rows == 1) {
    const Result row = connection.query(fmt::format("SELECT {} FROM {}", key_columns(*plan_), some), {},
                                        /*binary_results=*/true);
    refused.emplace_back(identity_of(*plan_, row, 0), std::move(*error));
    return;
  }
  insert_some(connection, from, rows / 2, refused);
  insert_some(connection, from + rows / 2, rows - rows / 2, refused);
}

std::vector<Gather::Refused> Gather::finish_carefully(Connection& connection) {
  end_statement(connection);
  const auto rows = static_cast<std::uint64_t>(
      connection.exec("SELECT count(*) FROM " + plan_->relation.quoted()).integer(0, 0));
  std::vector<Refused> refused;
  insert_some(connection, 0, rows, refused);
  return refused;
}

bool changes_keys(const TablePlan& plan, const RowBatch& rows) {
  WireBuffer before;
  WireBuffer after;
  for (std::size_t row = 0; row + 1 < rows.rows(); ++row) {
    if (rows.header(row).operation != Operation::update_before) continue;
    before.clear();
    after.clear();
    for (const std::size_t column : plan.schema->key) {
      plan.encoders[column].encode_key(before, rows, row, column);
      plan.encoders[column].encode_key(after, rows, row + 1, column);
    }
    if (before.view() != after.view()) return true;
  }
  return false;
}

}  // namespace tailrace::postgres
