// Functions of dates and times.
#include <algorithm>

#include "sim/tsql/bind/binder.h"
#include "sim/tsql/bind/binder_functions_internal.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

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

}  // namespace

std::span<const FunctionHandler> date_functions() {
  static constexpr FunctionHandler handlers[] = {
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
  };
  return handlers;
}

}  // namespace tailrace::sim::tsql
