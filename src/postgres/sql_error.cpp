// SQLSTATE to Error: classes first, then the single codes that differ from their class.
#include "postgres/sql_error.h"

#include <fmt/format.h>

namespace tailrace::postgres {
namespace {

bool in(std::string_view sqlstate, std::initializer_list<std::string_view> codes) {
  for (const std::string_view code : codes) {
    if (sqlstate == code) return true;
  }
  return false;
}

bool schema_changed(std::string_view sqlstate) {
  return in(sqlstate, {"42P01", "42703", "42804", "42P10", "3F000", "42883", "42704"});
}

// "cached plan must not change result type" passes once the statement is prepared anew. Whatever else the server says
// it does not support (a constraint of a partitioned table ...) it will not support at the next try either.
bool is_stale_plan(const SqlFailure& failure) {
  return failure.sqlstate == "0A000" &&
         (failure.function == "RevalidateCachedQuery" || failure.function.empty());
}

std::string remedy_of(const SqlFailure& failure, ErrorKind kind) {
  if (failure.sqlstate == "42501")
    return "grant the right to the role of target.user (GRANT CREATE ON DATABASE / SCHEMA, or ownership of "
           "the table), then run again";
  if (failure.sqlstate == "0A000" && kind == ErrorKind::config)
    return "the target server or this kind of table cannot do it: let tailrace make the table, or make it a "
           "plain one";
  if (failure.sqlstate == "3D000") return "create the database, or correct target.url";
  if (kind == ErrorKind::config && schema_changed(failure.sqlstate))
    return "the target's tables are not as tailrace left them; restore them or request a resnapshot";
  if (failure.sqlstate.starts_with("53")) return "free space, memory or connections on the target server";
  if (kind == ErrorKind::auth) return "check target.user, target.password and the server's pg_hba.conf";
  return {};
}

}  // namespace

ErrorKind kind_of_sqlstate(std::string_view sqlstate) {
  if (in(sqlstate, {fenced_sqlstate, moved_sqlstate, claimed_sqlstate})) return ErrorKind::fenced;
  if (in(sqlstate, {"40001", "40P01", "55P03", "57014"})) return ErrorKind::conflict;
  if (in(sqlstate,
         {"25006", "25P03", "40003", "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030"}))
    return ErrorKind::unavailable;
  if (sqlstate.starts_with("08") || sqlstate.starts_with("53")) return ErrorKind::unavailable;
  if (sqlstate.starts_with("28")) return ErrorKind::auth;
  if (in(sqlstate, {"0A000", "3D000", "42501", "55000"}) || schema_changed(sqlstate))
    return ErrorKind::config;
  // 54xxx: a row or an index entry is larger than the server can hold.
  if (sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate.starts_with("54"))
    return ErrorKind::data;
  return ErrorKind::internal;
}

Error error_of(const SqlFailure& failure, std::string_view purpose) {
  const ErrorKind kind = is_stale_plan(failure) ? ErrorKind::conflict : kind_of_sqlstate(failure.sqlstate);
  Error error(kind, fmt::format("PostgreSQL refused ({}): {}", purpose, failure.message));
  error.with("sqlstate", failure.sqlstate);
  if (!failure.detail.empty()) error.with("detail", failure.detail);
  if (!failure.table.empty())
    error.with("target_table", failure.schema.empty() ? failure.table : failure.schema + "." + failure.table);
  if (!failure.column.empty()) error.with("target_column", failure.column);
  if (!failure.constraint.empty()) error.with("constraint", failure.constraint);
  if (!failure.hint.empty()) error.with("hint", failure.hint);
  if (failure.context.starts_with("COPY")) error.with("where", failure.context);
  if (const std::string remedy = remedy_of(failure, kind); !remedy.empty()) error.with("remedy", remedy);
  return error;
}

}  // namespace tailrace::postgres
