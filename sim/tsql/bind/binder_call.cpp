// Calls of operations: what SQLite does not have becomes ts(...).
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

// Most operations would take the stored form of these types for their value.
void Binder::require_open(OperationBody body, const Typed& value) const {
  if (!is_opaque(value.type) || body == op_assign || body == op_variant_property ||
      body == op_variant_compare)
    return;
  not_supported("this function or operator with a value of " + std::string(type_name(value.type)));
}

Typed Binder::call(OperationBody body, std::vector<Typed> args, const TypeInfo& result, std::string text,
                   int style, bool strict, bool is_volatile) {
  for (const Typed& arg : args) {
    if (!arg.is_null) require_open(body, arg);
  }
  Operation operation;
  operation.body = body;
  operation.result = result;
  operation.style = style;
  operation.strict = strict;
  operation.text = std::move(text);
  std::vector<std::string> sql;
  Typed out;
  out.nullable = false;
  out.collation = environment_.collation();
  for (const Typed& arg : args) {
    operation.args.push_back(arg.type);
    sql.push_back(arg.sql);
    out.nullable = out.nullable || arg.nullable;
    if (arg.coercibility > out.coercibility) {
      out.coercibility = arg.coercibility;
      out.collation = arg.collation;
    }
  }
  if (out.collation.empty()) out.collation = environment_.collation();
  out.type = result;
  out.sql = call_sql(intern(std::move(operation)), sql, is_volatile);
  return out;
}

std::string Binder::row_count(const Expr& expr, const char* clause) {
  Typed value = expression(expr);
  if (!value.is_null && !is_numeric(value.type.type)) {
    raise(1060,
          "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
          expr.line, 1, 15);
  }
  value = cast_to(std::move(value), bigint_type(), no_style, false, expr.line);
  return call(op_row_count, {std::move(value)}, bigint_type(), clause, no_style, false).sql;
}

}  // namespace tailrace::sim::tsql
