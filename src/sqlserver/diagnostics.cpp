// Error numbers of SQL Server and of FreeTDS, and the kinds they belong to.
#include "sqlserver/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tailrace::sqlserver {
namespace {

struct Known {
  std::int32_t native;
  ErrorKind kind;
};

// Source: sys.messages; FreeTDS numbers its own failures from 20000 on (include/freetds/tds.h).
constexpr Known known_numbers[] = {
    {18456, ErrorKind::auth},     // Login failed for user.
    {18452, ErrorKind::auth},     // The login is from an untrusted domain.
    {18470, ErrorKind::auth},     // The account is disabled.
    {18486, ErrorKind::auth},     // The account is locked out.
    {18487, ErrorKind::auth},     // The password has expired.
    {18488, ErrorKind::auth},     // The password must be changed.
    {4060, ErrorKind::config},    // Cannot open database requested by the login.
    {4064, ErrorKind::config},    // Cannot open user default database.
    {911, ErrorKind::config},     // Database does not exist.
    {229, ErrorKind::config},     // The right was denied on the object.
    {230, ErrorKind::config},     // The right was denied on the column.
    {262, ErrorKind::config},     // The right was denied in the database.
    {297, ErrorKind::config},     // The user does not have permission to perform this action.
    {300, ErrorKind::config},     // VIEW SERVER STATE was denied.
    {371, ErrorKind::config},     // The right was denied.
    {916, ErrorKind::config},     // The login is no user of the database.
    {3952, ErrorKind::config},    // Snapshot isolation is not allowed in this database.
    {1205, ErrorKind::conflict},  // Deadlock victim.
    {1222, ErrorKind::conflict},  // Lock request time out.
    {3960, ErrorKind::conflict},  // Snapshot update conflict.
    {3961, ErrorKind::conflict},  // Snapshot: the object was modified by DDL.
    {8645, ErrorKind::conflict},  // Time out while waiting for memory.
    {208, ErrorKind::schema},     // Invalid object name.
    {207, ErrorKind::schema},     // Invalid column name.
    {2812, ErrorKind::schema},    // Could not find stored procedure.
    {913, ErrorKind::schema},     // Could not find database ID (dropped meanwhile).
    {40613, ErrorKind::unavailable}, {40197, ErrorKind::unavailable}, {40501, ErrorKind::unavailable},
    {49918, ErrorKind::unavailable}, {49919, ErrorKind::unavailable}, {49920, ErrorKind::unavailable},
    {10053, ErrorKind::unavailable}, {10054, ErrorKind::unavailable}, {10060, ErrorKind::unavailable},
    {10928, ErrorKind::unavailable}, {10929, ErrorKind::unavailable}, {233, ErrorKind::unavailable},
    {976, ErrorKind::unavailable},  // Availability group: the replica cannot be read.
    {978, ErrorKind::unavailable},   {979, ErrorKind::unavailable},   {983, ErrorKind::unavailable},
    {921, ErrorKind::unavailable},    // The database has not been recovered yet.
    {922, ErrorKind::unavailable},    // It is being recovered.
    {927, ErrorKind::unavailable},    // It is in the middle of a restore.
    {942, ErrorKind::unavailable},    // It is offline.
    {596, ErrorKind::unavailable},    // The session is in the kill state.
    {701, ErrorKind::unavailable},    // Insufficient system memory.
    {6005, ErrorKind::unavailable},   // Shutdown is in progress.
    {17142, ErrorKind::unavailable},  // The server is paused.
    {18401, ErrorKind::unavailable},  // Script upgrade mode.
    {17830, ErrorKind::unavailable}, {17197, ErrorKind::unavailable},
};

constexpr std::array missing_rights = {229, 230, 262, 297, 300, 371, 916};

std::optional<ErrorKind> kind_of_number(std::int32_t native) {
  for (const Known& known : known_numbers) {
    if (known.native == native) return known.kind;
  }
  return std::nullopt;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// The driver's complaints about a call or a buffer of ours: another connection would hear the same.
// Source: ODBC 3.8, appendix A.
bool is_misuse(std::string_view state) {
  constexpr std::array classes = {"07", "22", "24"};
  constexpr std::array states = {"01004", "HY003", "HY004", "HY009", "HY010", "HY011", "HY024",
                                 "HY090", "HY092", "HY104", "HY105", "HY106", "HYC00"};
  return std::any_of(classes.begin(), classes.end(),
                     [&](const char* each) { return starts_with(state, each); }) ||
         std::any_of(states.begin(), states.end(), [&](const char* each) { return state == each; });
}

std::optional<ErrorKind> kind_of_state(const Diagnostic& diagnostic) {
  const std::string_view state = diagnostic.sqlstate;
  if (starts_with(state, "01") && state != "01004") return std::nullopt;
  if (starts_with(state, "08") || starts_with(state, "HYT")) return ErrorKind::unavailable;
  if (diagnostic.native >= 20000 && diagnostic.native < 20300) return ErrorKind::unavailable;
  if (state == "28000") return ErrorKind::auth;
  if (state == "40001") return ErrorKind::conflict;
  if (state == "42S02" || state == "42S22") return ErrorKind::schema;
  if (starts_with(state, "IM")) return ErrorKind::config;
  if (state == "HY008") return ErrorKind::unavailable;  // Cancelled, and not by us: the caller asks first.
  if (diagnostic.native == 0 && !is_misuse(state)) return ErrorKind::unavailable;
  return ErrorKind::internal;
}

// The diagnostic that names the cause: a number that is known comes before a state, and the driver's own
// "connection failed" after everything that the server said.
int rank(const Diagnostic& diagnostic) {
  // A database that is missing is followed by "login failed" (18456), which is only its consequence.
  if (diagnostic.native == 4060) return -1;
  if (kind_of_number(diagnostic.native)) return 0;
  if (!kind_of_state(diagnostic)) return 4;
  if (diagnostic.native > 0 && diagnostic.native < 20000) return 1;
  return diagnostic.native == 0 ? 3 : 2;
}

std::string_view remedy_of(std::int32_t native) {
  switch (native) {
    case 229:
    case 230:
      return "GRANT SELECT ON SCHEMA::cdc and on the tables to the login's user: `tailrace schema CONFIG "
             "--grants` prints it";
    case 262:
    case 297:
    case 300:
    case 371:
      return "GRANT VIEW DATABASE STATE (2022 and later: VIEW DATABASE PERFORMANCE STATE) to the user";
    case 916: return "CREATE USER for the login in the database";
    case 4060:
    case 4064:
    case 911: return "check source.databases, and that the login has a user in the database";
    case 3952: return "ALTER DATABASE ... SET ALLOW_SNAPSHOT_ISOLATION ON";
    default: return "";
  }
}

// Where the number says nothing: by kind.
std::string_view usual_remedy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::auth: return "check source.user and source.password";
    case ErrorKind::unavailable:
      return "check source.host, source.port and source.encrypt, and that the server runs";
    default: return "";
  }
}

// Drivers put their names before the text: [FreeTDS][SQL Server]Login failed.
std::string_view without_prefix(std::string_view message) {
  while (!message.empty() && message.front() == '[') {
    const std::size_t end = message.find(']');
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  return message;
}

}  // namespace

Error error_of(const std::vector<Diagnostic>& diagnostics, std::string_view doing) {
  if (diagnostics.empty()) {
    return Error(ErrorKind::unavailable, fmt::format("SQL Server: {} failed without a reason", doing));
  }
  const Diagnostic& cause = *std::min_element(
      diagnostics.begin(), diagnostics.end(),
      [](const Diagnostic& left, const Diagnostic& right) { return rank(left) < rank(right); });
  const ErrorKind kind =
      kind_of_number(cause.native).value_or(kind_of_state(cause).value_or(ErrorKind::unavailable));
  const std::string_view remedy = remedy_of(cause.native);
  Error error(kind, fmt::format("SQL Server: {}: {}", doing, without_prefix(cause.message)));
  error.with("sqlstate", cause.sqlstate).with("number", std::to_string(cause.native));
  if (const std::string_view what = remedy.empty() ? usual_remedy(kind) : remedy; !what.empty()) {
    error.with("remedy", what);
  }
  return error;
}

bool harmless(const std::vector<Diagnostic>& diagnostics) {
  return std::all_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
    return starts_with(diagnostic.sqlstate, "01") && diagnostic.sqlstate != "01004";
  });
}

bool is_missing_right(const Error& error) {
  const std::string_view number = error.context("number");
  return std::any_of(missing_rights.begin(), missing_rights.end(),
                     [&](int known) { return number == std::to_string(known); });
}

bool is_missing_object(const Error& error) {
  const std::string_view number = error.context("number");
  return number == "208" || number == "207" || number == "195" || number == "4121";
}

}  // namespace tailrace::sqlserver
