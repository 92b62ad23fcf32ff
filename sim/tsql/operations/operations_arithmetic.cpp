// Arithmetic, bits, concatenation.
#include <cmath>

#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

bool overflow(const OperationCall& call) {
  return call.fail(
      8115, "Arithmetic overflow error converting expression to data type " +
                std::string(call.op.result.type == Type::decimal ? "numeric" : type_name(call.op.result)) +
                ".");
}

int scale_of(const TypeInfo& type) {
  return is_money(type.type) ? 4 : type.type == Type::decimal ? type.scale : 0;
}
int128 exact_of(const TypeInfo& type, const Cell& cell) {
  return is_integer(type.type) ? int128{cell.number} : cell.decimal;
}

double real_of(const TypeInfo& type, const Cell& cell) {
  if (is_float(type.type)) return cell.real;
  return to_double(exact_of(type, cell), scale_of(type));
}

bool fits_integer(Type type, int128 value) {
  switch (type) {
    case Type::tinyint: return value >= 0 && value <= 255;
    case Type::smallint: return value == static_cast<std::int16_t>(value);
    case Type::int_: return value == static_cast<std::int32_t>(value);
    default: return value == static_cast<std::int64_t>(value);
  }
}

bool put_exact(OperationCall& call, int128 value) {
  const TypeInfo& type = call.op.result;
  if (is_integer(type.type)) {
    if (!fits_integer(type.type, value)) return overflow(call);
    call.out.number = static_cast<std::int64_t>(value);
    return true;
  }
  const bool fits = type.type == Type::money        ? value == static_cast<std::int64_t>(value)
                    : type.type == Type::smallmoney ? value == static_cast<std::int32_t>(value)
                                                    : fits_precision(value, type.precision);
  if (!fits) return overflow(call);
  call.out.decimal = value;
  return true;
}

bool put_real(OperationCall& call, double value) {
  if (call.op.result.type == Type::real) value = static_cast<double>(static_cast<float>(value));
  if (!std::isfinite(value)) return overflow(call);
  call.out.real = value;
  return true;
}

bool add_or_subtract(OperationCall& call, int sign) {
  const TypeInfo& result = call.op.result;
  const TypeInfo& a = call.op.args[0];
  const TypeInfo& b = call.op.args[1];
  if (is_float(result.type))
    return put_real(call, real_of(a, call.args[0]) + sign * real_of(b, call.args[1]));
  const int scale = std::max(scale_of(a), scale_of(b));
  int128 left = 0;
  int128 right = 0;
  if (!rescale(exact_of(a, call.args[0]), scale_of(a), scale, true, left) ||
      !rescale(exact_of(b, call.args[1]), scale_of(b), scale, true, right))
    return overflow(call);
  int128 value = left + sign * right;  // Both are below 10^38, so the sum fits in 128 bits.
  if (!rescale(value, scale, scale_of(result), true, value)) return overflow(call);
  return put_exact(call, value);
}

}  // namespace

bool op_add(OperationCall& call) {
  return add_or_subtract(call, 1);
}
bool op_subtract(OperationCall& call) {
  return add_or_subtract(call, -1);
}

bool op_multiply(OperationCall& call) {
  const TypeInfo& a = call.op.args[0];
  const TypeInfo& b = call.op.args[1];
  if (is_float(call.op.result.type))
    return put_real(call, real_of(a, call.args[0]) * real_of(b, call.args[1]));
  int128 value = 0;
  if (!multiply(exact_of(a, call.args[0]), scale_of(a), exact_of(b, call.args[1]), scale_of(b),
                scale_of(call.op.result), value))
    return overflow(call);
  return put_exact(call, value);
}

bool op_divide(OperationCall& call) {
  const TypeInfo& a = call.op.args[0];
  const TypeInfo& b = call.op.args[1];
  if (is_float(call.op.result.type)) {
    const double divisor = real_of(b, call.args[1]);
    if (divisor == 0.0) return call.fail(8134, "Divide by zero error encountered.");
    return put_real(call, real_of(a, call.args[0]) / divisor);
  }
  const int128 divisor = exact_of(b, call.args[1]);
  if (divisor == 0) return call.fail(8134, "Divide by zero error encountered.");
  int128 value = 0;
  if (!divide(exact_of(a, call.args[0]), scale_of(a), divisor, scale_of(b), scale_of(call.op.result), value))
    return overflow(call);
  return put_exact(call, value);
}

bool op_modulo(OperationCall& call) {
  const TypeInfo& a = call.op.args[0];
  const TypeInfo& b = call.op.args[1];
  const int scale = std::max(scale_of(a), scale_of(b));
  int128 left = 0;
  int128 right = 0;
  if (!rescale(exact_of(a, call.args[0]), scale_of(a), scale, true, left) ||
      !rescale(exact_of(b, call.args[1]), scale_of(b), scale, true, right))
    return overflow(call);
  if (right == 0) return call.fail(8134, "Divide by zero error encountered.");
  int128 value = left % right;
  if (!rescale(value, scale, scale_of(call.op.result), true, value)) return overflow(call);
  return put_exact(call, value);
}

bool op_negate(OperationCall& call) {
  const TypeInfo& type = call.op.args[0];
  if (is_float(type.type)) return put_real(call, -call.args[0].real);
  return put_exact(call, -exact_of(type, call.args[0]));
}

bool op_concat(OperationCall& call) {
  call.out.text.assign(call.args[0].text);
  call.out.text.append(call.args[1].text);
  // A pair of surrogates may meet at the seam.
  const std::string_view left = call.args[0].text;
  const bool seam = is_text(call.op.result.type) && left.size() >= 3 &&
                    static_cast<unsigned char>(left[left.size() - 3]) == 0xED;
  if (seam) call.out.text = from_utf16(to_utf16(call.out.text));
  const std::int32_t limit = units_of(call.op.result);
  if (limit >= 0 && call.out.text.size() > static_cast<std::size_t>(limit) &&
      utf16_length(call.out.text) > limit) {
    if (is_text(call.op.result.type)) {
      std::u16string units = to_utf16(call.out.text);
      units.resize(static_cast<std::size_t>(limit));
      call.out.text = from_utf16(units);
    } else {
      call.out.text.resize(static_cast<std::size_t>(limit));
    }
  }
  return true;
}

bool op_bit(OperationCall& call) {
  const std::int64_t a = call.args[0].number;
  switch (call.op.text[0]) {
    case '&': call.out.number = a & call.args[1].number; break;
    case '|': call.out.number = a | call.args[1].number; break;
    case '^': call.out.number = a ^ call.args[1].number; break;
    default:
      call.out.number = call.op.result.type == Type::bit       ? (a == 0 ? 1 : 0)
                        : call.op.result.type == Type::tinyint ? (~a & 0xFF)
                                                               : ~a;
      break;
  }
  return true;
}

bool op_date_plus_days(OperationCall& call) {
  const TypeInfo& type = call.op.args[0];
  Moment moment = moment_of(type, call.args[0]);
  const double days = real_of(call.op.args[1], call.args[1]);
  const double ticks = std::round(days * static_cast<double>(ticks_per_day) / 1e4) * 1e4;
  if (std::fabs(days) > 4e6)
    return call.fail(517, "Adding a value to a 'datetime' column caused an overflow.");
  moment.ticks += static_cast<std::int64_t>(call.op.text == "+" ? ticks : -ticks);
  if (!from_moment(moment, call.op.result, call.out))
    return call.fail(517, "Adding a value to a 'datetime' column caused an overflow.");
  return true;
}

}  // namespace tailrace::sim::tsql
