// A column's default, of its T-SQL, as far as Debezium understands it.
//
// Shape   T-SQL as sys.default_constraints has it: ((1)), ('2019-02-03'), (N'a'), (0x01). What is no plain literal has no default.
// Source  Debezium 3.6: SqlServerDefaultValueConverter, with what it makes of parentheses inside of texts.
#pragma once

#include <optional>

#include "debezium/column_form.h"
#include "model/table_schema.h"
#include "record/schema.h"

namespace tailrace::debezium {

// A value of `schema`, the column's without its default.
std::optional<record::Value> default_of(const Column& column, CellForm form, const record::Schema& schema);

}  // namespace tailrace::debezium
