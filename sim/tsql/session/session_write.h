// Statements that write, as a scope: begun, then kept or undone as a whole.
#pragma once

#include <type_traits>

#include "sim/tsql/session/session_core.h"

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

// Runs `body` in the current database, and once more in another one if three-part names lead there, and a third
// time with copies of what others have if it is more than one (session_databases.cpp).
template <typename Body>
auto SessionCore::in_named_database(Body body) {
  const StatementPlace before = enter_statement();
  try {
    for (;;) {
      try {
        if constexpr (std::is_void_v<decltype(body())>) {
          body();
          return leave_statement(before);
        } else {
          auto out = body();
          leave_statement(before);
          return out;
        }
      } catch (const OtherDatabase& other) {
        enter_named_database(other);
      } catch (const SeveralDatabases& several) {
        enter_several_databases(several);
      }
    }
  } catch (...) {
    leave_statement(before);
    throw;
  }
}

}  // namespace tailrace::sim::tsql
