// Functions and methods of sql_variant and of CLR types.
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

Typed variant_property_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.expression(*expr.args[0]);
  if (value.is_null) return binder.null_value(nvarchar_type(128));
  value = binder.convert_to(std::move(value), guise_type(Guise::sql_variant), expr.line);
  Typed out = binder.call(op_variant_property, {std::move(value), binder.text_argument(*expr.args[1])},
                          nvarchar_type(128));
  out.nullable = true;
  return out;
}

Typed from_text_function(Binder& binder, const Expr& expr, const std::string& name) {
  const Guise guise = name.starts_with("GEOMETRY") ? Guise::geometry : Guise::geography;
  binder.arguments(expr, 2, 2);
  Typed text = binder.convert_to(binder.text_argument(*expr.args[0]), nvarchar_type(-1), expr.line);
  return binder.call(op_spatial, {std::move(text), to_int(binder, *expr.args[1])}, guise_type(guise));
}

Typed parse_function(Binder& binder, const Expr& expr, const std::string& name) {
  const Guise guise = name.starts_with("GEOMETRY")    ? Guise::geometry
                      : name.starts_with("GEOGRAPHY") ? Guise::geography
                                                      : Guise::hierarchyid;
  binder.arguments(expr, 1, 1);
  return binder.convert_to(binder.text_argument(*expr.args[0]), guise_type(guise), expr.line);
}

}  // namespace

// value.ToString() of a column; nothing: no method that is known.
std::optional<Typed> method_of_column(Binder& binder, const Expr& expr) {
  if (!same_word(expr.parts.back(), "ToString") || !expr.args.empty()) return std::nullopt;
  Expr column;
  column.kind = ExprKind::column;
  column.line = expr.line;
  column.parts.assign(expr.parts.begin(), expr.parts.end() - 1);
  Typed value = binder.expression(column);
  if (!is_opaque(value.type) || value.type.guise == Guise::sql_variant) return std::nullopt;
  const std::int32_t most = value.type.guise == Guise::hierarchyid ? 4000 : -1;
  return binder.cast_to(std::move(value), nvarchar_type(most), no_style, false, expr.line);
}

std::span<const FunctionHandler> opaque_functions() {
  static constexpr FunctionHandler handlers[] = {
      {"SQL_VARIANT_PROPERTY", variant_property_function},
      {"GEOMETRY::STGEOMFROMTEXT", from_text_function},
      {"GEOGRAPHY::STGEOMFROMTEXT", from_text_function},
      {"GEOMETRY::PARSE", parse_function},
      {"GEOGRAPHY::PARSE", parse_function},
      {"HIERARCHYID::PARSE", parse_function},
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
