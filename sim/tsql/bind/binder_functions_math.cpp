// Mathematical functions.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

Typed math_function(Binder& binder, const Expr& expr, const std::string& name) {
  const bool two = name == "POWER";
  const bool round = name == "ROUND";
  binder.arguments(expr,
                   round          ? 2
                   : two          ? 2
                   : name == "PI" ? 0
                                  : 1,
                   round                  ? 3
                   : two || name == "LOG" ? 2
                   : name == "PI"         ? 0
                                          : 1);
  if (name == "PI")
    return binder.call(op_math,
                       {binder.cast_to(binder.expression(*[] {
                         static const Expr zero = [] {
                           Expr e;
                           e.kind = ExprKind::literal;
                           e.token_kind = TokenKind::integer;
                           e.text = "0";
                           return e;
                         }();
                         return &zero;
                       }()),
                                       make_type(Type::float_), no_style, false, expr.line)},
                       make_type(Type::float_), name);
  Typed value = binder.expression(*expr.args[0]);
  static const std::vector<std::string_view> exact{"ABS", "SIGN", "FLOOR", "CEILING", "ROUND"};
  const bool keeps_type = std::find(exact.begin(), exact.end(), name) != exact.end();
  if (is_text(value.type.type) || value.is_null || !keeps_type) {
    const TypeInfo original = value.type;
    value = binder.convert_to(std::move(value), make_type(Type::float_), expr.line);
    std::vector<Typed> args{std::move(value)};
    if (expr.args.size() > 1)
      args.push_back(round ? to_bigint(binder, *expr.args[1]) : to_float(binder, *expr.args[1]));
    Typed out = binder.call(op_math, std::move(args), make_type(Type::float_), name);
    if (two && is_integer(original.type))
      return binder.cast_to(std::move(out), original.type == Type::bigint ? bigint_type() : int_type(),
                            no_style, false, expr.line);
    if (two && original.type == Type::decimal)
      return binder.cast_to(std::move(out), decimal_type(38, original.scale), no_style, false, expr.line);
    return out;
  }
  if (!is_numeric(value.type.type))
    raise(8116,
          "Argument data type " + std::string(type_name(value.type)) + " is invalid for argument 1 of " +
              name + " function.",
          expr.line);
  TypeInfo result = value.type;
  if (is_integer(result.type) && result.type != Type::bigint) result = int_type();
  if (result.type == Type::smallmoney) result = make_type(Type::money);
  if (result.type == Type::real) result = make_type(Type::float_);
  if (result.type == Type::decimal && (name == "FLOOR" || name == "CEILING"))
    result = decimal_type(result.precision, 0);
  const TypeInfo argument = result.type == Type::decimal ? value.type : result;
  value = binder.convert_to(std::move(value), argument, expr.line);
  std::vector<Typed> args{std::move(value)};
  for (std::size_t i = 1; i < expr.args.size(); ++i)
    args.push_back(to_bigint(binder, *expr.args[i]));
  return binder.call(op_math, std::move(args), result, name);
}

}  // namespace

std::span<const FunctionHandler> math_functions() {
  static constexpr FunctionHandler handlers[] = {
      {"ABS", math_function},     {"SIGN", math_function},   {"FLOOR", math_function},
      {"CEILING", math_function}, {"ROUND", math_function},  {"SQRT", math_function},
      {"POWER", math_function},   {"EXP", math_function},    {"LOG", math_function},
      {"LOG10", math_function},   {"SQUARE", math_function}, {"SIN", math_function},
      {"COS", math_function},     {"PI", math_function},
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
