// Batches: parsing with a cache, the loop over statements, and what errors end.
#include "base/error.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
namespace {

constexpr std::size_t cached_batches = 256;
constexpr std::size_t largest_cached_text = 64 * 1024;

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

}  // namespace tailrace::sim::tsql
