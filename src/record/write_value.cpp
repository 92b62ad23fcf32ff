// What is said of a value that does not fit.
#include "record/write_value.h"

namespace tailrace::record {

void refuse_value(const Schema& schema, std::string_view why) {
  std::string message = "A value of type " + std::string(name_of(schema.type));
  if (!schema.name.empty()) message += " (" + schema.name + ")";
  throw Error(ErrorKind::data, message + " does not fit its schema: it " + std::string(why) + ".");
}

}  // namespace tailrace::record
