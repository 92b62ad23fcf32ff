// Predicates: comparisons with SQL Server's conversions and collations, LIKE, IN, EXISTS, and their combination.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  // A balanced tree: SQLite limits the depth of expressions, and a flat chain of a thousand terms is as deep.
  if (parts.size() == 1) return parts.front();
  const auto half = static_cast<std::ptrdiff_t>(parts.size() / 2);
  const std::vector<std::string> left(parts.begin(), parts.begin() + half);
  const std::vector<std::string> right(parts.begin() + half, parts.end());
  return "(" + joined(left, separator) + std::string(separator) + joined(right, separator) + ")";
}

}  // namespace

std::string Binder::resolve_collation(const Typed& left, const Typed& right, std::int32_t line) const {
  const bool left_text = is_text(left.type.type) && !left.is_null;
  const bool right_text = is_text(right.type.type) && !right.is_null;
  if (!left_text || !right_text) return std::string(left_text ? left.collation : right.collation);
  if (left.coercibility != right.coercibility)
    return left.coercibility > right.coercibility ? left.collation : right.collation;
  if (left.coercibility >= Coercibility::implicit && !same_word(left.collation, right.collation)) {
    raise(468,
          "Cannot resolve the collation conflict between \"" + left.collation + "\" and \"" +
              right.collation + "\" in the equal to operation.",
          line);
  }
  return left.collation;
}

std::string Binder::comparison(const std::string& op, Typed left, Typed right, std::int32_t line) {
  if (left.is_null && right.is_null) return "NULL";
  require_comparable(op, left, right, line);
  if (left.type.guise == Guise::sql_variant || right.type.guise == Guise::sql_variant) {
    const TypeInfo variant = guise_type(Guise::sql_variant);
    std::vector<Typed> sides{convert_to(std::move(left), variant, line),
                             convert_to(std::move(right), variant, line)};
    return "(" + call(op_variant_compare, std::move(sides), int_type()).sql + " " + op + " 0)";
  }
  const bool text = is_text(left.is_null ? right.type.type : left.type.type) &&
                    is_text(right.is_null ? left.type.type : right.type.type);
  if (text) {
    const std::string collation = resolve_collation(left, right, line);
    // SQLite takes a stored column's own collation, so that an index can serve.
    const bool native = (left.bare && same_word(left.collation, collation)) ||
                        (right.bare && !left.bare && same_word(right.collation, collation) &&
                         left.coercibility != Coercibility::explicit_);
    if (!native)
      left.sql =
          "(" + left.sql + " COLLATE \"" + (collation.empty() ? environment_.collation() : collation) + "\")";
    return "(" + left.sql + " " + op + " " + right.sql + ")";
  }
  unify({&left, &right}, line);
  if (left.type.type == Type::datetimeoffset) {
    return "(substr(" + left.sql + ",1,8) " + op + " substr(" + right.sql + ",1,8))";
  }
  if (is_text(left.type.type)) return comparison(op, std::move(left), std::move(right), line);
  return "(" + left.sql + " " + op + " " + right.sql + ")";
}

std::string Binder::like(const Expr& expr) {
  Typed value = text_argument(*expr.args[0]);
  Typed pattern = text_argument(*expr.args[1]);
  const std::string collation = resolve_collation(value, pattern, expr.line);
  std::vector<Typed> args{std::move(value), std::move(pattern)};
  if (expr.args.size() > 2) args.push_back(text_argument(*expr.args[2]));
  const Typed out = call(op_like, std::move(args), make_type(Type::bit),
                         collation.empty() ? environment_.collation() : collation);
  return expr.negated ? "(NOT " + out.sql + ")" : out.sql;
}

std::string Binder::in_list(const Expr& expr) {
  std::vector<Typed> values;
  for (const ExprPtr& arg : expr.args)
    values.push_back(expression(*arg));
  bool variants = false;
  for (const Typed& value : values) {
    require_comparable("=", values[0], value, expr.line);
    variants = variants || value.type.guise == Guise::sql_variant;
  }
  std::vector<std::string> terms;
  if (variants) {
    std::string any;
    for (std::size_t i = 1; i < values.size(); ++i)
      any += (i == 1 ? "" : " OR ") + comparison("=", values[0], values[i], expr.line);
    return expr.negated ? "(NOT (" + any + "))" : "(" + any + ")";
  }
  // One type for all, as SQL Server does it, then an IN of SQLite, which can use an index.
  std::vector<Typed*> pointers;
  for (Typed& value : values)
    pointers.push_back(&value);
  const bool texts = std::all_of(values.begin(), values.end(), [](const Typed& value) {
    return value.is_null || is_text(value.type.type);
  });
  if (!texts) unify(pointers, expr.line);
  if (values[0].is_null) return "NULL";
  const bool offsets = values[0].type.type == Type::datetimeoffset;
  std::string left = values[0].sql;
  if (offsets) left = "substr(" + left + ",1,8)";
  if (is_text(values[0].type.type) && !values[0].bare) left = collated(values[0]);
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (is_text(values[0].type.type)) resolve_collation(values[0], values[i], expr.line);
    terms.push_back(offsets && !values[i].is_null ? "substr(" + values[i].sql + ",1,8)" : values[i].sql);
  }
  std::string out = "(" + left + (expr.negated ? " NOT IN (" : " IN (");
  for (std::size_t i = 0; i < terms.size(); ++i)
    out += (i == 0 ? "" : ",") + terms[i];
  return out + "))";
}

std::string Binder::in_query(const Expr& expr) {
  Typed left = expression(*expr.args[0]);
  const BoundQuery bound = query(*expr.query);
  if (bound.columns.size() != 1) {
    raise(116,
          "Only one expression can be specified in the select list when the subquery is not introduced with "
          "EXISTS.",
          expr.line, 1, 15);
  }
  Typed right = bound.columns[0].value;
  right.sql = "c1";
  right.constant.reset();
  right.bare = false;
  const bool texts = is_text(left.type.type) && is_text(right.type.type);
  std::string inner = bound.sql;
  if (!texts) {
    Typed left_before = left;
    unify({&left, &right}, expr.line);
    if (right.sql != "c1") inner = "SELECT " + right.sql + " FROM (" + bound.sql + ")";
  }
  std::string left_sql = texts ? collated(left) : left.sql;
  if (left.type.type == Type::datetimeoffset) {
    left_sql = "substr(" + left_sql + ",1,8)";
    inner = "SELECT substr(" + right.sql + ",1,8) FROM (" + bound.sql + ")";
  }
  return "(" + left_sql + (expr.negated ? " NOT IN (" : " IN (") + inner + "))";
}

std::string Binder::predicate(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::and_:
    case ExprKind::or_: {
      std::vector<std::string> parts;
      for (const ExprPtr& arg : expr.args)
        parts.push_back(predicate(*arg));
      return "(" + joined(parts, expr.kind == ExprKind::and_ ? " AND " : " OR ") + ")";
    }
    case ExprKind::not_: return "(NOT " + predicate(*expr.args[0]) + ")";
    case ExprKind::compare:
      return comparison(expr.text, expression(*expr.args[0]), expression(*expr.args[1]), expr.line);
    case ExprKind::is_null:
      return "(" + expression(*expr.args[0]).sql + (expr.negated ? " IS NOT NULL)" : " IS NULL)");
    case ExprKind::between: {
      const std::string low =
          comparison(">=", expression(*expr.args[0]), expression(*expr.args[1]), expr.line);
      const std::string high =
          comparison("<=", expression(*expr.args[0]), expression(*expr.args[2]), expr.line);
      return std::string(expr.negated ? "(NOT (" : "((") + low + " AND " + high + "))";
    }
    case ExprKind::in_list: return in_list(expr);
    case ExprKind::in_query: return in_query(expr);
    case ExprKind::like: return like(expr);
    case ExprKind::exists: return "EXISTS (" + query(*expr.query).sql + ")";
    case ExprKind::quantified: {
      const bool in = expr.text == "=" && !expr.all;
      const bool not_in = expr.text == "<>" && expr.all;
      if (!in && !not_in) not_supported("ANY, SOME, ALL with " + expr.text, expr.line);
      Expr rewritten;
      rewritten.kind = ExprKind::in_query;
      rewritten.negated = not_in;
      rewritten.line = expr.line;
      // Borrowed for the call: the tree keeps its parts.
      Expr& source = const_cast<Expr&>(expr);
      rewritten.args.push_back(std::move(source.args[0]));
      rewritten.query = std::move(source.query);
      const std::string out = in_query(rewritten);
      source.args[0] = std::move(rewritten.args[0]);
      source.query = std::move(rewritten.query);
      return out;
    }
    default: {
      const std::string near = !expr.parts.empty() ? expr.parts.back() : expr.text;
      raise(4145,
            "An expression of non-boolean type specified in a context where a condition is expected, near '" +
                near + "'.",
            expr.line, 1, 15);
    }
  }
}

}  // namespace tailrace::sim::tsql
