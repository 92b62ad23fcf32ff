// Aggregates and window functions.
#include <map>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// The type of SUM and AVG over a type; nothing: it has none (8117).
std::optional<TypeInfo> total_type(const TypeInfo& type, bool average) {
  switch (type.type) {
    case Type::tinyint:
    case Type::smallint:
    case Type::int_: return int_type();
    case Type::bigint: return bigint_type();
    case Type::decimal: return decimal_type(38, average ? std::max<int>(type.scale, 6) : type.scale);
    case Type::money:
    case Type::smallmoney: return make_type(Type::money);
    case Type::float_:
    case Type::real: return make_type(Type::float_);
    default: return std::nullopt;
  }
}

}  // namespace

Typed Binder::aggregate(const Expr& expr, const std::string& name) {
  if (block_ == nullptr || (!block_->allow_aggregates && !expr.over)) {
    raise(147,
          "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING "
          "clause or a select list, and the column being aggregated is an outer reference.",
          expr.line, 1, 15);
  }
  Typed out;
  const std::string distinct = expr.distinct ? "DISTINCT " : "";
  const bool counts = name == "COUNT" || name == "COUNT_BIG";
  if (counts) {
    out.type = name == "COUNT" ? int_type() : bigint_type();
    out.nullable = false;
    if (expr.args.size() == 1 && expr.args[0]->kind == ExprKind::star) {
      out.sql = "count(*)";
      return out;
    }
  }
  arguments(expr, name == "STRING_AGG" ? 2 : 1, name == "STRING_AGG" ? 2 : 1);
  if (!expr.over && block_->aggregate_depth > 0)
    raise(130, "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
          expr.line, 1, 15);
  if (!expr.over) ++block_->aggregate_depth;
  Typed value = expression(*expr.args[0]);
  Typed separator;
  if (name == "STRING_AGG") separator = text_argument(*expr.args[1]);
  if (!expr.over) --block_->aggregate_depth;
  if (counts) {
    out.sql = "count(" + distinct + ordered(value) + ")";
    return out;
  }
  if (value.is_null) raise(8117, "Operand data type NULL is invalid for " + name + " operator.", expr.line);
  if (name == "STRING_AGG") {
    if (!expr.within_group.empty()) not_supported("WITHIN GROUP", expr.line);
    value = as_text(std::move(value));
    Operation operation;
    operation.args = {value.type};
    operation.result = text_type(is_wide_text(value.type.type) ? Type::nvarchar : Type::varchar,
                                 value.type.length < 0           ? -1
                                 : is_wide_text(value.type.type) ? 4000
                                                                 : 8000);
    out.type = operation.result;
    const Operation* interned = intern(std::move(operation));
    out.sql = "ts_string_agg(" + std::to_string(reinterpret_cast<std::uintptr_t>(interned)) + "," +
              value.sql + "," + separator.sql + ")";
    out.collation = value.collation;
    return out;
  }
  if (name == "MIN" || name == "MAX") {
    if (value.type.type == Type::bit || value.type.type == Type::uniqueidentifier) {
      if (value.type.type == Type::bit)
        raise(8117,
              "Operand data type bit is invalid for " + std::string(name == "MIN" ? "min" : "max") +
                  " operator.",
              expr.line);
    }
    out.type = value.type;
    out.collation = value.collation;
    out.coercibility = value.coercibility;
    out.sql = (name == "MIN" ? "min(" : "max(") + collated(value) + ")";
    return out;
  }
  const std::optional<TypeInfo> type = total_type(value.type, name == "AVG");
  if (!type) {
    raise(8117,
          "Operand data type " + std::string(type_name(value.type)) + " is invalid for " +
              std::string(name == "SUM" ? "sum" : "avg") + " operator.",
          expr.line);
  }
  Operation operation;
  operation.args = {value.type};
  operation.result = *type;
  operation.text = name;
  const Operation* interned = intern(std::move(operation));
  const std::string address = std::to_string(reinterpret_cast<std::uintptr_t>(interned));
  out.type = *type;
  if (expr.distinct) {
    // DISTINCT wants one argument in SQLite: refused rather than answered wrongly.
    not_supported(name + "(DISTINCT ...)", expr.line);
  }
  out.sql = (name == "SUM" ? "ts_sum(" : "ts_avg(") + address + "," + value.sql + ")";
  return out;
}

std::string Binder::over_clause(const Over& over) {
  std::string out = " OVER (";
  for (std::size_t i = 0; i < over.partition.size(); ++i)
    out += (i == 0 ? "PARTITION BY " : ",") + ordered(expression(*over.partition[i]));
  for (std::size_t i = 0; i < over.order.size(); ++i) {
    const Typed key = expression(*over.order[i].expr);
    // (SELECT NULL) and the like order nothing.
    out += (i == 0 ? " ORDER BY " : ",") + ordered(key) + (over.order[i].descending ? " DESC" : "");
  }
  if (!over.frame.empty()) out += " " + over.frame;
  return out + ")";
}

Typed Binder::window_function(const Expr& expr, const std::string& name) {
  static const std::map<std::string, const char*, std::less<>> ranking{
      {"ROW_NUMBER", "row_number"}, {"RANK", "rank"}, {"DENSE_RANK", "dense_rank"}};
  if (block_ == nullptr || !block_->allow_aggregates) {
    raise(4108, "Windowed functions can only appear in the SELECT or ORDER BY clauses.", expr.line, 1, 15);
  }
  if (const auto found = ranking.find(name); found != ranking.end()) {
    arguments(expr, 0, 0);
    if (expr.over->order.empty())
      raise(4112, "The function '" + name + "' must have an OVER clause with ORDER BY.", expr.line, 1, 15);
    Typed out;
    out.sql = std::string(found->second) + "()" + over_clause(*expr.over);
    out.type = bigint_type();
    out.nullable = true;
    return out;
  }
  if (name == "NTILE") {
    arguments(expr, 1, 1);
    Typed out;
    out.sql = "ntile(" + convert_to(expression(*expr.args[0]), bigint_type(), expr.line).sql + ")" +
              over_clause(*expr.over);
    out.type = bigint_type();
    return out;
  }
  if (name == "LAG" || name == "LEAD" || name == "FIRST_VALUE" || name == "LAST_VALUE") {
    const bool shift = name == "LAG" || name == "LEAD";
    arguments(expr, 1, shift ? 3 : 1);
    if (expr.over->order.empty())
      raise(4112, "The function '" + name + "' must have an OVER clause with ORDER BY.", expr.line, 1, 15);
    Typed value = expression(*expr.args[0]);
    std::string args = value.sql;
    if (expr.args.size() > 1)
      args += "," + convert_to(expression(*expr.args[1]), bigint_type(), expr.line).sql;
    if (expr.args.size() > 2) args += "," + convert_to(expression(*expr.args[2]), value.type, expr.line).sql;
    std::string lower_name = name;
    for (char& byte : lower_name)
      byte = static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
    Typed out = value;
    out.sql = lower_name + "(" + args + ")" + over_clause(*expr.over);
    out.nullable = true;
    out.bare = false;
    out.identity = false;
    out.constant.reset();
    return out;
  }
  for (const std::string_view known : {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG"}) {
    if (name != known) continue;
    if (expr.distinct) raise(10759, "Use of DISTINCT is not allowed with the OVER clause.", expr.line, 1, 15);
    Typed out = aggregate(expr, name);
    out.sql += over_clause(*expr.over);
    return out;
  }
  raise(195, "'" + expr.parts[0] + "' is not a recognized built-in function name.", expr.line, 10, 15);
}

}  // namespace tailrace::sim::tsql
