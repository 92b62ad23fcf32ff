// Functions of text, and of the bytes that texts and values are made of.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

TypeInfo like_text(const TypeInfo& source, std::int64_t units) {
  return text_type(is_wide_text(source.type) ? Type::nvarchar : Type::varchar, units);
}

std::string text_with_collation(const std::string& name, const Typed& value) {
  return name + " " + (value.collation.empty() ? std::string(default_collation) : value.collation);
}

Typed length_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 1);
  Typed value = binder.expression(*expr.args[0]);
  if (value.is_null) return binder.null_value(int_type());
  if (name == "LEN" && !is_text(value.type.type) && !is_bytes(value.type.type))
    value = binder.as_text(std::move(value));
  const bool big = (is_text(value.type.type) || is_bytes(value.type.type)) && value.type.length < 0;
  return binder.call(op_text, {std::move(value)}, big ? bigint_type() : int_type(), name);
}

Typed substring_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 3, 3);
  Typed value = binder.expression(*expr.args[0]);
  if (!is_bytes(value.type.type)) value = binder.as_text(std::move(value));
  const TypeInfo source = value.type;
  Typed count = to_bigint(binder, *expr.args[2]);
  std::int64_t units = units_of(source);
  if (count.constant && !count.constant->null && (units < 0 || count.constant->number < units))
    units = std::max<std::int64_t>(count.constant->number, 1);
  if (source.length < 0 && !count.constant) units = -1;
  const TypeInfo result =
      is_bytes(source.type) ? text_type(Type::varbinary, units) : like_text(source, units);
  return binder.call(op_text, {std::move(value), to_bigint(binder, *expr.args[1]), std::move(count)}, result,
                     name);
}

Typed left_right(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.text_argument(*expr.args[0]);
  Typed count = to_bigint(binder, *expr.args[1]);
  std::int64_t units = units_of(value.type);
  if (count.constant && !count.constant->null && (units < 0 || count.constant->number < units))
    units = std::max<std::int64_t>(count.constant->number, 1);
  const TypeInfo result = like_text(value.type, units);
  return binder.call(op_text, {std::move(value), std::move(count)}, result, name);
}

Typed same_length(Binder& binder, const Expr& expr, const std::string& name) {
  const bool trim = name.ends_with("TRIM");
  binder.arguments(expr, 1, 1);
  Typed value = binder.text_argument(*expr.args[0]);
  const TypeInfo result = trim ? like_text(value.type, units_of(value.type)) : value.type;
  return binder.call(op_text, {std::move(value)}, result, name);
}

Typed replace_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 3, 3);
  Typed value = binder.text_argument(*expr.args[0]);
  Typed what = binder.text_argument(*expr.args[1]);
  Typed with = binder.text_argument(*expr.args[2]);
  const bool wide =
      is_wide_text(value.type.type) || is_wide_text(what.type.type) || is_wide_text(with.type.type);
  const TypeInfo result = text_type(wide ? Type::nvarchar : Type::varchar, value.type.length < 0 ? -1
                                                                           : wide                ? 4000
                                                                                                 : 8000);
  const std::string text = text_with_collation(name, value);
  return binder.call(op_text, {std::move(value), std::move(what), std::move(with)}, result, text);
}

Typed replicate_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.text_argument(*expr.args[0]);
  Typed times = to_bigint(binder, *expr.args[1]);
  const std::int64_t limit = is_wide_text(value.type.type) ? 4000 : 8000;
  std::int64_t units = value.type.length < 0 ? -1 : limit;
  if (units > 0 && times.constant && times.constant->number >= 0)
    units = std::min<std::int64_t>(limit, times.constant->number * units_of(value.type));
  const TypeInfo result = like_text(value.type, units);
  return binder.call(op_text, {std::move(value), std::move(times)}, result, name);
}

Typed find_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 2, name == "CHARINDEX" ? 3 : 2);
  Typed what = binder.text_argument(*expr.args[0]);
  Typed where = binder.text_argument(*expr.args[1]);
  const TypeInfo result = where.type.length < 0 ? bigint_type() : int_type();
  const std::string text = text_with_collation(name, where);
  std::vector<Typed> args{std::move(what), std::move(where)};
  if (expr.args.size() > 2) args.push_back(to_bigint(binder, *expr.args[2]));
  return binder.call(op_text, std::move(args), result, text);
}

Typed stuff_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 4, 4);
  Typed value = binder.text_argument(*expr.args[0]);
  Typed with = binder.text_argument(*expr.args[3]);
  const bool max = value.type.length < 0 || with.type.length < 0;
  const bool wide = is_wide_text(value.type.type) || is_wide_text(with.type.type);
  const std::int64_t units =
      max ? -1 : std::min<std::int64_t>(units_of(value.type) + units_of(with.type), wide ? 4000 : 8000);
  Typed out = binder.call(
      op_text,
      {std::move(value), to_bigint(binder, *expr.args[1]), to_bigint(binder, *expr.args[2]), std::move(with)},
      text_type(wide ? Type::nvarchar : Type::varchar, units), name, no_style, false);
  out.nullable = true;
  return out;
}

Typed concat_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, name == "CONCAT" ? 2 : 3, 254);
  std::vector<Typed> args;
  bool wide = false;
  bool max = false;
  std::int64_t units = 0;
  for (const ExprPtr& arg : expr.args) {
    args.push_back(binder.text_argument(*arg));
    wide = wide || is_wide_text(args.back().type.type);
    max = max || args.back().type.length < 0;
    units += units_of(args.back().type);
  }
  if (name == "CONCAT_WS") units += static_cast<std::int64_t>(args.size()) * units_of(args[0].type);
  units = max ? -1 : std::min<std::int64_t>(units, wide ? 4000 : 8000);
  Typed out = binder.call(op_text, std::move(args), text_type(wide ? Type::nvarchar : Type::varchar, units),
                          name, no_style, false);
  out.nullable = false;
  return out;
}

Typed character_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 1);
  const bool from_code = name == "CHAR" || name == "NCHAR";
  Typed value = from_code ? to_bigint(binder, *expr.args[0]) : binder.text_argument(*expr.args[0]);
  const TypeInfo result = name == "CHAR"    ? text_type(Type::char_, 1)
                          : name == "NCHAR" ? text_type(Type::nchar, 1)
                                            : int_type();
  Typed out = binder.call(op_text, {std::move(value)}, result, name);
  out.nullable = true;
  return out;
}

Typed quotename_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 2);
  std::vector<Typed> args;
  for (const ExprPtr& arg : expr.args)
    args.push_back(binder.convert_to(binder.text_argument(*arg), nvarchar_type(4000), expr.line));
  Typed out = binder.call(op_text, std::move(args), nvarchar_type(258), name);
  out.nullable = true;
  return out;
}

Typed space_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 1);
  return binder.call(op_text, {to_bigint(binder, *expr.args[0])}, text_type(Type::varchar, 8000), name);
}

Typed str_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 3);
  std::vector<Typed> args{to_float(binder, *expr.args[0])};
  for (std::size_t i = 1; i < expr.args.size(); ++i)
    args.push_back(to_bigint(binder, *expr.args[i]));
  std::int64_t length = 10;
  if (args.size() > 1 && args[1].constant) length = args[1].constant->number;
  return binder.call(op_text, std::move(args), text_type(Type::varchar, length), name);
}

Typed isnumeric_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 1);
  Typed out = binder.call(op_text, {binder.expression(*expr.args[0])}, int_type(), name, no_style, false);
  out.nullable = false;
  return out;
}

Typed checksum_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 254);
  std::vector<Typed> args;
  for (const ExprPtr& arg : expr.args) {
    if (arg->kind == ExprKind::star) not_supported(name + "(*)", expr.line);
    args.push_back(binder.convert_to(binder.text_argument(*arg), nvarchar_type(-1), expr.line));
  }
  Typed out = binder.call(op_text, std::move(args), int_type(), name, no_style, false);
  out.nullable = false;
  return out;
}

Typed hashbytes_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  const Typed algorithm = binder.text_argument(*expr.args[0]);
  if (!algorithm.constant) not_supported("HASHBYTES with a computed algorithm", expr.line);
  Typed value = binder.expression(*expr.args[1]);
  if (!is_bytes(value.type.type)) value = binder.as_text(std::move(value));
  const std::string name = upper(algorithm.constant->text);
  // An algorithm that is not known gives NULL.
  if (!is_digest_name(name)) return binder.null_value(text_type(Type::varbinary, 8000));
  Typed out = binder.call(op_hashbytes, {std::move(value)}, text_type(Type::varbinary, 8000), name);
  out.nullable = true;  // Whatever it is given: a computed column of it is, too.
  return out;
}

}  // namespace

std::span<const FunctionHandler> text_functions() {
  static constexpr FunctionHandler handlers[] = {
      {"LEN", length_function},
      {"DATALENGTH", length_function},
      {"SUBSTRING", substring_function},
      {"LEFT", left_right},
      {"RIGHT", left_right},
      {"UPPER", same_length},
      {"LOWER", same_length},
      {"LTRIM", same_length},
      {"RTRIM", same_length},
      {"TRIM", same_length},
      {"REVERSE", same_length},
      {"REPLACE", replace_function},
      {"REPLICATE", replicate_function},
      {"CHARINDEX", find_function},
      {"PATINDEX", find_function},
      {"STUFF", stuff_function},
      {"CONCAT", concat_function},
      {"CONCAT_WS", concat_function},
      {"CHAR", character_function},
      {"NCHAR", character_function},
      {"UNICODE", character_function},
      {"ASCII", character_function},
      {"QUOTENAME", quotename_function},
      {"SPACE", space_function},
      {"STR", str_function},
      {"ISNUMERIC", isnumeric_function},
      {"CHECKSUM", checksum_function},
      {"BINARY_CHECKSUM", checksum_function},
      {"HASHBYTES", hashbytes_function},
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
