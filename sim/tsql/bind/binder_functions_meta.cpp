// Functions of metadata, which the session answers.
#include <map>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

struct MetaRow {
  std::size_t low, high;
  Type args[3];
  TypeInfo result;
};

const std::map<std::string, MetaRow, std::less<>>& meta_rows() {
  static const TypeInfo name_type = nvarchar_type(128);
  static const std::map<std::string, MetaRow, std::less<>> rows{
      {"PARSENAME", {2, 2, {Type::nvarchar, Type::bigint}, name_type}},
      {"OBJECT_NAME", {1, 2, {Type::bigint, Type::bigint}, name_type}},
      {"OBJECT_SCHEMA_NAME", {1, 2, {Type::bigint, Type::bigint}, name_type}},
      {"OBJECT_ID", {1, 2, {Type::nvarchar, Type::nvarchar}, int_type()}},
      {"SCHEMA_NAME", {1, 1, {Type::bigint}, name_type}},
      {"SCHEMA_ID", {1, 1, {Type::nvarchar}, int_type()}},
      {"DB_NAME", {1, 1, {Type::bigint}, name_type}},
      {"DB_ID", {1, 1, {Type::nvarchar}, make_type(Type::smallint)}},
      {"COL_NAME", {2, 2, {Type::bigint, Type::bigint}, name_type}},
      {"COLUMNPROPERTY", {3, 3, {Type::bigint, Type::nvarchar, Type::nvarchar}, int_type()}},
      {"OBJECTPROPERTY", {2, 2, {Type::bigint, Type::nvarchar}, int_type()}},
      {"SERVERPROPERTY", {1, 1, {Type::nvarchar}, guise_type(Guise::sql_variant)}},
      {"DATABASEPROPERTYEX", {2, 2, {Type::nvarchar, Type::nvarchar}, guise_type(Guise::sql_variant)}},
      {"SESSIONPROPERTY", {1, 1, {Type::nvarchar}, guise_type(Guise::sql_variant)}},
      {"TYPE_NAME", {1, 1, {Type::bigint}, name_type}},
      {"TYPE_ID", {1, 1, {Type::nvarchar}, int_type()}},
      {"COL_LENGTH", {2, 2, {Type::nvarchar, Type::nvarchar}, make_type(Type::smallint)}},
      {"HAS_DBACCESS", {1, 1, {Type::nvarchar}, int_type()}},
      {"INDEX_COL", {3, 3, {Type::nvarchar, Type::bigint, Type::bigint}, name_type}},
      {"INDEXPROPERTY", {3, 3, {Type::bigint, Type::nvarchar, Type::nvarchar}, int_type()}},
      {"IDENT_CURRENT", {1, 1, {Type::nvarchar}, decimal_type(38, 0)}},
      {"HAS_PERMS_BY_NAME", {3, 3, {Type::nvarchar, Type::nvarchar, Type::nvarchar}, int_type()}},
      {"IS_SRVROLEMEMBER", {1, 2, {Type::nvarchar, Type::nvarchar}, int_type()}},
      {"IS_MEMBER", {1, 1, {Type::nvarchar}, int_type()}},
      {"IS_ROLEMEMBER", {1, 2, {Type::nvarchar, Type::nvarchar}, int_type()}},
      {"USER_NAME", {1, 1, {Type::bigint}, name_type}},
  };
  return rows;
}

Typed meta_function(Binder& binder, const Expr& expr, const std::string& name) {
  // Without an argument some of them mean the session's own.
  if (expr.args.empty() && find_session_value(name) != nullptr) return binder.session_value(name);
  const MetaRow& row = meta_rows().find(name)->second;
  binder.arguments(expr, row.low, row.high);
  std::vector<Typed> args;
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    const TypeInfo type = row.args[i] == Type::nvarchar ? nvarchar_type(1035) : make_type(row.args[i]);
    Typed value = binder.expression(*expr.args[i]);
    args.push_back(row.args[i] == Type::nvarchar
                       ? binder.convert_to(binder.as_text(std::move(value)), type, expr.line)
                       : binder.convert_to(std::move(value), type, expr.line));
  }
  // HAS_PERMS_BY_NAME(NULL, 'DATABASE', ...) asks for the database itself: NULL is an argument there.
  const bool strict = name != "HAS_PERMS_BY_NAME";
  const bool takes_null = name == "OBJECT_NAME" || name == "OBJECT_SCHEMA_NAME";
  Typed out = binder.call(op_meta, std::move(args), row.result, name, no_style, strict || takes_null, true);
  out.nullable = true;
  return out;
}

}  // namespace

std::span<const FunctionHandler> meta_functions() {
  static const std::vector<FunctionHandler> handlers = [] {
    std::vector<FunctionHandler> out;
    for (const auto& [name, row] : meta_rows())
      out.push_back({name, meta_function});
    return out;
  }();
  return handlers;
}

}  // namespace tailrace::sim::tsql
