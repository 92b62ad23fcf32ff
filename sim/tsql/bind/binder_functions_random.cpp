// NEWID and RAND.
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

Typed newid_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 0, 0);
  return binder.call(op_newid, {}, make_type(Type::uniqueidentifier), "", no_style, true, true);
}

Typed rand_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 0, 1);
  std::vector<Typed> args;
  if (!expr.args.empty()) args.push_back(to_int(binder, *expr.args[0]));
  return binder.call(op_rand, std::move(args), make_type(Type::float_), "", no_style, false, true);
}

}  // namespace

std::span<const FunctionHandler> random_functions() {
  static constexpr FunctionHandler handlers[] = {
      {"NEWID", newid_function},
      {"RAND", rand_function},
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
