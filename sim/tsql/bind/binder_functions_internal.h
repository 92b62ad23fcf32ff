// What the files of binder_functions*.cpp share: a table of functions for each file, and arguments as numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/tsql/bind/binder.h"

namespace tailrace::sim::tsql {

// A function by its name (upper case) and what binds a call of it.
struct FunctionHandler {
  std::string_view name;
  Typed (*bind)(Binder& binder, const Expr& expr, const std::string& name);
};

std::span<const FunctionHandler> text_functions();
std::span<const FunctionHandler> choice_functions();
std::span<const FunctionHandler> date_functions();
std::span<const FunctionHandler> math_functions();
std::span<const FunctionHandler> random_functions();
std::span<const FunctionHandler> opaque_functions();
std::span<const FunctionHandler> meta_functions();

// [db.]sys.fn_cdc_..., or a method of a column; user-defined functions are not known (4121).
Typed qualified_function(Binder& binder, const Expr& expr, const std::string& name);
// value.ToString() of a column; nothing: no method that is known.
std::optional<Typed> method_of_column(Binder& binder, const Expr& expr);

Typed to_int(Binder& binder, const Expr& expr);
Typed to_bigint(Binder& binder, const Expr& expr);
Typed to_float(Binder& binder, const Expr& expr);

}  // namespace tailrace::sim::tsql
