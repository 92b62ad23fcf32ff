// Numbers, severities and what an error ends.
#include "sim/tsql/errors.h"

#include <utility>

#include "sim/tsql/parse/lexer.h"

namespace tailrace::sim::tsql {

void raise(std::int32_t number, std::string text, std::int32_t line, std::uint8_t state,
           std::uint8_t severity) {
  StatementError error;
  error.message.number = number;
  error.message.state = state;
  error.message.severity = severity == 0 ? severity_of(number) : severity;
  error.message.text = std::move(text);
  error.message.line = line;
  throw StatementError(std::move(error));
}

void syntax_error(std::string_view near, std::int32_t line) {
  if (is_reserved(near)) {
    raise(156, "Incorrect syntax near the keyword '" + std::string(near) + "'.", line);
  }
  raise(102, "Incorrect syntax near '" + std::string(near) + "'.", line);
}

void not_supported(std::string_view what, std::int32_t line) {
  raise(40517,
        "Keyword or statement option '" + std::string(what) +
            "' is not supported in this version of SQL Server.",
        line);
}

void too_complex() {
  raise(8623,
        "The query processor ran out of internal resources and could not produce a query plan. This is a "
        "rare event "
        "and only expected for extremely complex queries or queries that reference a very large number of "
        "tables or "
        "partitions. Please simplify the query. If you believe you have received this message in error, "
        "contact "
        "Customer Support Services for more information.");
}

std::uint8_t severity_of(std::int32_t number) {
  switch (number) {
    case 102:
    case 105:
    case 108:
    case 109:
    case 110:
    case 113:
    case 116:
    case 119:
    case 120:
    case 121:
    case 127:
    case 131:
    case 134:
    case 137:
    case 139:
    case 145:
    case 153:
    case 156:
    case 170:
    case 178:
    case 1003:
    case 1033:
    case 1060:
    case 1087:
    case 10704:
    case 10738: return 15;
    case 229:
    case 230:
    case 262:
    case 2601:
    case 2627:
    case 18456: return 14;
    case 1205: return 13;
    case 3701: return 11;
    default: return 16;
  }
}

ErrorScope scope_of(std::int32_t number) {
  switch (number) {
    // Conversion errors, deadlock victims and update conflicts end the batch and its transaction.
    case 241:
    case 242:
    case 245:
    case 295:
    case 517:
    case 529:
    case 8114:
    case 8169:
    case 1205:
    case 3960:
    case 9803:
    case 9807: return ErrorScope::transaction;
    // What SQL Server finds when it compiles the statement ends the batch only.
    case 102:
    case 105:
    case 113:
    case 120:
    case 121:
    case 134:
    case 137:
    case 156:
    case 178:
    case 195:
    case 201:
    case 207:
    case 208:
    case 209:
    case 213:
    case 214:
    case 4104:
    case 8120:
    case 8121:
    case 8117:
    case 8144:
    case 8145:
    case 402:
    case 206:
    case 257:
    case 259:
    case 260:
    case 271:
    case 272:
    case 273:
    case 4121:
    case 40517:
    case 535:
    case 1087:
    case 10738:
    case 2715:
    case 243:
    case 4127:
    case 8155:
    case 8156:
    case 8158:
    case 8159:
    case 205:
    case 116:
    case 174:
    case 189:
    case 911:
    case 2714:
    case 4902:
    case 3701:
    case 4924: return ErrorScope::batch;
    default: return ErrorScope::statement;
  }
}

}  // namespace tailrace::sim::tsql
