// COALESCE, ISNULL, NULLIF and IIF: one of several values.
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

Typed coalesce_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 254);
  std::vector<Typed> values;
  std::optional<TypeInfo> type;
  for (const ExprPtr& arg : expr.args) {
    values.push_back(binder.expression(*arg));
    if (values.back().is_null) continue;
    const std::optional<TypeInfo> both = type ? common_type(*type, values.back().type) : values.back().type;
    if (!both)
      raise(206,
            "Operand type clash: " + std::string(type_name(*type)) + " is incompatible with " +
                std::string(type_name(values.back().type)),
            expr.line, 2);
    type = both;
  }
  if (!type)
    raise(4127,
          "At least one of the arguments to COALESCE must be an expression that is not the NULL constant.",
          expr.line);
  Typed out;
  out.type = *type;
  out.collation = binder.environment().collation();
  out.sql = "coalesce(";
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Typed value = binder.convert_to(values[i], *type, expr.line);
    out.sql += (i == 0 ? "" : ",") + value.sql;
    out.nullable = out.nullable && value.nullable;
    if (value.coercibility > out.coercibility) {
      out.coercibility = value.coercibility;
      out.collation = value.collation;
    }
  }
  out.sql += ")";
  return out;
}

Typed isnull_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.expression(*expr.args[0]);
  Typed other = binder.expression(*expr.args[1]);
  if (value.is_null) return other;
  other = binder.convert_to(std::move(other), value.type, expr.line);
  Typed out = value;
  out.sql = "coalesce(" + value.sql + "," + other.sql + ")";
  out.nullable = value.nullable && other.nullable;
  out.bare = false;
  out.identity = false;
  out.constant.reset();
  return out;
}

Typed nullif_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Expr compare;
  compare.kind = ExprKind::compare;
  compare.text = "=";
  compare.line = expr.line;
  Expr& source = const_cast<Expr&>(expr);  // Lent to the comparison for the call.
  compare.args.push_back(std::move(source.args[0]));
  compare.args.push_back(std::move(source.args[1]));
  const std::string condition = binder.predicate(compare);
  source.args[0] = std::move(compare.args[0]);
  source.args[1] = std::move(compare.args[1]);
  Typed value = binder.expression(*expr.args[0]);
  value.sql = "CASE WHEN " + condition + " THEN NULL ELSE " + value.sql + " END";
  value.nullable = true;
  value.bare = false;
  value.constant.reset();
  return value;
}

Typed iif_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 3, 3);
  const std::string condition = binder.predicate(*expr.args[0]);
  Typed yes = binder.expression(*expr.args[1]);
  Typed no = binder.expression(*expr.args[2]);
  if (yes.is_null && no.is_null)
    raise(8133,
          "At least one of the result expressions in a CASE specification must be an expression other than "
          "the NULL constant.",
          expr.line);
  const std::optional<TypeInfo> type = yes.is_null  ? no.type
                                       : no.is_null ? yes.type
                                                    : common_type(yes.type, no.type);
  if (!type)
    raise(206,
          "Operand type clash: " + std::string(type_name(yes.type)) + " is incompatible with " +
              std::string(type_name(no.type)),
          expr.line, 2);
  yes = binder.convert_to(std::move(yes), *type, expr.line);
  no = binder.convert_to(std::move(no), *type, expr.line);
  Typed out = yes.coercibility >= no.coercibility ? yes : no;
  out.type = *type;
  out.sql = "CASE WHEN " + condition + " THEN " + yes.sql + " ELSE " + no.sql + " END";
  out.nullable = yes.nullable || no.nullable;
  out.bare = false;
  out.is_null = false;
  out.identity = false;
  out.constant.reset();
  return out;
}

}  // namespace

std::span<const FunctionHandler> choice_functions() {
  static constexpr FunctionHandler handlers[] = {
      {"COALESCE", coalesce_function},
      {"ISNULL", isnull_function},
      {"NULLIF", nullif_function},
      {"IIF", iif_function},
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
