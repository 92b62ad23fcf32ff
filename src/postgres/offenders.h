// Which changed keys break a constraint that is only checked at the end of a commit point (R9b, R11).
//
// Shape    Asked in the open transaction, after the failed check was undone. Only rows that this transaction wrote can
//          be rejected; for a foreign key whose child was not touched it is the parent whose end was too early. Of rows
//          that are equal under a unique index the one that was so before stays.
// Errors   None: where nothing is found the caller lets the failure stand.
// Source   PostgreSQL 15: pg_constraint, pg_index, ri_ReportViolation (the table of the message is the child).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/plan.h"

namespace tailrace::postgres {

// Table and identity (dead_letter.h).
using Offender = std::pair<TableName, std::string>;

// `committed` answers another connection, which sees what was before the open transaction; asked for only where it is needed.
std::vector<Offender> find_offenders(Connection& connection, const std::function<Connection&()>& committed,
                                     const Error& broken, const std::vector<PlanPtr>& plans);

}  // namespace tailrace::postgres
