// Mathematics.
#include <cmath>

#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool op_math(OperationCall& call) {
  const std::string& name = call.op.text;
  const TypeInfo& type = call.op.args[0];
  const Cell& cell = call.args[0];
  const auto overflow = [&] {
    return call.fail(8115, "Arithmetic overflow error converting expression to data type " +
                               std::string(type_name(call.op.result)) + ".");
  };
  if (is_float(type.type)) {
    const double value = cell.real;
    double out = 0;
    if (name == "ABS")
      out = std::fabs(value);
    else if (name == "SIGN")
      out = value > 0 ? 1 : value < 0 ? -1 : 0;
    else if (name == "FLOOR")
      out = std::floor(value);
    else if (name == "CEILING")
      out = std::ceil(value);
    else if (name == "ROUND") {
      const double factor = std::pow(10.0, static_cast<double>(call.args[1].number));
      const bool cut = call.args.size() > 2 && call.args[2].number != 0;
      out = (cut ? std::trunc(value * factor) : std::round(value * factor)) / factor;
    } else if (name == "SQRT") {
      if (value < 0) return call.fail(3623, "An invalid floating point operation occurred.");
      out = std::sqrt(value);
    } else if (name == "POWER")
      out = std::pow(value, call.args[1].real);
    else if (name == "EXP")
      out = std::exp(value);
    else if (name == "LOG" || name == "LOG10") {
      if (value <= 0) return call.fail(3623, "An invalid floating point operation occurred.");
      out = name == "LOG" ? std::log(value) : std::log10(value);
      if (name == "LOG" && call.args.size() > 1) out /= std::log(call.args[1].real);
    } else if (name == "SQUARE")
      out = value * value;
    else if (name == "SIN")
      out = std::sin(value);
    else if (name == "COS")
      out = std::cos(value);
    else if (name == "PI")
      out = 3.14159265358979323846;
    if (!std::isfinite(out)) return overflow();
    call.out.real = out;
    return true;
  }
  const int scale = is_money(type.type) ? 4 : type.type == Type::decimal ? type.scale : 0;
  int128 value = is_integer(type.type) ? int128{cell.number} : cell.decimal;
  const int128 one = power_of_ten(scale);
  if (name == "ABS") {
    value = value < 0 ? -value : value;
  } else if (name == "SIGN") {
    value = value > 0 ? one : value < 0 ? -one : 0;
  } else if (name == "FLOOR" || name == "CEILING") {
    int128 whole = value / one;
    if (name == "FLOOR" && value % one < 0) whole -= 1;
    if (name == "CEILING" && value % one > 0) whole += 1;
    value = whole * power_of_ten(is_money(call.op.result.type) ? 4 : call.op.result.scale);
  } else {  // ROUND
    const std::int64_t digits = call.args[1].number;
    const bool cut = call.args.size() > 2 && call.args[2].number != 0;
    if (digits < scale) {
      const std::int64_t drop = scale - digits;
      if (drop > 38) {
        value = 0;
      } else {
        int128 rounded = 0;
        if (!rescale(value, static_cast<int>(drop), 0, !cut, rounded)) return overflow();
        if (!rescale(rounded, 0, static_cast<int>(drop), false, value)) return overflow();
      }
    }
  }
  if (is_integer(call.op.result.type)) {
    if (call.op.result.type == Type::bigint ? value != static_cast<std::int64_t>(value)
                                            : value != static_cast<std::int32_t>(value))
      return overflow();
    call.out.number = static_cast<std::int64_t>(value);
  } else {
    if (!is_money(call.op.result.type) && !fits_precision(value, call.op.result.precision)) return overflow();
    call.out.decimal = value;
  }
  return true;
}

}  // namespace tailrace::sim::tsql
