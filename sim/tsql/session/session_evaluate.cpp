// SQL run step by step, and expressions evaluated at run time.
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

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

}  // namespace tailrace::sim::tsql
