// A re-snapshot's shadow table, and the moment it joins: only the differences, by ordinary DML (R12).
#pragma once

#include "postgres/connection.h"
#include "postgres/plan.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

// Makes an empty table in schema tailrace with the columns of `target`; answers its name.
std::string create_shadow(Connection& connection, const TableSchema& table, const RelationName& target);

// Makes the plan's target equal to its shadow, row by row and bit by bit, within the caller's transaction; rows of other
// keys stay where the plan keeps them. A reader sees the table before or after, never empty; what depends on it stays.
ComparedRows join_shadow(Connection& connection, const TablePlan& plan);
// After the constraints were checked: a table with pending events cannot be dropped.
void drop_shadow(Connection& connection, const RelationName& shadow);

}  // namespace tailrace::postgres
