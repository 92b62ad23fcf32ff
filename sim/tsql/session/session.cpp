// A session's requests: batches and RPCs from the front, what faults do before them, what ends them.
#include "sim/tsql/session/session_core.h"

#include "base/error.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

SessionCore::SessionCore(EngineState& state, const sim::Login& login, const LoginDef& definition,
                         const DatabasePtr& database)
    : state_(state),
      login_(login),
      definition_(definition),
      spid_(state.next_spid.fetch_add(1)),
      session_number_(state.faults.next_session()) {
  if (spid_ > 32767) spid_ = 51 + spid_ % 32000;
  current_ = active_ = &use(database);
  frames_.emplace_back();
}

SessionCore::~SessionCore() {
  // A session that ends in a transaction rolls it back: Work's destructor does.
}

bool SessionCore::disconnected(ResultSink& sink) {
  if (!state_.faults.disconnected(session_number_)) return false;
  sink.reset_connection();
  cut_ = true;
  return true;
}

namespace {

// Of a batch that a fault ordered only its first error is of interest.
class ErrorSink final : public ResultSink {
 public:
  std::optional<ServerMessage> error;
  void columns(std::span<const ResultColumn>) override {}
  [[nodiscard]] bool row(std::span<const Cell>) override { return true; }
  void done(StatementKind, std::optional<std::uint64_t>, bool) override {}
  void message(const ServerMessage& message) override {
    if (message.severity > 10 && !error) error = message;
  }
  void database_changed(std::string_view, std::string_view) override {}
  void transaction_began(std::uint64_t) override {}
  void transaction_committed(std::uint64_t) override {}
  void transaction_rolled_back(std::uint64_t) override {}
  void return_status(std::int32_t) override {}
  void return_value(const ParameterValue&) override {}
  void reset_connection() override {}
};

}  // namespace

void SessionCore::run_ordered(const StatementFault::OrderedBatch& order) {
  const DatabasePtr database = state_.server.find(order.database);
  const std::optional<LoginDef> sa = state_.server.find_login("sa");
  ErrorSink sink;
  if (database && sa) {
    sim::Login login;
    login.user = "sa";
    login.database = database->name;
    login.application = "sp_sim_control";
    SessionCore other(state_, login, *sa, database);
    // This session may hold what the batch wants: an error then, no standstill.
    other.batch("SET LOCK_TIMEOUT 10000", sink, stop_);
    other.batch(order.sql, sink, stop_);
  }
  if (!database || sink.error)
    raise(50000, "sp_sim_control before: the batch failed: " +
                     (sink.error ? sink.error->text : "there is no database '" + order.database + "'."));
}

// Runs a request: what ends it early, and that nothing of it stays open.
template <typename Body>
void SessionCore::request(std::string_view sql, ResultSink& sink, std::stop_token stop, Body body) {
  sink_ = &sink;
  stop_ = std::move(stop);
  cut_ = false;
  reset_after_rows_.reset();
  active_ = current_;
  return_status_ = 0;
  std::optional<std::stop_callback<std::function<void()>>> interrupt;
  // A statement inside of SQLite is stopped where it stands.
  interrupt.emplace(stop_, std::function<void()>([this] { active_->work->connection().interrupt(); }));
  bool cut_after = false;
  try {
    if (disconnected(sink)) return;
    StatementFault fault = state_.faults.before_statement(sql, stop_);
    for (const StatementFault::OrderedBatch& order : fault.before)
      run_ordered(order);
    reset_after_rows_ = fault.reset_after_rows;
    cut_after = fault.reset_after_statement;
    state_.faults.count_statement();
    if (reset_after_rows_ && *reset_after_rows_ == 0) {
      sink.reset_connection();
      cut_ = true;
      return;
    }
    if (fault.error) check(fault.error);
    body();
    if (doomed_ && tran_count_ > 0) {
      ServerMessage message;
      message.number = 3998;
      message.text =
          "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.";
      note_error(message);
      sink.message(message);
      roll_back_all(true);
      done(StatementKind::other, std::nullopt, true);
    }
  } catch (StatementError& error) {
    settle(std::move(error), 1);
  } catch (const Cancelled&) {
    undo_cancelled();
  } catch (const Interrupted&) {
    undo_cancelled();
  }
  try_depth_ = 0;
  batch_text_ = nullptr;
  current_statement_ = nullptr;
  caught_.reset();
  insert_rows_ = nullptr;
  while (frames_.size() > 1)
    frames_.pop_back();
  nesting_ = 0;
  if (cut_after && !cut_) {
    sink.reset_connection();
    cut_ = true;
  }
}

void SessionCore::undo_cancelled() {
  if (in_write_) end_write(false);
  if (options_.xact_abort && tran_count_ > 0) roll_back_all(false);
}

void SessionCore::batch(std::string_view sql_utf8, ResultSink& sink, std::stop_token stop) {
  state_.faults.count_round_trip(false);
  request(sql_utf8, sink, std::move(stop), [&] {
    for (const auto& [name, table] : frames_.back().tables)
      drop_local_table(table);
    frames_.back() = Frame{};
    run_text(sql_utf8);
  });
}

void SessionCore::rpc(const RpcCall& call, ResultSink& sink, std::stop_token stop) {
  state_.faults.count_round_trip(true);
  // What faults look at is the statement's text where the call has one.
  std::string text = call.procedure;
  for (const ParameterValue& parameter : call.parameters) {
    if (!parameter.value.null && is_text(parameter.value.type.type) && parameter.value.text.size() > 8)
      text += " " + parameter.value.text;
  }
  if (same_word(call.procedure, "sp_execute") && !call.parameters.empty()) {
    const auto handle = handles_.find(static_cast<std::int32_t>(call.parameters[0].value.number));
    if (handle != handles_.end()) text += " " + handle->second.text;
  }
  request(text, sink, std::move(stop), [&] {
    ObjectName name;
    try {
      name = parse_object_name(call.procedure);
    } catch (const StatementError&) {
      raise(2812, "Could not find stored procedure '" + call.procedure + "'.", 0, 62);
    }
    CallArguments arguments;
    arguments.procedure = name.name;
    for (const ParameterValue& parameter : call.parameters) {
      Argument argument;
      argument.name = parameter.name;
      argument.output = parameter.output;
      argument.value = parameter.value;
      arguments.items.push_back(std::move(argument));
    }
    set_statement_time();
    DatabaseUse* const before = current_;
    if (!name.database.empty() && !same_name(name.database, current_->database->name) &&
        !same_name(name.database, "master")) {
      const DatabasePtr database = state_.server.find(name.database);
      if (!database) raise(2812, "Could not find stored procedure '" + call.procedure + "'.", 0, 62);
      current_ = active_ = &use(database);
    }
    std::int32_t status = 0;
    try {
      status = call_procedure(name.name, arguments);
    } catch (...) {
      if (current_ != before && !name.database.empty()) current_ = active_ = before;
      throw;
    }
    if (!name.database.empty()) current_ = active_ = before;
    sink.return_status(status);
    for (std::size_t i = 0; i < arguments.items.size(); ++i) {
      if (!arguments.items[i].output) continue;
      ParameterValue value;
      value.name = call.parameters[i].name;
      value.output = true;
      value.value = std::move(arguments.items[i].value);
      sink.return_value(value);
    }
  });
}

}  // namespace tailrace::sim::tsql
