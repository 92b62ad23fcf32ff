// Operators of arithmetic, bits and concatenation.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

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

}  // namespace tailrace::sim::tsql
