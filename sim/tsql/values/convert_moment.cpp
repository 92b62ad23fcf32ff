// Conversions to dates and times.
#include <cmath>
#include <cstdlib>

#include "sim/storage/clock.h"
#include "sim/tsql/values/convert.h"
#include "sim/tsql/values/convert_internal.h"
#include "sim/tsql/values/moments.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool to_moment(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
               ConversionError& error) {
  Moment moment;
  if (is_text(from.type)) {
    const MomentError result = parse_moment(in.text, to, style, moment);
    const bool old = to.type == Type::datetime || to.type == Type::smalldatetime;
    if (result == MomentError::none && from_moment(moment, to, out)) return true;
    if (result != MomentError::syntax && old) {
      return fail(error, 242,
                  "The conversion of a " + std::string(type_name(from)) + " data type to a " +
                      std::string(type_name(to)) + " data type resulted in an out-of-range value.");
    }
    return fail(error, 241, "Conversion failed when converting date and/or time from character string.");
  }
  if (is_temporal(from.type)) {
    moment = moment_of(from, in);
    if (to.type != Type::datetimeoffset) moment.offset_minutes = 0;
  } else {  // Numbers are days since 1900.
    Value days;
    days.type = make_type(Type::float_);
    if (!to_float(from, in, days.type, days, error)) return false;
    moment.ticks =
        std::fabs(days.real) > 3e6 ? -1 : ticks_from_datetime(std::llround(days.real * 25920000.0));
  }
  if (from_moment(moment, to, out)) return true;
  if (is_numeric(from.type))
    return fail(
        error, 8115,
        "Arithmetic overflow error converting expression to data type " + std::string(type_name(to)) + ".");
  return fail(error, 242,
              "The conversion of a " + std::string(type_name(from)) + " data type to a " +
                  std::string(type_name(to)) + " data type resulted in an out-of-range value.");
}

}  // namespace tailrace::sim::tsql
