// Values as another type: CAST, assignment to a column, the whole numbers that TOP, OFFSET and FETCH take.
#include <algorithm>

#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool op_convert(OperationCall& call) {
  return convert(call.op.args[0], call.args[0], call.op.result, call.op.style, call.out, call.context.error);
}

// As much of a text as its column takes, for the message.
std::string cut_text(const std::string& text, const TypeInfo& type) {
  std::u16string units = to_utf16(is_text(type.type) ? text : std::string());
  units.resize(std::min<std::size_t>(units.size(), static_cast<std::size_t>(std::max(units_of(type), 0))));
  return from_utf16(units);
}

// What a value becomes on its way into a column: as convert, but a text that would be cut is an error that names the
// column.
bool op_assign(OperationCall& call) {
  if (convert(call.op.args[0], call.args[0], call.op.result, no_style, call.out, call.context.error,
              ConversionUse::assignment))
    return true;
  if (call.context.error.number == 8152) {
    call.context.error.number = 2628;
    call.context.error.text = "String or binary data would be truncated in " + call.op.text +
                              ". Truncated value: '" + cut_text(call.out.text, call.op.result) + "'.";
  }
  return false;
}

bool op_row_count(OperationCall& call) {
  const Cell& count = call.args[0];
  if (count.null) {
    return call.op.text == "TOP" ? call.fail(1060,
                                             "The number of rows provided for a TOP or FETCH clauses row "
                                             "count parameter must be an integer.")
                                 : call.fail(10743, "The number of rows provided for an " + call.op.text +
                                                        " clause must be an integer.");
  }
  if (call.op.text == "TOP" && count.number < 0)
    return call.fail(127, "A TOP N or FETCH rowcount value may not be negative.");
  if (call.op.text == "OFFSET" && count.number < 0)
    return call.fail(10742, "The offset specified in a OFFSET clause may not be negative.");
  if (call.op.text == "FETCH" && count.number < 1)
    return call.fail(10744, "The number of rows provided for a FETCH clause must be greater then zero.");
  call.out.number = count.number;
  return true;
}

}  // namespace tailrace::sim::tsql
