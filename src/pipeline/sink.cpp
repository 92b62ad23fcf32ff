// What most sinks have no answer for.
#include "pipeline/sink.h"

#include "base/error.h"

namespace tailrace {

void Sink::begin_again(const std::string&, const std::vector<TableStart>&, const Position&) {
  throw Error(ErrorKind::internal, "this target cannot take all tables again at once");
}

}  // namespace tailrace
