// The filter of a filtered unique index, from T-SQL to PostgreSQL, as far as it means the same in both.
//
// Source  SQL Server: sys.indexes.filter_definition; a filter is comparisons with constants, IS [NOT] NULL and IN,
//         joined by AND.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/table_schema.h"

namespace tailrace::postgres {

// Nothing where the filter holds anything whose meaning is not known to be the same.
std::optional<std::string> postgres_filter(std::string_view filter, const TableSchema& table);

}  // namespace tailrace::postgres
