// The texts of apply statements: arrays in, one per column, through unnest (R13).
#pragma once

#include <string>
#include <vector>

#include "postgres/plan.h"

namespace tailrace::postgres {

struct ApplySql {
  std::string text;
  std::vector<std::uint32_t> types;  // Of the parameters, in order.
};

// Keys. Returns the ordinal of each row that was found.
ApplySql delete_sql(const TablePlan& plan);
// All columns, then one presence array for every column of `absent`. With `ordinals`, returns those found.
ApplySql update_sql(const TablePlan& plan, const std::vector<bool>& absent, bool ordinals);
// What makes an INSERT overwrite the row of its key.
std::string upsert_clause(const TablePlan& plan);
// All columns. With `upsert`, a row that exists is overwritten.
ApplySql insert_sql(const TablePlan& plan, bool upsert);
// The same; the rows wait until their statement has ended (gather.h).
ApplySql insert_waiting_sql(const TablePlan& plan);
// All columns, binary.
std::string copy_sql(const TablePlan& plan);
// Keys: their rows leave the relation of one plan for that of the other.
ApplySql move_sql(const TablePlan& from, const TablePlan& to);
// Keys: the ordinals and whole rows of those that exist.
ApplySql select_sql(const TablePlan& plan);
// Keys: the ordinal of the first that does not exist.
ApplySql first_missing_sql(const TablePlan& plan);

}  // namespace tailrace::postgres
