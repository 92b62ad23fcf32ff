// PARSE: texts of dates and times.
#include <regex>

#include "sim/storage/codec.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool op_parse(OperationCall& call) {
  // .NET reads much more under en-US; what is not of these forms is refused, not guessed.
  static const std::regex form(
      "(\\d{4}-\\d{1,2}-\\d{1,2}|\\d{1,2}/\\d{1,2}/\\d{4})([ T]\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d{1,7})?)?)?( "
      "?[+-]\\d{2}:\\d{2})?");
  static const std::regex time_form("\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d{1,7})?)?");
  const TypeInfo& type = call.op.result;
  std::string text(call.args[0].text);
  const bool known =
      std::regex_match(text, form) || (type.type == Type::time && std::regex_match(text, time_form));
  if (!known) return call.fail(40517, "PARSE of '" + text + "' is not simulated.");
  // datetime would read the parts by its own rules; datetime2 and datetimeoffset know all of these forms.
  const bool offset = text.size() > 6 && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-') &&
                      text[text.size() - 3] == ':';
  TypeInfo wide = make_type(offset ? Type::datetimeoffset : Type::datetime2);
  if (!offset && type.type == Type::time && std::regex_match(text, time_form)) wide = make_type(Type::time);
  wide.scale = 7;
  Value value;
  ConversionError ignored;  // One error for whatever is wrong.
  const TypeInfo from = nvarchar_type(4000);
  if (convert(from, call.args[0], wide, no_style, value, ignored) &&
      convert(wide, cell_of(value), type, no_style, call.out, ignored))
    return true;
  return call.fail(9819, "Error converting string value '" + text + "' into data type " +
                             std::string(type_name(type)) + " using culture ''.");
}

}  // namespace tailrace::sim::tsql
