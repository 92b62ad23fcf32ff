// Functions by name: argument checks, result types, and the operation each becomes.
// Long: one table of functions and a handler for each kind.
#include <algorithm>
#include <map>

#include "sim/tsql/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
namespace {

using Handler = Typed (*)(Binder& binder, const Expr& expr, const std::string& name);

const TypeInfo bit_type = make_type(Type::bit);

TypeInfo like_text(const TypeInfo& source, std::int64_t units) {
  return text_type(is_wide_text(source.type) ? Type::nvarchar : Type::varchar, units);
}

std::string text_with_collation(const std::string& name, const Typed& value) {
  return name + " " + (value.collation.empty() ? std::string(default_collation) : value.collation);
}

Typed to_int(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), int_type(), expr.line);
}
Typed to_bigint(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), bigint_type(), expr.line);
}
Typed to_float(Binder& binder, const Expr& expr) {
  return binder.convert_to(binder.expression(expr), make_type(Type::float_), expr.line);
}

// --- Text --------------------------------------------------------------------------------------------------

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

// --- NULL handling -----------------------------------------------------------------------------------------

Typed coalesce_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 254);
  std::vector<Typed> values;
  std::optional<TypeInfo> type;
  for (const ExprPtr& arg : expr.args) {
    values.push_back(binder.expression(*arg));
    if (values.back().is_null) continue;
    const std::optional<TypeInfo> both = type ? common_type(*type, values.back().type) : values.back().type;
    if (!both)
      raise(206,
            "Operand type clash: " + std::string(type_name(*type)) + " is incompatible with " +
                std::string(type_name(values.back().type)),
            expr.line, 2);
    type = both;
  }
  if (!type)
    raise(4127,
          "At least one of the arguments to COALESCE must be an expression that is not the NULL constant.",
          expr.line);
  Typed out;
  out.type = *type;
  out.collation = binder.environment().collation();
  out.sql = "coalesce(";
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Typed value = binder.convert_to(values[i], *type, expr.line);
    out.sql += (i == 0 ? "" : ",") + value.sql;
    out.nullable = out.nullable && value.nullable;
    if (value.coercibility > out.coercibility) {
      out.coercibility = value.coercibility;
      out.collation = value.collation;
    }
  }
  out.sql += ")";
  return out;
}

Typed isnull_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.expression(*expr.args[0]);
  Typed other = binder.expression(*expr.args[1]);
  if (value.is_null) return other;
  other = binder.convert_to(std::move(other), value.type, expr.line);
  Typed out = value;
  out.sql = "coalesce(" + value.sql + "," + other.sql + ")";
  out.nullable = value.nullable && other.nullable;
  out.bare = false;
  out.identity = false;
  out.constant.reset();
  return out;
}

Typed nullif_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Expr compare;
  compare.kind = ExprKind::compare;
  compare.text = "=";
  compare.line = expr.line;
  Expr& source = const_cast<Expr&>(expr);  // Lent to the comparison for the call.
  compare.args.push_back(std::move(source.args[0]));
  compare.args.push_back(std::move(source.args[1]));
  const std::string condition = binder.predicate(compare);
  source.args[0] = std::move(compare.args[0]);
  source.args[1] = std::move(compare.args[1]);
  Typed value = binder.expression(*expr.args[0]);
  value.sql = "CASE WHEN " + condition + " THEN NULL ELSE " + value.sql + " END";
  value.nullable = true;
  value.bare = false;
  value.constant.reset();
  return value;
}

Typed iif_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 3, 3);
  const std::string condition = binder.predicate(*expr.args[0]);
  Typed yes = binder.expression(*expr.args[1]);
  Typed no = binder.expression(*expr.args[2]);
  if (yes.is_null && no.is_null)
    raise(8133,
          "At least one of the result expressions in a CASE specification must be an expression other than "
          "the NULL constant.",
          expr.line);
  const std::optional<TypeInfo> type = yes.is_null  ? no.type
                                       : no.is_null ? yes.type
                                                    : common_type(yes.type, no.type);
  if (!type)
    raise(206,
          "Operand type clash: " + std::string(type_name(yes.type)) + " is incompatible with " +
              std::string(type_name(no.type)),
          expr.line, 2);
  yes = binder.convert_to(std::move(yes), *type, expr.line);
  no = binder.convert_to(std::move(no), *type, expr.line);
  Typed out = yes.coercibility >= no.coercibility ? yes : no;
  out.type = *type;
  out.sql = "CASE WHEN " + condition + " THEN " + yes.sql + " ELSE " + no.sql + " END";
  out.nullable = yes.nullable || no.nullable;
  out.bare = false;
  out.is_null = false;
  out.identity = false;
  out.constant.reset();
  return out;
}

// --- Dates -------------------------------------------------------------------------------------------------

DatePart part_argument(const Expr& expr, const std::string& name) {
  const Expr& part = *expr.args[0];
  const DatePart out =
      part.kind == ExprKind::column && part.parts.size() == 1 ? date_part(part.parts[0]) : part_none;
  if (out == part_none) {
    const std::string text = part.parts.empty() ? part.text : part.parts.back();
    raise(155,
          "'" + text + "' is not a recognized " +
              (name == "DATEPART"   ? "datepart"
               : name == "DATEADD"  ? "dateadd"
               : name == "DATENAME" ? "datename"
                                    : "datediff") +
              " option.",
          expr.line, 1, 15);
  }
  return out;
}

Typed date_argument(Binder& binder, const Expr& expr, bool literal_as_datetime) {
  Typed value = binder.expression(expr);
  if (is_temporal(value.type.type) && !value.is_null) return value;
  if (is_text(value.type.type) && !literal_as_datetime)
    return binder.convert_to(std::move(value), time_type(Type::datetimeoffset, 7), expr.line);
  return binder.convert_to(std::move(value), make_type(Type::datetime), expr.line);
}

Typed dateadd_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 3, 3);
  const DatePart part = part_argument(expr, name);
  Typed date = date_argument(binder, *expr.args[2], true);
  const TypeInfo result = date.type;
  return binder.call(op_date, {to_bigint(binder, *expr.args[1]), std::move(date)}, result, name, part);
}

Typed datediff_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 3, 3);
  const DatePart part = part_argument(expr, name);
  return binder.call(
      op_date, {date_argument(binder, *expr.args[1], false), date_argument(binder, *expr.args[2], false)},
      name == "DATEDIFF" ? int_type() : bigint_type(), name, part);
}

Typed datepart_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 2, 2);
  const DatePart part = part_argument(expr, name);
  return binder.call(op_date, {date_argument(binder, *expr.args[1], false)},
                     name == "DATENAME" ? nvarchar_type(30) : int_type(), name, part);
}

Typed year_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 1);
  const DatePart part = name == "YEAR" ? part_year : name == "MONTH" ? part_month : part_day;
  return binder.call(op_date, {date_argument(binder, *expr.args[0], false)}, int_type(), "DATEPART", part);
}

Typed from_parts(Binder& binder, const Expr& expr, const std::string& name) {
  const std::size_t count = name == "DATEFROMPARTS" ? 3 : name == "DATETIMEFROMPARTS" ? 7 : 8;
  binder.arguments(expr, count, count);
  std::vector<Typed> args;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 7); ++i)
    args.push_back(to_bigint(binder, *expr.args[i]));
  TypeInfo result = make_type(count == 3 ? Type::date : Type::datetime);
  if (count == 8) {
    const Typed scale = to_int(binder, *expr.args[7]);
    if (!scale.constant || scale.constant->number < 0 || scale.constant->number > 7)
      not_supported("DATETIME2FROMPARTS with a computed precision", expr.line);
    result = time_type(Type::datetime2, static_cast<int>(scale.constant->number));
  }
  return binder.call(op_date, std::move(args), result, "FROMPARTS");
}

Typed eomonth_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 1, 2);
  std::vector<Typed> args{
      binder.convert_to(binder.expression(*expr.args[0]), make_type(Type::date), expr.line)};
  if (expr.args.size() > 1) args.push_back(to_bigint(binder, *expr.args[1]));
  return binder.call(op_date, std::move(args), make_type(Type::date), name);
}

Typed offset_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 2, 2);
  Typed date = binder.expression(*expr.args[0]);
  int scale = 7;
  if (date.type.type == Type::datetime)
    scale = 3;
  else if (date.type.type == Type::datetime2 || date.type.type == Type::datetimeoffset)
    scale = date.type.scale;
  else if (is_temporal(date.type.type))
    scale = 0;
  if (name == "SWITCHOFFSET")
    date = binder.convert_to(std::move(date), time_type(Type::datetimeoffset, scale), expr.line);
  else if (!is_temporal(date.type.type))
    date = binder.convert_to(std::move(date), time_type(Type::datetime2, 7), expr.line);
  Typed zone = binder.expression(*expr.args[1]);
  if (!is_text(zone.type.type)) zone = binder.convert_to(std::move(zone), bigint_type(), expr.line);
  return binder.call(op_date, {std::move(date), std::move(zone)}, time_type(Type::datetimeoffset, scale),
                     name);
}

Typed now_function(Binder& binder, const Expr& expr, const std::string& name) {
  binder.arguments(expr, 0, 0);
  const bool utc = name == "GETUTCDATE" || name == "SYSUTCDATETIME";
  const TypeInfo result = name == "SYSDATETIMEOFFSET" ? time_type(Type::datetimeoffset, 7)
                          : name.starts_with("SYS")   ? time_type(Type::datetime2, 7)
                                                      : make_type(Type::datetime);
  // Not folded by SQLite between executions: a prepared statement lives on.
  return binder.call(op_now, {}, result, utc ? "UTC" : "LOCAL", no_style, true, true);
}

// --- Mathematics -------------------------------------------------------------------------------------------

Typed math_function(Binder& binder, const Expr& expr, const std::string& name) {
  const bool two = name == "POWER";
  const bool round = name == "ROUND";
  binder.arguments(expr,
                   round          ? 2
                   : two          ? 2
                   : name == "PI" ? 0
                                  : 1,
                   round                  ? 3
                   : two || name == "LOG" ? 2
                   : name == "PI"         ? 0
                                          : 1);
  if (name == "PI")
    return binder.call(op_math,
                       {binder.cast_to(binder.expression(*[] {
                         static const Expr zero = [] {
                           Expr e;
                           e.kind = ExprKind::literal;
                           e.token_kind = TokenKind::integer;
                           e.text = "0";
                           return e;
                         }();
                         return &zero;
                       }()),
                                       make_type(Type::float_), no_style, false, expr.line)},
                       make_type(Type::float_), name);
  Typed value = binder.expression(*expr.args[0]);
  static const std::vector<std::string_view> exact{"ABS", "SIGN", "FLOOR", "CEILING", "ROUND"};
  const bool keeps_type = std::find(exact.begin(), exact.end(), name) != exact.end();
  if (is_text(value.type.type) || value.is_null || !keeps_type) {
    const TypeInfo original = value.type;
    value = binder.convert_to(std::move(value), make_type(Type::float_), expr.line);
    std::vector<Typed> args{std::move(value)};
    if (expr.args.size() > 1)
      args.push_back(round ? to_bigint(binder, *expr.args[1]) : to_float(binder, *expr.args[1]));
    Typed out = binder.call(op_math, std::move(args), make_type(Type::float_), name);
    if (two && is_integer(original.type))
      return binder.cast_to(std::move(out), original.type == Type::bigint ? bigint_type() : int_type(),
                            no_style, false, expr.line);
    if (two && original.type == Type::decimal)
      return binder.cast_to(std::move(out), decimal_type(38, original.scale), no_style, false, expr.line);
    return out;
  }
  if (!is_numeric(value.type.type))
    raise(8116,
          "Argument data type " + std::string(type_name(value.type)) + " is invalid for argument 1 of " +
              name + " function.",
          expr.line);
  TypeInfo result = value.type;
  if (is_integer(result.type) && result.type != Type::bigint) result = int_type();
  if (result.type == Type::smallmoney) result = make_type(Type::money);
  if (result.type == Type::real) result = make_type(Type::float_);
  if (result.type == Type::decimal && (name == "FLOOR" || name == "CEILING"))
    result = decimal_type(result.precision, 0);
  const TypeInfo argument = result.type == Type::decimal ? value.type : result;
  value = binder.convert_to(std::move(value), argument, expr.line);
  std::vector<Typed> args{std::move(value)};
  for (std::size_t i = 1; i < expr.args.size(); ++i)
    args.push_back(to_bigint(binder, *expr.args[i]));
  return binder.call(op_math, std::move(args), result, name);
}

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

// --- Metadata ----------------------------------------------------------------------------------------------

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

// --- sql_variant and CLR types -----------------------------------------------------------------------------

Typed variant_property_function(Binder& binder, const Expr& expr, const std::string&) {
  binder.arguments(expr, 2, 2);
  Typed value = binder.expression(*expr.args[0]);
  if (value.is_null) return binder.null_value(nvarchar_type(128));
  value = binder.convert_to(std::move(value), guise_type(Guise::sql_variant), expr.line);
  Typed out = binder.call(op_variant_property, {std::move(value), binder.text_argument(*expr.args[1])},
                          nvarchar_type(128));
  out.nullable = true;
  return out;
}

Typed from_text_function(Binder& binder, const Expr& expr, const std::string& name) {
  const Guise guise = name.starts_with("GEOMETRY") ? Guise::geometry : Guise::geography;
  binder.arguments(expr, 2, 2);
  Typed text = binder.convert_to(binder.text_argument(*expr.args[0]), nvarchar_type(-1), expr.line);
  return binder.call(op_spatial, {std::move(text), to_int(binder, *expr.args[1])}, guise_type(guise));
}

Typed parse_function(Binder& binder, const Expr& expr, const std::string& name) {
  const Guise guise = name.starts_with("GEOMETRY")    ? Guise::geometry
                      : name.starts_with("GEOGRAPHY") ? Guise::geography
                                                      : Guise::hierarchyid;
  binder.arguments(expr, 1, 1);
  return binder.convert_to(binder.text_argument(*expr.args[0]), guise_type(guise), expr.line);
}

// value.ToString() of a column; nothing: no method that is known.
std::optional<Typed> method_of_column(Binder& binder, const Expr& expr) {
  if (!same_word(expr.parts.back(), "ToString") || !expr.args.empty()) return std::nullopt;
  Expr column;
  column.kind = ExprKind::column;
  column.line = expr.line;
  column.parts.assign(expr.parts.begin(), expr.parts.end() - 1);
  Typed value = binder.expression(column);
  if (!is_opaque(value.type) || value.type.guise == Guise::sql_variant) return std::nullopt;
  const std::int32_t most = value.type.guise == Guise::hierarchyid ? 4000 : -1;
  return binder.cast_to(std::move(value), nvarchar_type(most), no_style, false, expr.line);
}

struct CdcRow {
  std::vector<TypeInfo> args;
  TypeInfo result;
};

const std::map<std::string, CdcRow, std::less<>>& cdc_rows() {
  static const TypeInfo lsn = text_type(Type::binary, 10);
  static const TypeInfo name_type = nvarchar_type(128);
  static const TypeInfo mask = text_type(Type::varbinary, 128);
  static const std::map<std::string, CdcRow, std::less<>> rows{
      {"FN_CDC_GET_MAX_LSN", {{}, lsn}},
      {"FN_CDC_GET_MIN_LSN", {{name_type}, lsn}},
      {"FN_CDC_INCREMENT_LSN", {{lsn}, lsn}},
      {"FN_CDC_DECREMENT_LSN", {{lsn}, lsn}},
      {"FN_CDC_MAP_LSN_TO_TIME", {{lsn}, make_type(Type::datetime)}},
      {"FN_CDC_MAP_TIME_TO_LSN", {{nvarchar_type(64), make_type(Type::datetime)}, lsn}},
      {"FN_CDC_GET_COLUMN_ORDINAL", {{name_type, name_type}, int_type()}},
      {"FN_CDC_IS_BIT_SET", {{int_type(), mask}, bit_type}},
      {"FN_CDC_HAS_COLUMN_CHANGED", {{name_type, name_type, mask}, bit_type}},
      {"FN_VARBINTOHEXSTR", {{text_type(Type::varbinary, 8000)}, nvarchar_type(-1)}},
  };
  return rows;
}

}  // namespace

void Binder::arguments(const Expr& expr, std::size_t low, std::size_t high) const {
  const std::size_t count = expr.args.size();
  if (count >= low && count <= high) return;
  std::string name = upper(expr.parts.back());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  if (low == high)
    raise(174, "The " + name + " function requires " + std::to_string(low) + " argument(s).", expr.line, 1,
          15);
  raise(189,
        "The " + name + " function requires " + std::to_string(low) + " to " + std::to_string(high) +
            " arguments.",
        expr.line, 1, 15);
}

Typed Binder::function(const Expr& expr) {
  static const std::map<std::string, Handler, std::less<>> handlers{
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
      {"COALESCE", coalesce_function},
      {"ISNULL", isnull_function},
      {"NULLIF", nullif_function},
      {"IIF", iif_function},
      {"DATEADD", dateadd_function},
      {"DATEDIFF", datediff_function},
      {"DATEDIFF_BIG", datediff_function},
      {"DATEPART", datepart_function},
      {"DATENAME", datepart_function},
      {"YEAR", year_function},
      {"MONTH", year_function},
      {"DAY", year_function},
      {"DATEFROMPARTS", from_parts},
      {"DATETIMEFROMPARTS", from_parts},
      {"DATETIME2FROMPARTS", from_parts},
      {"EOMONTH", eomonth_function},
      {"TODATETIMEOFFSET", offset_function},
      {"SWITCHOFFSET", offset_function},
      {"GETDATE", now_function},
      {"GETUTCDATE", now_function},
      {"SYSDATETIME", now_function},
      {"SYSUTCDATETIME", now_function},
      {"SYSDATETIMEOFFSET", now_function},
      {"CURRENT_TIMESTAMP", now_function},
      {"ABS", math_function},
      {"SIGN", math_function},
      {"FLOOR", math_function},
      {"CEILING", math_function},
      {"ROUND", math_function},
      {"SQRT", math_function},
      {"POWER", math_function},
      {"EXP", math_function},
      {"LOG", math_function},
      {"LOG10", math_function},
      {"SQUARE", math_function},
      {"SIN", math_function},
      {"COS", math_function},
      {"PI", math_function},
      {"NEWID", newid_function},
      {"RAND", rand_function},
      {"SQL_VARIANT_PROPERTY", variant_property_function},
      {"GEOMETRY::STGEOMFROMTEXT", from_text_function},
      {"GEOGRAPHY::STGEOMFROMTEXT", from_text_function},
      {"GEOMETRY::PARSE", parse_function},
      {"GEOGRAPHY::PARSE", parse_function},
      {"HIERARCHYID::PARSE", parse_function}};
  const std::string name = upper(expr.parts.back());
  if (expr.parts.size() > 1) {
    // [db.]sys.fn_cdc_...; user-defined functions are not known.
    const bool in_sys = same_word(expr.parts[expr.parts.size() - 2], "sys") ||
                        same_word(expr.parts[expr.parts.size() - 2], "master");
    const auto row = cdc_rows().find(name);
    if (!in_sys || row == cdc_rows().end()) {
      if (std::optional<Typed> method = method_of_column(*this, expr)) return *std::move(method);
      std::string full;
      for (const std::string& part : expr.parts)
        full += (full.empty() ? "" : ".") + part;
      raise(4121,
            "Cannot find either column \"" + expr.parts[0] +
                "\" or the user-defined function or aggregate \"" + full + "\", or the name is ambiguous.",
            expr.line);
    }
    ObjectName where;
    where.database = expr.parts.size() == 3 ? expr.parts[0] : "";
    where.schema = "sys";
    where.name = expr.parts.back();
    where.line = expr.line;
    const std::int32_t database_id = environment_.foreign_database_id(where.database, where);
    arguments(expr, row->second.args.size(), row->second.args.size());
    std::vector<Typed> args;
    for (std::size_t i = 0; i < expr.args.size(); ++i)
      args.push_back(cast_to(expression(*expr.args[i]), row->second.args[i], no_style, false, expr.line));
    std::string key = name;
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
    if (database_id != 0) key = std::to_string(database_id) + ":" + key;
    Typed out = call(op_cdc, std::move(args), row->second.result, key, no_style, false, true);
    out.nullable = true;
    return out;
  }
  if (expr.over) return window_function(expr, name);
  for (const std::string_view known : {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG", "STRING_AGG"}) {
    if (name == known) return aggregate(expr, name);
  }
  if (const auto found = handlers.find(name); found != handlers.end())
    return found->second(*this, expr, name);
  if (meta_rows().contains(name)) return meta_function(*this, expr, name);
  if (find_session_value(name) != nullptr) {
    arguments(expr, 0, 0);
    return session_value(name);
  }
  raise(195, "'" + expr.parts[0] + "' is not a recognized built-in function name.", expr.line, 10, 15);
}

}  // namespace tailrace::sim::tsql
