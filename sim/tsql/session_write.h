// Statements that write, as a scope: begun, then kept or undone as a whole.
#pragma once

#include "sim/tsql/session_core.h"

namespace tailrace::sim::tsql {

template <typename Body>
void SessionCore::write_statement(Body body) {
  begin_write();
  try {
    body();
  } catch (...) {
    end_write(false);
    throw;
  }
  end_write(true);
}

// Runs `body` in the current database, and once more in another one if a three-part name leads there.
template <typename Body>
auto SessionCore::in_named_database(Body body) {
  try {
    return body();
  } catch (const OtherDatabase& other) {
    if (active_ != current_) not_supported("a statement over several databases", other.line);
    const DatabasePtr database = state_.server.find(other.name);
    if (!database) raise(208, "Invalid object name '" + other.name + "'.", other.line);
    active_ = &use(database);
  }
  try {
    active_->catalog.refresh();
    return body();
  } catch (const OtherDatabase& other) {
    not_supported("a statement over several databases", other.line);
  }
}

}  // namespace tailrace::sim::tsql
