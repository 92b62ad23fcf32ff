// Keys and constraints of loaded tables (R9a): the primary key before the replay, the others once a table
// streams; each in its own short transaction, under a lock timeout with retry (R9d).
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "postgres/connection.h"
#include "postgres/ddl.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

// Everything that was deferred is checked now, while an offender can still be named (R9b).
inline constexpr const char* check_constraints_sql = "SET CONSTRAINTS ALL IMMEDIATE";

// Runs `work` in a transaction of its own that gives up waiting for locks after `ddl_lock_timeout`, then
// steps back and tries again. Throws conflict at last. False if stopped first: what runs is cancelled.
[[nodiscard]] bool with_lock_timeout(Connection& connection, const Settings& settings,
                                     const std::stop_token& stop, const std::function<void()>& work);

// What is there of a constraint, and what it is or may be called in the target.
struct ConstraintState {
  std::string name;
  bool exists = false;
  bool validated = false;
};
ConstraintState look_at(Connection& connection, const ConstraintSql& constraint);

// Builds the primary key where there is none. A duplicate is data: the load wrote a row twice.
void ensure_primary_key(Connection& connection, const TableSchema& table, const RelationName& relation);

}  // namespace tailrace::postgres
