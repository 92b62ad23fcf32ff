// Values brought to a type: CAST, what is implicit, the common type of several, values as text.
#include "sim/storage/codec.h"
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

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

}  // namespace tailrace::sim::tsql
