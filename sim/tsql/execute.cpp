// Batches: parsing with a cache, the loop over statements, control of flow, and what errors end.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "sim/storage/clock.h"
#include "sim/tsql/moments.h"
#include "sim/tsql/parser.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::size_t cached_batches = 256;
constexpr std::size_t largest_cached_text = 64 * 1024;

template <typename... Visitors>
struct Visit : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Visit(Visitors...) -> Visit<Visitors...>;

ServerMessage information(std::string text, std::int32_t line) {
  ServerMessage message;
  message.severity = 0;
  message.text = std::move(text);
  message.line = line;
  return message;
}

}  // namespace

std::shared_ptr<CachedBatch> SessionCore::parsed(std::string_view text) {
  for (auto it = cache_.begin(); it != cache_.end(); ++it) {
    if ((*it)->text != text) continue;
    cache_.splice(cache_.begin(), cache_, it);
    return cache_.front();
  }
  auto batch = std::make_shared<CachedBatch>();
  batch->text = text;
  batch->statements = parse_batch(batch->text, options_.quoted_identifier);
  if (text.size() <= largest_cached_text) {
    cache_.push_front(batch);
    if (cache_.size() > cached_batches) cache_.pop_back();
  }
  return batch;
}

void SessionCore::run_text(std::string_view text) {
  std::shared_ptr<CachedBatch> batch;
  try {
    batch = parsed(text);
  } catch (StatementError& error) {
    if (try_depth_ > 0) throw;
    note_error(error.message);
    sink_->message(error.message);
    done(StatementKind::other, std::nullopt, true);
    return;
  }
  const std::string* const before = std::exchange(batch_text_, &batch->text);
  run_list(batch->statements, true);
  batch_text_ = before;
}

std::string SessionCore::statement_text() const {
  if (batch_text_ == nullptr || current_statement_ == nullptr) return {};
  return batch_text_->substr(current_statement_->begin, current_statement_->end - current_statement_->begin);
}

void SessionCore::check_stop() {
  if (cut_ || stop_.stop_requested()) throw Cancelled{};
}

void SessionCore::done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed) {
  if (options_.no_count && !failed) rows.reset();
  sink_->done(kind, rows, failed);
}

void SessionCore::note_error(const ServerMessage& message) {
  last_error_ = message.number;
}

Flow SessionCore::run_list(const StatementList& list, bool top) {
  (void)top;
  for (const auto& statement : list) {
    check_stop();
    active_ = current_;
    try {
      const Flow flow = run_in_reach(*statement);
      if (flow != Flow::next) return flow;
    } catch (StatementError& error) {
      if (error.message.line <= 0) error.message.line = statement->line;
      if (try_depth_ > 0) throw;
      row_count_ = 0;
      if (settle(std::move(error), statement->line)) return Flow::return_;
    }
  }
  return Flow::next;
}

// Statements that cannot go to other databases are refused where a name leads there.
Flow SessionCore::run_in_reach(const Statement& statement) {
  try {
    return run(statement);
  } catch (const OtherDatabase& other) {
    not_supported("this statement in another database", other.object.line);
  } catch (const SeveralDatabases& several) {
    not_supported("this statement over several databases", several.line);
  }
}

bool SessionCore::settle(StatementError error, std::int32_t line) {
  if (error.message.line <= 0) error.message.line = line;
  note_error(error.message);
  const ErrorScope scope = scope_of(error.message.number);
  const bool abort =
      scope == ErrorScope::transaction || (options_.xact_abort && error.message.severity > 10 &&
                                           (error.message.number != 50000 || error.ends_batch));
  sink_->message(error.message);
  if (abort && tran_count_ > 0) roll_back_all(true);
  done(StatementKind::other, std::nullopt, true);
  return abort || error.ends_batch || scope == ErrorScope::batch || error.message.severity >= 20;
}

Flow SessionCore::run_try(const TryCatch& node) {
  StatementError caught;
  try {
    ++try_depth_;
    const Flow flow = run_list(node.body, false);
    --try_depth_;
    return flow;
  } catch (StatementError& error) {
    --try_depth_;
    caught = std::move(error);
  } catch (...) {
    --try_depth_;
    throw;
  }
  note_error(caught.message);
  if (tran_count_ > 0 &&
      (options_.xact_abort || scope_of(caught.message.number) == ErrorScope::transaction)) {
    if (caught.message.number == 1205)
      roll_back_all(true);
    else
      doomed_ = true;
  }
  const std::optional<ServerMessage> outer = std::exchange(caught_, caught.message);
  const Flow flow = run_list(node.handler, false);
  caught_ = outer;
  return flow;
}

Flow SessionCore::run_while(const While& node) {
  while (test(*node.condition)) {
    check_stop();
    const Flow flow = run(*node.body);
    if (flow == Flow::break_) break;
    if (flow == Flow::return_) return flow;
  }
  return Flow::next;
}

namespace {

// RAISERROR's %s, %d, %i, %u, %x, %o, %% with width and precision.
std::string formatted(const std::string& format, const std::vector<Value>& args) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out.push_back(format[i]);
      continue;
    }
    if (format[i + 1] == '%') {
      out.push_back('%');
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < format.size() &&
           std::string_view("-+0 #123456789.lh").find(format[end]) != std::string_view::npos)
      ++end;
    if (end >= format.size()) break;
    if (next < args.size()) {
      const Value& arg = args[next++];
      std::string text = arg.null ? "(null)" : is_text(arg.type.type) ? arg.text : std::to_string(arg.number);
      const std::string flags = format.substr(i + 1, end - i - 1);
      const std::size_t width = static_cast<std::size_t>(
          std::strtoul(flags.c_str() + flags.find_first_not_of("-+0 #lh") *
                                           (flags.find_first_not_of("-+0 #lh") != std::string::npos),
                       nullptr, 10));
      if (text.size() < width && width < 2048)
        text = flags.starts_with('-')
                   ? text + std::string(width - text.size(), ' ')
                   : std::string(width - text.size(), flags.starts_with('0') ? '0' : ' ') + text;
      out += text;
    } else {
      out += "(null)";
    }
    i = end;
  }
  return out;
}

}  // namespace

Flow SessionCore::run(const Statement& statement) {
  set_statement_time();
  current_statement_ = &statement;
  Flow flow = Flow::next;
  // Statements that set @@ERROR to 0 by having worked; control of flow leaves it.
  const auto worked = [&] { last_error_ = 0; };
  std::visit(
      Visit{
          [&](const Empty&) {},
          [&](const SelectPtr& node) {
            run_select(*node, &statement);
            worked();
          },
          [&](const Insert& node) {
            run_insert(node);
            worked();
          },
          [&](const BulkInsert& node) {
            run_bulk_insert(node);
            worked();
          },
          [&](const Update& node) {
            run_update(node);
            worked();
          },
          [&](const Delete& node) {
            run_delete(node);
            worked();
          },
          [&](const Merge& node) {
            run_merge(node);
            worked();
          },
          [&](const CreateTable& node) {
            create_table(node);
            worked();
          },
          [&](const AlterTable& node) {
            alter_table(node);
            worked();
          },
          [&](const CreateIndex& node) {
            create_index(node);
            worked();
          },
          [&](const DropIndex& node) {
            drop_index(node);
            worked();
          },
          [&](const DropObjects& node) {
            drop_objects(node);
            worked();
          },
          [&](const TruncateTable& node) {
            truncate(node);
            worked();
          },
          [&](const CreateDatabase& node) {
            create_database(node);
            worked();
          },
          [&](const AlterDatabase& node) {
            alter_database(node);
            worked();
          },
          [&](const CreateSchema& node) {
            create_schema(node);
            worked();
          },
          [&](const CreatePrincipal& node) {
            create_principal(node);
            worked();
          },
          [&](const AlterPrincipal& node) {
            alter_principal(node);
            worked();
          },
          [&](const PermissionChange& node) {
            change_permission(node);
            worked();
          },
          [&](const Declare& node) { declare(node); },
          [&](const SetVariable& node) {
            assign_expression(node.name, node.op, *node.value);
            row_count_ = 1;
            worked();
          },
          [&](const SetOption& node) { set_option(node); },
          [&](const If& node) {
            if (test(*node.condition))
              flow = run(*node.then);
            else if (node.otherwise)
              flow = run(*node.otherwise);
          },
          [&](const While& node) { flow = run_while(node); },
          [&](const BlockStatement& node) { flow = run_list(node.statements, false); },
          [&](const TryCatch& node) { flow = run_try(node); },
          [&](const Break&) { flow = Flow::break_; },
          [&](const Continue&) { flow = Flow::continue_; },
          [&](const Return& node) {
            const TypeInfo type = int_type();
            return_status_ = node.value ? static_cast<std::int32_t>(evaluate(*node.value, &type).number) : 0;
            flow = Flow::return_;
          },
          [&](const Throw& node) {
            if (!node.number) {
              if (!caught_)
                raise(10704,
                      "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the "
                      "THROW statement inside a CATCH block, or add error parameters to the THROW statement.",
                      statement.line);
              throw StatementError{*caught_, true};
            }
            const TypeInfo number_type = int_type();
            const TypeInfo text_type_ = nvarchar_type(2048);
            StatementError error;
            error.message.number = static_cast<std::int32_t>(evaluate(*node.number, &number_type).number);
            error.message.text = evaluate(*node.message, &text_type_).text;
            error.message.state = static_cast<std::uint8_t>(evaluate(*node.state, &number_type).number);
            error.message.line = statement.line;
            if (error.message.number < 50000)
              raise(35100,
                    "Error number " + std::to_string(error.message.number) +
                        " in the THROW statement is outside the valid range. Specify an error number in the "
                        "valid range of 50000 to 2147483647.",
                    statement.line);
            error.ends_batch = true;
            throw StatementError(std::move(error));
          },
          [&](const RaiseError& node) {
            std::vector<Value> values;
            for (const ExprPtr& arg : node.args)
              values.push_back(evaluate(*arg));
            ServerMessage message;
            message.number = 50000;
            if (is_integer(values[0].type.type)) {
              message.number = static_cast<std::int32_t>(values[0].number);
              message.text = "Error " + std::to_string(message.number) + ".";
            } else {
              message.text = formatted(values[0].text, {values.begin() + 3, values.end()});
            }
            message.severity = static_cast<std::uint8_t>(std::clamp<std::int64_t>(values[1].number, 0, 25));
            message.state = static_cast<std::uint8_t>(std::clamp<std::int64_t>(values[2].number, 0, 255));
            message.line = statement.line;
            if (message.severity > 10) {
              if (try_depth_ > 0) throw StatementError{message, false};
              note_error(message);
              sink_->message(message);
              done(StatementKind::other, std::nullopt, true);
            } else {
              sink_->message(message);
              worked();
            }
          },
          [&](const Print& node) {
            const TypeInfo type = nvarchar_type(4000);
            const Value value = evaluate(*node.value, &type);
            sink_->message(information(value.null ? " " : value.text, statement.line));
          },
          [&](const WaitFor& node) {
            const TypeInfo type = make_type(Type::datetime);
            const Value value = evaluate(*node.delay, &type);
            const std::int64_t ms = value.null ? 0
                                               : (value.number % (24 * 3600 * 300) + 24 * 3600 * 300) %
                                                     (24 * 3600 * 300) * 10 / 3;
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any wake;
            wake.wait_for(lock, stop_, std::chrono::milliseconds(ms), [] { return false; });
            check_stop();
          },
          [&](const Use& node) { change_database(node.database, true); },
          [&](const BeginTransaction& node) {
            if (tran_count_ == 0) transaction_name_ = node.name;
            ensure_implicit_transaction();
            begin(false);
            worked();
          },
          [&](const CommitTransaction&) {
            commit();
            worked();
          },
          [&](const RollbackTransaction& node) {
            rollback(node.name);
            worked();
          },
          [&](const SaveTransaction& node) {
            if (tran_count_ == 0)
              raise(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.",
                    statement.line);
            begin_write_lazily(node.name);
            worked();
          },
          [&](const Execute& node) { execute(node); },
      },
      statement.body);
  return flow;
}

}  // namespace tailrace::sim::tsql
