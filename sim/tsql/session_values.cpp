// Variables, session values, and expressions evaluated at run time.
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sim/storage/clock.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {

bool contains_query(const Expr& expr) {
  if (expr.query) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [](const ExprPtr& arg) { return contains_query(*arg); });
}

namespace {

// Limits of SQLite's that a statement may reach without a fault of the translation.
bool is_limit(std::string_view error) {
  constexpr std::string_view limits[] = {"too many", "too large", "too big",
                                         "too long", "at most",   "stack overflow"};
  return std::any_of(std::begin(limits), std::end(limits),
                     [&](std::string_view limit) { return error.find(limit) != std::string_view::npos; });
}

// Refused, never answered wrongly; in SQL Server's words, as SQLite's mean nothing to a client.
[[noreturn]] void store_refused(const std::string& error, const std::string& sql) {
  if (!is_limit(error)) log::error("tsql.store.refused", {{"error", error}, {"sql", sql.substr(0, 2000)}});
  too_complex();
}

}  // namespace

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

const TypeInfo* SessionCore::variable_type(std::string_view name) {
  const auto found = frames_.back().variables.find(upper(name));
  return found == frames_.back().variables.end() ? nullptr : &found->second.type;
}

TablePtr SessionCore::local_table(std::string_view name) {
  const std::string key = upper(name);
  if (name.starts_with('@')) {
    const auto found = frames_.back().tables.find(key);
    return found == frames_.back().tables.end() ? nullptr : found->second;
  }
  const auto found = temporary_.find(key);
  return found == temporary_.end() ? nullptr : found->second;
}

void SessionCore::set_statement_time() {
  FunctionContext& context = active_->functions;
  context.utc_ticks = utc_ticks_now();
  context.local_ticks = local_ticks_now();
  context.offset_minutes = local_offset_minutes();
}

sim::Statement SessionCore::prepare(const std::string& sql) {
  std::string error;
  sim::Statement statement = active_->work->connection().try_prepare(sql, error);
  if (statement.handle() == nullptr) {
    // The translation made SQL that SQLite does not take: refused, never answered wrongly.
    store_refused(error, sql);
  }
  if (active_ != current_) {
    active_->functions.utc_ticks = current_->functions.utc_ticks;
    active_->functions.local_ticks = current_->functions.local_ticks;
    active_->functions.offset_minutes = current_->functions.offset_minutes;
  }
  return statement;
}

void SessionCore::raise_step_error() {
  ConversionError& error = active_->functions.error;
  if (error.number != 0) {
    const ConversionError taken = std::exchange(error, {});
    raise(taken.number, taken.text);
  }
  store_refused(active_->work->connection().last_error(), "");
}

bool SessionCore::step(sim::Statement& statement) {
  switch (statement.step()) {
    case Step::row: return true;
    case Step::done: return false;
    case Step::interrupted: throw Cancelled{};
    case Step::busy_snapshot:
      raise(3960,
            "Snapshot isolation transaction aborted due to update conflict. Retry the transaction or change "
            "the isolation level for the update/delete statement.");
    case Step::busy: raise(1222, "Lock request time out period exceeded.", 0, 51);
    default: raise_step_error();
  }
}

Value SessionCore::evaluate(const Expr& expr, const TypeInfo* type) {
  return in_named_database([&] {
    Binder binder(*this);
    if (contains_query(expr)) {
      active_->catalog.refresh();
      before_read();
    }
    Typed bound = binder.expression(expr);
    if (type != nullptr) bound = binder.convert_to(std::move(bound), *type, expr.line);
    if (bound.constant) return *bound.constant;
    sim::Statement statement = prepare(binder.with_clause() + "SELECT " + bound.sql);
    bind_parameters(statement, binder.parameters());
    Value out;
    if (step(statement)) out = decode(sqlite3_column_value(statement.handle(), 0), bound.type);
    out.type = bound.type;
    return out;
  });
}

bool SessionCore::test(const Expr& expr) {
  return in_named_database([&] {
    Binder binder(*this);
    if (contains_query(expr)) {
      active_->catalog.refresh();
      before_read();
    }
    const std::string sql = binder.predicate(expr);
    sim::Statement statement = prepare(binder.with_clause() + "SELECT " + sql);
    bind_parameters(statement, binder.parameters());
    return step(statement) && !statement.is_null(0) && statement.number(0) != 0;
  });
}

void SessionCore::assign(const std::string& name, Value value) {
  const auto found = frames_.back().variables.find(upper(name));
  if (found == frames_.back().variables.end())
    raise(137, "Must declare the scalar variable \"" + name + "\".", 0, 1, 15);
  Variable& variable = found->second;
  if (value.type == variable.type) {
    variable.value = std::move(value);
    return;
  }
  Value converted;
  ConversionError error;
  if (!convert(value.type, cell_of(value), variable.type, no_style, converted, error))
    raise(error.number, error.text);
  variable.value = std::move(converted);
}

void SessionCore::assign_expression(const std::string& name, const std::string& op, const Expr& expr) {
  const TypeInfo* found = variable_type(name);
  if (found == nullptr) raise(137, "Must declare the scalar variable \"" + name + "\".", expr.line, 1, 15);
  const TypeInfo type = *found;
  if (op == "=") {
    assign(name, evaluate(expr, &type));
    return;
  }
  // @x += e is @x = @x + e.
  Expr sum;
  sum.kind = ExprKind::binary;
  sum.text = op.substr(0, 1);
  sum.line = expr.line;
  auto variable = std::make_unique<Expr>();
  variable->kind = ExprKind::variable;
  variable->text = name;
  sum.args.push_back(std::move(variable));
  Expr& lent = const_cast<Expr&>(expr);
  auto right = std::make_unique<Expr>(std::move(lent));
  sum.args.push_back(std::move(right));
  const auto give_back = [&] { lent = std::move(*sum.args[1]); };
  try {
    assign(name, evaluate(sum, &type));
  } catch (...) {
    give_back();
    throw;
  }
  give_back();
}

void SessionCore::declare(const Declare& node) {
  for (const Declare::Item& item : node.items) {
    const std::string key = upper(item.name);
    Frame& frame = frames_.back();
    if (item.table) {
      // A batch may come here twice (a loop): the table starts empty once more.
      if (const auto old = frame.tables.find(key); old != frame.tables.end()) drop_local_table(old->second);
      frame.tables[key] = create_local_table(*item.table);
      continue;
    }
    Variable variable;
    variable.type = item.type.type;
    variable.value.type = variable.type;
    frame.variables[key] = variable;
    if (item.value) assign(item.name, evaluate(*item.value, &variable.type));
  }
}

}  // namespace tailrace::sim::tsql
