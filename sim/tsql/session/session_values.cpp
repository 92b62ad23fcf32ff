// Session values such as @@ROWCOUNT and SUSER_SNAME(), as parameters of statements.
#include <sqlite3.h>

#include "base/log.h"
#include "sim/storage/clock.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

const std::string& version_text() {
  static const std::string text =
      "Microsoft SQL Server 2022 (RTM-CU14) (KB5038325) - 16.0.4135.4 (X64) \n\tJul 10 2024 14:09:09 "
      "\n\tCopyright (C) 2022 Microsoft "
      "Corporation\n\tDeveloper Edition (64-bit) on Linux (tailrace simulator)";
  return text;
}

Value SessionCore::session_value(const std::string& name) {
  const auto number = [&](std::int64_t value) { return number_value(value, find_session_value(name)->type); };
  const auto null = [&] {
    Value out;
    out.type = find_session_value(name)->type;
    return out;
  };
  if (name == "@@ROWCOUNT" || name == "ROWCOUNT_BIG") return number(row_count_);
  if (name == "@@ERROR") return number(last_error_);
  if (name == "@@TRANCOUNT") return number(tran_count_);
  if (name == "@@SPID") return number(spid_);
  if (name == "XACT_STATE") return number(tran_count_ == 0 ? 0 : doomed_ ? -1 : 1);
  if (name == "SCOPE_IDENTITY" || name == "@@IDENTITY") {
    if (!scope_identity_) return null();
    Value out = *scope_identity_;
    out.type = find_session_value(name)->type;
    return out;
  }
  if (name.starts_with("ERROR_")) {
    if (!caught_) return null();
    if (name == "ERROR_NUMBER") return number(caught_->number);
    if (name == "ERROR_SEVERITY") return number(caught_->severity);
    if (name == "ERROR_STATE") return number(caught_->state);
    if (name == "ERROR_LINE") return number(caught_->line);
    if (name == "ERROR_MESSAGE") return text_value(caught_->text);
    return caught_->procedure.empty() ? null() : text_value(caught_->procedure);
  }
  if (name == "@@VERSION") return text_value(version_text());
  if (name == "@@SERVERNAME") return text_value("tailrace-sim");
  if (name == "@@SERVICENAME") return text_value("MSSQLSERVER");
  if (name == "@@LANGUAGE") return text_value("us_english");
  if (name == "@@MAX_PRECISION") return number(38);
  if (name == "@@MAX_CONNECTIONS") return number(32767);
  if (name == "@@LOCK_TIMEOUT") return number(options_.lock_timeout ? options_.lock_timeout->count() : -1);
  if (name == "@@DATEFIRST") return number(7);
  if (name == "@@MICROSOFTVERSION") return number(0x10001027);
  if (name == "@@OPTIONS")
    return number(5496 | (options_.no_count ? 512 : 0) | (options_.xact_abort ? 16384 : 0) |
                  (options_.implicit_transactions ? 2 : 0));
  if (name == "@@TEXTSIZE") return number(options_.text_size);
  if (name == "@@NESTLEVEL") return number(nesting_);
  if (name == "@@FETCH_STATUS" || name == "@@PROCID" || name == "@@LANGID") return number(0);
  if (name == "CURRENT_TRANSACTION_ID") return number(static_cast<std::int64_t>(descriptor_));
  if (name == "APP_NAME") return text_value(login_.application);
  if (name == "HOST_NAME") return text_value(login_.host);
  if (name == "SUSER_SNAME" || name == "SUSER_NAME" || name == "ORIGINAL_LOGIN" || name == "SYSTEM_USER")
    return text_value(definition_.name);
  if (name == "CURRENT_USER" || name == "SESSION_USER" || name == "USER" || name == "USER_NAME")
    return text_value(active_->principal.user_name);
  if (name == "DB_NAME") return text_value(current_->database->name);
  if (name == "DB_ID") return number(current_->database->id);
  if (name == "SCHEMA_NAME") return text_value(default_schema_);
  if (name == "SCHEMA_ID") return number(active_->catalog.schema_id(default_schema_).value_or(1));
  return null();
}

Value SessionCore::parameter_value(const std::string& name) {
  if (name.starts_with("@@") || !name.starts_with("@")) return session_value(name);
  const auto found = frames_.back().variables.find(name);
  if (found == frames_.back().variables.end())
    raise(137, "Must declare the scalar variable \"" + name + "\".", 0, 2, 15);
  return found->second.value;
}

void SessionCore::bind_parameters(sim::Statement& statement, const std::vector<std::string>& parameters,
                                  const RowStore*) {
  const int count = sqlite3_bind_parameter_count(statement.handle());
  for (std::size_t i = 0; i < parameters.size() && static_cast<int>(i) < count; ++i)
    statement.bind(static_cast<int>(i) + 1, parameter_value(parameters[i]));
}

void SessionCore::set_statement_time() {
  FunctionContext& context = active_->functions;
  context.utc_ticks = utc_ticks_now();
  context.local_ticks = local_ticks_now();
  context.offset_minutes = local_offset_minutes();
}

}  // namespace tailrace::sim::tsql
