// Types of columns as records say them, made what the target's columns say: a record of Kafka knows less than SQL Server does.
//
// Shape    Only what a record's schema leaves open is adapted: text of no length, which may be a uuid, xml, a number or text of some
//          length; digits of a second up to those that the unit has; a decimal without a precision. A value that does not fit is then a
//          fault of its row. Whatever else does not fit is refused by name as ever (target_table.h).
// Threads  A function.
// Source   docs/rules.md R10b; docs/decisions/017.
#pragma once

#include <optional>

#include "model/table_schema.h"
#include "postgres/types.h"

namespace tailrace::postgres {

// The type of a column that is there, for records that say none; nothing: no record's value goes into it.
std::optional<ColumnType> type_of_target(const PgType& target);

ColumnType adapted_type(const ColumnType& proposed, const PgType& target);

}  // namespace tailrace::postgres
