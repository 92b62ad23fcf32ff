// Changes of one table that must all be known before the first of them is written (R9c, R7e).
//
// Shape    A temporary table of the open transaction, made like the target. The rows of every key that a part changes are
//          moved from the target into it, the part is applied to them there, and at the end of the commit point what has
//          become of them is inserted: every changed row is deleted before the first insert, and columns that nobody
//          mentioned travel with their row, along chains of key changes too.
//          Rows that a statement has given a new key wait apart while the statement goes on in the next part: the row
//          that has that key may still have to leave it.
// Errors   data: the target refuses the rows at the end.
// Threads  The sink's.
// Source   docs/rules.md R7e, R9c.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/plan.h"
#include "postgres/table_apply.h"

namespace tailrace::postgres {

class Gather {
 public:
  // Makes the temporary table `number`; it ends with the transaction. `is_exact`: the target holds what the source had
  // before, so that the key which a row gets is free.
  Gather(Connection& connection, PlanPtr target, int number, bool is_exact);

  // Rows go to the temporary table.
  const PlanPtr& plan() const { return plan_; }
  // Before a part is applied: its rows come over from the target.
  void take(Connection& connection, const TableApply& part);
  // After it. `rows`: those of the part, so that the next one is known to go on in the same statement.
  void keep_waiting(const RowBatch& rows, const TableApply& part);
  // Keys that rows of the open statement have got and whose absent columns are not known (R7c): that the statement takes such
  // a key from another row, in its next part, does not settle it.
  const std::vector<std::vector<std::string>>& unknown_keys() const { return unknown_; }
  // How many of the first rows of `rows` belong to the statement whose rows wait.
  std::size_t same_statement(const RowBatch& rows) const;
  bool has_waiting() const { return statement_.has_value(); }
  void end_statement(Connection& connection);
  // Puts everything back into the target.
  void finish(Connection& connection);
  // An identity (dead_letter.h) and what the target has against it.
  using Refused = std::pair<std::string, Error>;
  // The rows that the target refuses, told apart in savepoints.
  std::vector<Refused> finish_carefully(Connection& connection);

 private:
  void insert_some(Connection& connection, std::uint64_t from, std::uint64_t rows,
                   std::vector<Refused>& refused);
  std::string insert_sql(const std::string& rows) const;

  PlanPtr target_;
  PlanPtr plan_;
  bool may_be_there_;  // A row of a key that nobody has changed before; see TableApply.
  std::optional<std::pair<Lsn, std::int32_t>> statement_;
  std::vector<std::vector<std::string>> unknown_;
};

// The part changes a key to another by a pair of images.
bool changes_keys(const TablePlan& plan, const RowBatch& rows);

}  // namespace tailrace::postgres
