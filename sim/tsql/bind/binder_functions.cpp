// Calls of functions: by name to what binds them, and checks of arguments that all of them share.
#include <algorithm>
#include <map>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

namespace {

const std::map<std::string_view, const FunctionHandler*>& function_handlers() {
  static const std::map<std::string_view, const FunctionHandler*> made = [] {
    std::map<std::string_view, const FunctionHandler*> out;
    for (const std::span<const FunctionHandler> family :
         {text_functions(), choice_functions(), date_functions(), math_functions(), random_functions(),
          opaque_functions(), meta_functions()}) {
      for (const FunctionHandler& handler : family)
        out.emplace(handler.name, &handler);
    }
    return out;
  }();
  return made;
}

}  // namespace

Typed to_int(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), int_type(), expr.line);
}
Typed to_bigint(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), bigint_type(), expr.line);
}
Typed to_float(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), make_type(Type::float_), expr.line);
}

void Binder::arguments(const Expr& expr, std::size_t low, std::size_t high) const {
  const std::size_t count = expr.args.size();
  if (count >= low && count <= high) return;
  std::string name = upper(expr.parts.back());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  if (low == high)
    raise(174, "The " + name + " function requires " + std::to_string(low) + " argument(s).", expr.line, 1,
          15);
  raise(189,
        "The " + name + " function requires " + std::to_string(low) + " to " + std::to_string(high) +
            " arguments.",
        expr.line, 1, 15);
}

Typed Binder::function(const Expr& expr) {
  const std::string name = upper(expr.parts.back());
  if (expr.parts.size() > 1) return qualified_function(*this, expr, name);
  if (expr.over) return window_function(expr, name);
  for (const std::string_view known : {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG", "STRING_AGG"}) {
    if (name == known) return aggregate(expr, name);
  }
  if (const auto found = function_handlers().find(name); found != function_handlers().end())
    return found->second->bind(*this, expr, name);
  if (find_session_value(name) != nullptr) {
    arguments(expr, 0, 0);
    return session_value(name);
  }
  raise(195, "'" + expr.parts[0] + "' is not a recognized built-in function name.", expr.line, 10, 15);
}

}  // namespace tailrace::sim::tsql
