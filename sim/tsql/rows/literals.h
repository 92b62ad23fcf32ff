// Literals of INSERT ... VALUES straight into a column's type, without a tree in between.
#pragma once

#include "sim/catalog/definitions.h"
#include "sim/tsql/parse/ast.h"
#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {

// `scratch` owns what the cell borrows. False: the value does not fit; number and text in `error`.
[[nodiscard]] bool literal_cell(const ValueCell& literal, const TypeInfo& type, Value& scratch, Cell& cell,
                                ConversionError& error);

// The literal as an expression: for a column that keeps the literal's own type (sql_variant).
ExprPtr literal_expression(const ValueCell& literal);

}  // namespace tailrace::sim::tsql
