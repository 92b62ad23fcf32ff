// Expressions: the choice by kind, CASE, and queries as values.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

bool is_predicate(ExprKind kind) {
  switch (kind) {
    case ExprKind::compare:
    case ExprKind::and_:
    case ExprKind::or_:
    case ExprKind::not_:
    case ExprKind::is_null:
    case ExprKind::between:
    case ExprKind::in_list:
    case ExprKind::in_query:
    case ExprKind::exists:
    case ExprKind::quantified:
    case ExprKind::like: return true;
    default: return false;
  }
}

}  // namespace

Typed Binder::expression(const Expr& expr) {
  const std::size_t mark = block_ == nullptr ? 0 : block_->violations.size();
  Typed out = inner_expression(expr);
  if (block_ != nullptr && block_->grouped && block_->violations.size() > mark &&
      std::find(block_->groups.begin(), block_->groups.end(), out.sql) != block_->groups.end()) {
    block_->violations.resize(mark);
  }
  return out;
}

Typed Binder::inner_expression(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::literal: return literal(expr);
    case ExprKind::null: {
      Typed out;
      out.sql = "NULL";
      out.is_null = true;
      out.type = int_type();
      return out;
    }
    case ExprKind::column: return column(expr);
    case ExprKind::variable: return variable(expr);
    case ExprKind::system: return system_variable(expr);
    case ExprKind::negate:
    case ExprKind::plus:
    case ExprKind::bit_not: return unary(expr);
    case ExprKind::binary: return binary(expr);
    case ExprKind::case_: return case_expression(expr);
    case ExprKind::cast: return cast_expression(expr);
    case ExprKind::function: return function(expr);
    case ExprKind::subquery: return scalar_subquery(expr);
    case ExprKind::collate: {
      Typed value = expression(*expr.args[0]);
      CollationKind kind = CollationKind::ignore_case;
      const bool database_default =
          same_word(expr.text, "DATABASE_DEFAULT") || same_word(expr.text, "CATALOG_DEFAULT");
      const std::string name = database_default ? environment_.collation() : expr.text;
      if (!find_collation(name, kind)) raise(448, "Invalid collation '" + expr.text + "'.", expr.line);
      if (!is_text(value.type.type))
        raise(447,
              "Expression type " + std::string(type_name(value.type)) + " is invalid for COLLATE clause.",
              expr.line);
      value.sql = "(" + value.sql + " COLLATE \"" + name + "\")";
      value.bare = false;
      value.constant.reset();
      value.coercibility = Coercibility::explicit_;
      value.collation = name;
      return value;
    }
    case ExprKind::star: syntax_error("*", expr.line);
    case ExprKind::default_: syntax_error("DEFAULT", expr.line);
    default:
      if (is_predicate(expr.kind))
        raise(102, "Incorrect syntax near '" + (expr.text.empty() ? std::string("=") : expr.text) + "'.",
              expr.line);
      raise(102, "Incorrect syntax.", expr.line);
  }
}

Typed Binder::case_expression(const Expr& expr) {
  std::vector<Typed> results;
  std::vector<std::string> conditions;
  std::size_t at = expr.has_operand ? 1 : 0;
  const std::size_t end = expr.args.size() - (expr.has_else ? 1 : 0);
  for (; at < end; at += 2) {
    if (expr.has_operand) {
      conditions.push_back(comparison("=", expression(*expr.args[0]), expression(*expr.args[at]), expr.line));
    } else {
      conditions.push_back(predicate(*expr.args[at]));
    }
    results.push_back(expression(*expr.args[at + 1]));
  }
  if (expr.has_else) results.push_back(expression(*expr.args.back()));
  if (std::all_of(results.begin(), results.end(), [](const Typed& value) { return value.is_null; })) {
    raise(8133,
          "At least one of the result expressions in a CASE specification must be an expression other than "
          "the NULL constant.",
          expr.line);
  }
  std::vector<Typed*> pointers;
  for (Typed& value : results)
    pointers.push_back(&value);
  unify(pointers, expr.line);
  Typed out;
  out.type = results.front().type;
  out.nullable = !expr.has_else;
  out.collation = environment_.collation();
  out.sql = "CASE";
  for (std::size_t i = 0; i < results.size(); ++i) {
    out.sql += i < conditions.size() ? " WHEN " + conditions[i] + " THEN " + results[i].sql
                                     : " ELSE " + results[i].sql;
    out.nullable = out.nullable || results[i].nullable;
    if (results[i].coercibility > out.coercibility) {
      out.coercibility = results[i].coercibility;
      out.collation = results[i].collation;
    }
  }
  out.sql += " END";
  return out;
}

Typed Binder::scalar_subquery(const Expr& expr) {
  const BoundQuery bound = query(*expr.query);
  if (bound.columns.size() != 1) {
    raise(116,
          "Only one expression can be specified in the select list when the subquery is not introduced with "
          "EXISTS.",
          expr.line, 1, 15);
  }
  Typed out = bound.columns[0].value;
  out.bare = false;
  out.constant.reset();
  out.nullable = true;
  out.identity = false;
  if (bound.single_row) {
    out.sql = "(" + bound.sql + ")";
  } else {
    // Two rows are an error (512); SQLite alone would take the first.
    Operation operation;
    operation.body = [](OperationCall& c) {
      return c.fail(512,
                    "Subquery returned more than 1 value. This is not permitted when the subquery follows =, "
                    "!=, <, <= , >, >= or when the subquery is used as an expression.");
    };
    operation.result = out.type;
    operation.strict = false;
    operation.text = "512";
    out.sql = "(SELECT CASE WHEN count(*) > 1 THEN " + call_sql(intern(std::move(operation)), {}, true) +
              " ELSE v END FROM (SELECT c1 AS v FROM (" + bound.sql + ") LIMIT 2))";
  }
  return out;
}

}  // namespace tailrace::sim::tsql
