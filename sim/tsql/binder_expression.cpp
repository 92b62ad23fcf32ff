// Expressions: operands, arithmetic, CASE, CAST, subqueries, with their types.
// Long: one kind of expression after the other.
#include <sqlite3.h>

#include <algorithm>

#include "sim/storage/codec.h"
#include "sim/tsql/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/numbers.h"
#include "sim/tsql/types.h"

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

// Whether a value of one type is stored as the same SQLite value under the other.
bool same_storage(const TypeInfo& from, const TypeInfo& to) {
  if (from == to) return true;
  if (is_opaque(from) || is_opaque(to)) return false;
  const bool narrow_integer_target = to.type == Type::decimal && to.scale == 0 && !is_wide_decimal(to);
  if (is_integer(from.type) &&
      (to.type == Type::bigint || (is_integer(to.type) && from.type <= to.type && to.type != Type::bit)))
    return true;
  if (is_integer(from.type) && narrow_integer_target && as_decimal(from)->precision <= to.precision)
    return true;
  if (from.type == Type::decimal && to.type == Type::decimal) {
    return from.scale == to.scale && from.precision <= to.precision &&
           is_wide_decimal(from) == is_wide_decimal(to);
  }
  if (from.type == Type::smallmoney && to.type == Type::money) return true;
  if (from.type == Type::real && to.type == Type::float_) return true;
  if (is_text(from.type) && is_text(to.type)) {
    if (is_wide_text(from.type) && !is_wide_text(to.type)) return false;
    if (!is_wide_text(to.type) && from.code_page != to.code_page) return false;
    if (is_fixed_length(to.type)) return false;
    return units_of(to) < 0 || (units_of(from) >= 0 && units_of(from) <= units_of(to));
  }
  if (is_bytes(from.type) && to.type == Type::varbinary)
    return to.length < 0 || (from.length >= 0 && from.length <= to.length);
  if (from.type == to.type &&
      (from.type == Type::time || from.type == Type::datetime2 || from.type == Type::datetimeoffset))
    return from.scale <= to.scale;
  return false;
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

Typed Binder::constant_value(const Value& value) {
  Typed out;
  out.type = value.type;
  out.nullable = value.null;
  out.sql = value.null ? "NULL" : sqlite_literal(value.type, cell_of(value));
  out.constant = value;
  return out;
}

Typed Binder::null_value(const TypeInfo& type) {
  Typed out;
  out.sql = "NULL";
  out.type = type;
  return out;
}

Typed Binder::literal(const Expr& expr) {
  Value value;
  value.null = false;
  std::string_view text = expr.text;
  const bool negative =
      text.starts_with('-') && expr.token_kind != TokenKind::string && expr.token_kind != TokenKind::nstring;
  std::string_view digits = negative ? text.substr(1) : text;
  switch (expr.token_kind) {
    case TokenKind::integer: {
      while (digits.size() > 1 && digits.front() == '0')
        digits.remove_prefix(1);
      int128 number = 0;
      if (digits.size() > 38 || parse_decimal(digits, 38, 0, number) != ParseResult::ok) {
        raise(1007,
              "The number '" + std::string(digits) +
                  "' is out of the range for numeric representation (maximum precision 38).",
              expr.line, 1, 15);
      }
      if (negative) number = -number;
      if (number == static_cast<std::int32_t>(number)) {
        value.type = int_type();
        value.number = static_cast<std::int64_t>(number);
      } else {
        value.type = decimal_type(static_cast<int>(digits.size()), 0);
        value.decimal = number;
      }
      break;
    }
    case TokenKind::decimal: {
      const std::size_t point = digits.find('.');
      std::string_view whole = digits.substr(0, point);
      while (!whole.empty() && whole.front() == '0')
        whole.remove_prefix(1);
      const int scale = static_cast<int>(digits.size() - point - 1);
      const int precision = std::max(static_cast<int>(whole.size()) + scale, 1);
      if (precision > 38)
        raise(1007,
              "The number '" + std::string(digits) +
                  "' is out of the range for numeric representation (maximum precision 38).",
              expr.line, 1, 15);
      value.type = decimal_type(precision, scale);
      if (parse_decimal(digits, 38, scale, value.decimal) != ParseResult::ok)
        value.decimal = 0;  // "." alone is 0.
      if (negative) value.decimal = -value.decimal;
      break;
    }
    case TokenKind::float_:
      value.type = make_type(Type::float_);
      value.real = std::strtod(std::string(text).c_str(), nullptr);
      break;
    case TokenKind::money:
      value.type = make_type(Type::money);
      if (parse_decimal(digits, 19, 4, value.decimal) != ParseResult::ok)
        raise(102, "Incorrect syntax near '" + std::string(text) + "'.", expr.line);
      if (negative) value.decimal = -value.decimal;
      break;
    case TokenKind::binary: {
      std::string hex(text);
      if (hex.size() % 2 != 0) hex.insert(hex.begin(), '0');
      for (std::size_t i = 0; i < hex.size(); i += 2) {
        value.text.push_back(static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16)));
      }
      value.type = text_type(Type::varbinary, static_cast<std::int64_t>(value.text.size()));
      break;
    }
    default:
      value.text = expr.text;
      if (expr.token_kind == TokenKind::string) make_code_page_text(value.text);
      value.type = text_type(expr.token_kind == TokenKind::string ? Type::varchar : Type::nvarchar,
                             utf16_length(value.text));
      break;
  }
  Typed out = constant_value(value);
  out.collation = environment_.collation();
  return out;
}

Typed Binder::column(const Expr& expr) {
  const std::vector<std::string>& parts = expr.parts;
  const std::string& name = parts.back();
  if (parts.size() > 4) raise(4104, "The multi-part identifier could not be bound.", expr.line);
  for (Block* block = block_; block != nullptr; block = block->outer) {
    const SourceColumn* found = nullptr;
    for (const SourceTable& table : block->tables) {
      if (parts.size() >= 2 && !same(table.alias, parts[parts.size() - 2])) continue;
      if (parts.size() >= 3 && !same(table.schema, parts[parts.size() - 3])) continue;
      for (const SourceColumn& column : table.columns) {
        const CollationKind names = table.table ? table.table->identifiers : environment_.names();
        if (!same_name(names, column.name, name)) continue;
        if (found != nullptr) raise(209, "Ambiguous column name '" + name + "'.", expr.line);
        found = &column;
      }
    }
    if (found == nullptr) {
      // A named table without that column: the name does not reach further out.
      const bool table_known =
          parts.size() >= 2 &&
          std::any_of(block->tables.begin(), block->tables.end(),
                      [&](const SourceTable& table) { return same(table.alias, parts[parts.size() - 2]); });
      if (table_known) raise(207, "Invalid column name '" + name + "'.", expr.line);
      continue;
    }
    if (block->grouped && block->aggregate_depth == 0) {
      const bool is_group =
          std::find(block->groups.begin(), block->groups.end(), found->value.sql) != block->groups.end();
      std::string full = name;
      if (!is_group) {
        for (const SourceTable& table : block->tables) {
          for (const SourceColumn& column : table.columns) {
            if (&column == found) full = table.alias + "." + column.name;
          }
        }
        block->violations.push_back({full, expr.line});
      }
    }
    return found->value;
  }
  if (parts.size() >= 2) {
    std::string full;
    for (const std::string& part : parts)
      full += (full.empty() ? "" : ".") + part;
    raise(4104, "The multi-part identifier \"" + full + "\" could not be bound.", expr.line);
  }
  raise(207, "Invalid column name '" + name + "'.", expr.line);
}

std::string Binder::parameter(const std::string& name) {
  std::string key = upper(name);
  const auto found = std::find(parameters_.begin(), parameters_.end(), key);
  const std::size_t index = static_cast<std::size_t>(found - parameters_.begin());
  if (found == parameters_.end()) parameters_.push_back(std::move(key));
  return "?" + std::to_string(index + 1);
}

Typed Binder::variable(const Expr& expr) {
  const TypeInfo* type = environment_.variable_type(expr.text);
  if (type == nullptr)
    raise(137, "Must declare the scalar variable \"" + expr.text + "\".", expr.line, 2, 15);
  Typed out;
  out.sql = parameter(expr.text);
  out.type = *type;
  out.collation = environment_.collation();
  return out;
}

Typed Binder::session_value(const std::string& name) {
  const SessionValueType* type = find_session_value(name);
  Typed out;
  out.sql = parameter(name);
  out.type = type->type;
  out.nullable = type->nullable;
  out.collation = environment_.collation();
  return out;
}

Typed Binder::system_variable(const Expr& expr) {
  const std::string name = upper(expr.text);
  if (find_session_value(name) == nullptr)
    raise(137, "Must declare the scalar variable \"" + expr.text + "\".", expr.line, 2, 15);
  return session_value(name);
}

// Most operations would take the stored form of these types for their value.
void Binder::require_open(OperationBody body, const Typed& value) const {
  if (!is_opaque(value.type) || body == op_assign || body == op_variant_property ||
      body == op_variant_compare)
    return;
  not_supported("this function or operator with a value of " + std::string(type_name(value.type)));
}

Typed Binder::call(OperationBody body, std::vector<Typed> args, const TypeInfo& result, std::string text,
                   int style, bool strict, bool is_volatile) {
  for (const Typed& arg : args) {
    if (!arg.is_null) require_open(body, arg);
  }
  Operation operation;
  operation.body = body;
  operation.result = result;
  operation.style = style;
  operation.strict = strict;
  operation.text = std::move(text);
  std::vector<std::string> sql;
  Typed out;
  out.nullable = false;
  out.collation = environment_.collation();
  for (const Typed& arg : args) {
    operation.args.push_back(arg.type);
    sql.push_back(arg.sql);
    out.nullable = out.nullable || arg.nullable;
    if (arg.coercibility > out.coercibility) {
      out.coercibility = arg.coercibility;
      out.collation = arg.collation;
    }
  }
  if (out.collation.empty()) out.collation = environment_.collation();
  out.type = result;
  out.sql = call_sql(intern(std::move(operation)), sql, is_volatile);
  return out;
}

Typed Binder::cast_to(Typed value, const TypeInfo& type, int style, bool try_cast, std::int32_t line) {
  if (value.is_null) {
    Typed out = null_value(type);
    out.collation = environment_.collation();
    return out;
  }
  if (!conversion_allowed(value.type, type, /*implicit=*/false)) {
    raise(529,
          "Explicit conversion from data type " + std::string(type_name(value.type)) + " to " +
              std::string(type_name(type)) + " is not allowed.",
          line);
  }
  const bool styled = style != no_style &&
                      (is_temporal(value.type.type) || is_temporal(type.type) || is_bytes(value.type.type) ||
                       is_bytes(type.type) || is_float(value.type.type) || is_money(value.type.type));
  const bool as_it_is =
      !value.constant || value.type == type;  // A literal's own fields change with its type.
  if (!styled && as_it_is && same_storage(value.type, type)) {
    value.type = type;
    return value;
  }
  if (value.constant) {
    Value out;
    ConversionError error;
    const TypeInfo from = value.constant->type;
    if (convert(from, cell_of(*value.constant), type, style, out, error)) {
      Typed folded = constant_value(out);
      folded.collation = environment_.collation();
      folded.nullable = folded.nullable || try_cast;
      return folded;
    }
    if (try_cast) return null_value(type);
  }
  Operation operation;
  operation.body = op_convert;
  operation.args = {value.type};
  operation.result = type;
  operation.style = style;
  operation.try_ = try_cast;
  Typed out;
  out.sql = call_sql(intern(std::move(operation)), std::vector<std::string>{value.sql});
  out.type = type;
  out.nullable = value.nullable || try_cast;
  out.coercibility = is_text(value.type.type) ? value.coercibility : Coercibility::literal;
  out.collation = value.collation.empty() ? environment_.collation() : value.collation;
  return out;
}

Typed Binder::convert_to(Typed value, const TypeInfo& type, std::int32_t line) {
  if (!value.is_null && !conversion_allowed(value.type, type, /*implicit=*/true)) {
    if (!conversion_allowed(value.type, type, /*implicit=*/false)) {
      raise(206,
            "Operand type clash: " + std::string(type_name(value.type)) + " is incompatible with " +
                std::string(type_name(type)),
            line, 2);
    }
    raise(257,
          "Implicit conversion from data type " + std::string(type_name(value.type)) + " to " +
              std::string(type_name(type)) + " is not allowed. Use the CONVERT function to run this query.",
          line, 3);
  }
  return cast_to(std::move(value), type, no_style, false, line);
}

Typed Binder::unary(const Expr& expr) {
  Typed value = expression(*expr.args[0]);
  if (expr.kind == ExprKind::plus) return value;
  if (value.is_null) return value;
  if (expr.kind == ExprKind::bit_not) {
    if (!is_integer(value.type.type)) {
      raise(8117, "Operand data type " + std::string(type_name(value.type)) + " is invalid for '~' operator.",
            expr.line);
    }
    const TypeInfo type = value.type;
    return call(op_bit, {std::move(value)}, type, "~");
  }
  if (is_text(value.type.type)) value = convert_to(std::move(value), int_type(), expr.line);
  if (!is_numeric(value.type.type) || value.type.type == Type::bit) {
    raise(8117, "Operand data type " + std::string(type_name(value.type)) + " is invalid for minus operator.",
          expr.line);
  }
  const TypeInfo type = value.type.type == Type::tinyint ? make_type(Type::smallint) : value.type;
  return call(op_negate, {std::move(value)}, type);
}

Typed Binder::concatenation(Typed left, Typed right, std::int32_t line) {
  if (left.is_null) left = null_value(right.type);
  if (right.is_null) right = null_value(left.type);
  const bool bytes = is_bytes(left.type.type) && is_bytes(right.type.type);
  if (!bytes && (!is_text(left.type.type) || !is_text(right.type.type))) {
    raise(402,
          "The data types " + std::string(type_name(left.type)) + " and " +
              std::string(type_name(right.type)) + " are incompatible in the add operator.",
          line);
  }
  const std::int32_t a = units_of(left.type);
  const std::int32_t b = units_of(right.type);
  const bool wide = is_wide_text(left.type.type) || is_wide_text(right.type.type);
  const bool fixed = is_fixed_length(left.type.type) && is_fixed_length(right.type.type);
  const Type type = bytes  ? (fixed ? Type::binary : Type::varbinary)
                    : wide ? (fixed ? Type::nchar : Type::nvarchar)
                           : (fixed ? Type::char_ : Type::varchar);
  const std::int64_t limit = wide ? 4000 : 8000;
  const std::int64_t units = a < 0 || b < 0 ? -1 : std::min<std::int64_t>(std::int64_t{a} + b, limit);
  const std::string collation = bytes ? "" : resolve_collation(left, right, line);
  Typed out = call(op_concat, {std::move(left), std::move(right)}, text_type(type, units));
  out.collation = collation;
  return out;
}

Typed Binder::arithmetic(char op, Typed left, Typed right, std::int32_t line) {
  static const std::map<char, std::string> names{
      {'+', "add"}, {'-', "subtract"}, {'*', "multiply"}, {'/', "divide"}, {'%', "modulo"}};
  if (left.is_null && right.is_null) return left;
  if (left.is_null) left = null_value(is_numeric(right.type.type) ? right.type : int_type());
  if (right.is_null) right = null_value(is_numeric(left.type.type) ? left.type : int_type());
  const auto is_old_date = [](const TypeInfo& type) {
    return type.type == Type::datetime || type.type == Type::smalldatetime;
  };
  if ((op == '+' || op == '-') && (is_old_date(left.type) || (op == '+' && is_old_date(right.type)))) {
    if (!is_old_date(left.type)) std::swap(left, right);
    if (is_text(right.type.type)) right = convert_to(std::move(right), left.type, line);
    if (is_old_date(right.type))
      right = cast_to(std::move(right), make_type(Type::float_), no_style, false, line);
    const TypeInfo type = left.type;
    if (!is_numeric(right.type.type)) {
      raise(402,
            "The data types " + std::string(type_name(type)) + " and " + std::string(type_name(right.type)) +
                " are incompatible in the " + names.at(op) + " operator.",
            line);
    }
    return call(op_date_plus_days, {std::move(left), std::move(right)}, type, std::string(1, op));
  }
  if (is_text(left.type.type) && is_numeric(right.type.type))
    left = convert_to(std::move(left), right.type, line);
  if (is_text(right.type.type) && is_numeric(left.type.type))
    right = convert_to(std::move(right), left.type, line);
  if (is_bytes(left.type.type) && is_numeric(right.type.type))
    left = convert_to(std::move(left), right.type, line);
  if (is_bytes(right.type.type) && is_numeric(left.type.type))
    right = convert_to(std::move(right), left.type, line);
  // A literal whole number counts with its own digits beside a decimal.
  const auto narrow = [](Typed& value, const Typed& other) {
    if (value.constant && other.type.type == Type::decimal && value.type.type == Type::int_) {
      std::int64_t rest = value.constant->number;
      int digits = 1;
      while ((rest /= 10) != 0)
        ++digits;
      Value exact = *value.constant;
      exact.decimal = exact.number;
      exact.type = decimal_type(digits, 0);
      value.constant = exact;
      value.type = exact.type;
    }
  };
  narrow(left, right);
  narrow(right, left);
  const std::optional<TypeInfo> type = arithmetic_type(op, left.type, right.type);
  if (!type) {
    if (!is_numeric(left.type.type) && !is_numeric(right.type.type) && left.type.type == right.type.type) {
      raise(8117,
            "Operand data type " + std::string(type_name(left.type)) + " is invalid for " + names.at(op) +
                " operator.",
            line);
    }
    if ((is_temporal(left.type.type) && is_numeric(right.type.type)) ||
        (is_numeric(left.type.type) && is_temporal(right.type.type))) {
      raise(206,
            "Operand type clash: " + std::string(type_name(left.type)) + " is incompatible with " +
                std::string(type_name(right.type)),
            line, 2);
    }
    raise(402,
          "The data types " + std::string(type_name(left.type)) + " and " +
              std::string(type_name(right.type)) + " are incompatible in the " + names.at(op) + " operator.",
          line);
  }
  if (op == '%' && is_float(type->type)) {
    raise(402,
          "The data types " + std::string(type_name(left.type)) + " and " +
              std::string(type_name(right.type)) + " are incompatible in the modulo operator.",
          line);
  }
  const OperationBody body = op == '+'   ? op_add
                             : op == '-' ? op_subtract
                             : op == '*' ? op_multiply
                             : op == '/' ? op_divide
                                         : op_modulo;
  Typed out = call(body, {std::move(left), std::move(right)}, *type);
  return out;
}

Typed Binder::binary(const Expr& expr) {
  Typed left = expression(*expr.args[0]);
  Typed right = expression(*expr.args[1]);
  const char op = expr.text[0];
  if (op == '&' || op == '|' || op == '^') {
    if (left.is_null) left = null_value(right.type);
    if (right.is_null) right = null_value(left.type);
    if (is_bytes(left.type.type)) left = convert_to(std::move(left), right.type, expr.line);
    if (is_bytes(right.type.type)) right = convert_to(std::move(right), left.type, expr.line);
    if (!is_integer(left.type.type) || !is_integer(right.type.type)) {
      raise(402,
            "The data types " + std::string(type_name(left.type)) + " and " +
                std::string(type_name(right.type)) + " are incompatible in the '" + expr.text + "' operator.",
            expr.line);
    }
    const TypeInfo type = left.type.type >= right.type.type ? left.type : right.type;
    return call(op_bit, {std::move(left), std::move(right)}, type, expr.text);
  }
  const bool texts = op == '+' && ((is_text(left.type.type) && (is_text(right.type.type) || right.is_null)) ||
                                   (is_text(right.type.type) && left.is_null) ||
                                   (is_bytes(left.type.type) && is_bytes(right.type.type)));
  if (texts && !(left.is_null && right.is_null))
    return concatenation(std::move(left), std::move(right), expr.line);
  return arithmetic(op, std::move(left), std::move(right), expr.line);
}

// Brings values to their common type in place.
void Binder::unify(std::vector<Typed*> values, std::int32_t line) {
  std::optional<TypeInfo> type;
  for (const Typed* value : values) {
    if (value->is_null) continue;
    if (!type) {
      type = value->type;
      continue;
    }
    const std::optional<TypeInfo> both = common_type(*type, value->type);
    if (!both) {
      raise(206,
            "Operand type clash: " + std::string(type_name(*type)) + " is incompatible with " +
                std::string(type_name(value->type)),
            line, 2);
    }
    type = both;
  }
  if (!type) return;
  for (Typed* value : values)
    *value = convert_to(std::move(*value), *type, line);
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

Typed Binder::cast_expression(const Expr& expr) {
  Typed value = expression(*expr.args[0]);
  TypeInfo type = expr.type->type;
  if (expr.text == "PARSE") {
    if (!is_temporal(type.type)) not_supported("PARSE AS " + std::string(type_name(type)), expr.line);
    if (value.is_null)
      raise(8116, "Argument data type NULL is invalid for argument 1 of parse function.", expr.line);
    Typed text = convert_to(as_text(std::move(value)), nvarchar_type(4000), expr.line);
    Typed out = call(op_parse, {std::move(text)}, type);
    out.nullable = true;
    return out;
  }
  const bool sized = (is_text(type.type) || is_bytes(type.type)) && type.guise == Guise::none;
  if (sized && !expr.type->has_length && !expr.type->sysname) type = text_type(type.type, 30);
  // The collation of what is converted decides the code page.
  if (is_text(type.type) && !is_wide_text(type.type) && is_text(value.type.type))
    type.code_page = code_page_of(value.collation);
  int style = no_style;
  if (expr.has_style) {
    const Typed bound = expression(*expr.args[1]);
    if (!bound.constant || !is_integer(bound.type.type))
      not_supported("CONVERT with a computed style", expr.line);
    style = static_cast<int>(bound.constant->number);
  }
  if (value.is_null) {
    Typed out = null_value(type);
    out.collation = environment_.collation();
    return out;
  }
  Typed out = cast_to(std::move(value), type, style, expr.try_, expr.line);
  out.identity = false;
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

Typed Binder::as_text(Typed value) {
  if (value.is_null) return null_value(text_type(Type::varchar, 1));
  if (is_text(value.type.type)) return value;
  std::int64_t units = 30;
  switch (value.type.type) {
    case Type::bit: units = 1; break;
    case Type::tinyint: units = 3; break;
    case Type::smallint: units = 6; break;
    case Type::int_: units = 12; break;
    case Type::bigint: units = 24; break;
    case Type::decimal: units = 41; break;
    case Type::float_:
    case Type::real: units = 32; break;
    case Type::uniqueidentifier: units = 36; break;
    case Type::binary:
    case Type::varbinary: units = value.type.length; break;
    default: units = 34; break;
  }
  return convert_to(std::move(value), text_type(Type::varchar, units));
}

Typed Binder::text_argument(const Expr& expr) {
  return as_text(expression(expr));
}

std::string Binder::collated(const Typed& value) const {
  if (!is_text(value.type.type) || value.bare || value.is_null) return value.sql;
  const std::string& name = value.collation.empty() ? environment_.collation() : value.collation;
  return "(" + value.sql + " COLLATE \"" + name + "\")";
}

// Types without an order have errors of their own: spatial ones, xml with itself, and the old large ones.
void Binder::require_comparable(const std::string& op, const Typed& left, const Typed& right,
                                std::int32_t line) const {
  static const std::map<std::string, std::string, std::less<>> names{
      {"=", "equal to"},     {"<>", "not equal to"},          {"<", "less than"},
      {">", "greater than"}, {"<=", "less than or equal to"}, {">=", "greater than or equal to"}};
  const auto name = names.find(op);
  const std::string shown = name == names.end() ? op : name->second;
  for (const Typed* value : {&left, &right}) {
    if (value->is_null || !is_opaque(value->type) || !is_incomparable(value->type)) continue;
    raise(403,
          "Invalid operator for data type. Operator equals " + shown + ", type equals " +
              std::string(type_name(value->type)) + ".",
          line);
  }
  const bool left_large = !left.is_null && is_incomparable(left.type);
  const bool right_large = !right.is_null && is_incomparable(right.type);
  if (!left_large && !right_large) return;
  if (left.type.guise == Guise::xml && right.type.guise == Guise::xml)
    raise(305, "The XML data type cannot be compared or sorted, except when using the IS NULL operator.",
          line);
  raise(402,
        "The data types " + std::string(type_name(left.type)) + " and " + std::string(type_name(right.type)) +
            " are incompatible in the " + shown + " operator.",
        line);
}

void Binder::require_sortable(const Typed& value) const {
  if (value.is_null || !is_incomparable(value.type)) return;
  if (value.type.guise == Guise::xml)
    raise(305, "The XML data type cannot be compared or sorted, except when using the IS NULL operator.");
  if (is_opaque(value.type))
    raise(249, "The type \"" + std::string(type_name(value.type)) +
                   "\" is not comparable. It cannot be used in the ORDER BY clause.");
  raise(
      306,
      "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE "
      "operator.",
      0, 2);
}

std::string Binder::ordered(const Typed& value) const {
  require_sortable(value);
  if (value.type.guise == Guise::sql_variant) not_supported("the order of sql_variant");
  if (value.type.type == Type::datetimeoffset && !value.is_null) return "substr(" + value.sql + ",1,8)";
  // A literal integer would be a position for SQLite.
  if (value.constant || value.is_null) return "+" + (is_text(value.type.type) ? collated(value) : value.sql);
  return collated(value);
}

std::string Binder::row_count(const Expr& expr, const char* clause) {
  Typed value = expression(expr);
  if (!value.is_null && !is_numeric(value.type.type)) {
    raise(1060,
          "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
          expr.line, 1, 15);
  }
  value = cast_to(std::move(value), bigint_type(), no_style, false, expr.line);
  return call(op_row_count, {std::move(value)}, bigint_type(), clause, no_style, false).sql;
}

}  // namespace tailrace::sim::tsql
