// Tables outside the stream (R12): the sink of one table, leaving and coming back.
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "kafka/sink.h"

namespace tailrace::kafka {

KafkaSink::KafkaSink(std::shared_ptr<SinkShared> shared, TableName only)
    : shared_(std::move(shared)), only_(std::move(only)) {}

std::unique_ptr<Sink> KafkaSink::outside(const TableName& table) {
  TAILRACE_ASSERT(!only_);
  return std::unique_ptr<Sink>(new KafkaSink(shared_, table));
}

// An attempt before may have left transactions open, under whichever numbers it had: its table cannot be read behind them.
void KafkaSink::end_free_helpers(const std::stop_token& stop) {
  std::vector<int> numbers;
  shared_->with([&](SharedState& state) {
    TAILRACE_ASSERT(state.stored.claim.has_value());
    for (int number = 1; number <= state.stored.claim->writers; ++number) {
      if (state.helpers.insert(number).second) numbers.push_back(number);
    }
  });
  const auto give_back = [&] {
    shared_->with([&](SharedState& state) {
      for (const int number : numbers)
        state.helpers.erase(number);
    });
  };
  try {
    end_transactions(shared_->claimant(), numbers, stop);
  } catch (const Error&) {
    give_back();
    throw;
  }
  give_back();
}

// What is durable of this table and of what is asked for it. Everything else is the stream's.
void KafkaSink::learn_table(const StoredState& read) {
  shared_->with([&](SharedState& state) {
    state.stored.tables.erase(*only_);
    if (const auto found = read.tables.find(*only_); found != read.tables.end())
      state.stored.tables.emplace(*only_, found->second);
    for (const auto& [id, request] : read.requests) {
      if (request.request.table == *only_) state.stored.requests.try_emplace(id, request);
    }
  });
}

ResumeState KafkaSink::open_outside(std::stop_token stop) {
  const SinkSettings& settings = shared_->settings();
  const Claimant claimant = shared_->claimant();
  if (admin_ == nullptr) admin_ = std::make_unique<Admin>(settings.kafka);
  channel_.reset();
  helper_.reset();
  end_free_helpers(stop);
  helper_.emplace(shared_);
  std::unique_ptr<Producer> producer =
      make_producer(settings, helper_id(settings, helper_->number()), claimant.transaction_timeout);
  if (!producer->init(stop)) throw Error(ErrorKind::abandoned, "opening a table's sink: stopped");
  channel_ = std::make_unique<Channel>(shared_, std::move(producer));
  StoredState read = read_state(
      OffsetsTopic(settings.kafka, settings.offsets_topic_name()).read(*admin_, stop), shared_->keys());
  if (!read.claim || read.claim->instance != claimant.instance) throw fenced_by(settings, read.claim);
  learn_table(read);
  std::erase_if(read.tables, [&](const auto& each) { return each.first != *only_; });
  std::erase_if(read.requests, [&](const auto& each) { return each.second.request.table != *only_; });
  ResumeState state = resume_state_of(read);
  state.only = only_;
  state.position.reset();
  lsn_.reset();
  unfinished_.reset();
  if (const auto found = read.tables.find(*only_); found != read.tables.end()) {
    lsn_ = found->second.progress.low;
    state.position = Position{*lsn_, "", 0};
    if (found->second.part) {
      channel_->skip(*only_, *found->second.part);
      unfinished_ = StoredOffset{};
      unfinished_->position.lsn = *lsn_;
      unfinished_->part = found->second.part;
      unfinished_->commit_lsn = found->second.part->commit_lsn;
    }
  }
  return state;
}

void KafkaSink::answer(const TableRequest& request, const std::string& refusal) {
  StateChanges changes(*shared_);
  changes.answer(request.id, refusal);
  commit_all(changes);
}

// No key of another table can be in a topic's way.
bool KafkaSink::set_keys_aside(const TableName& table, std::stop_token stop) {
  static_cast<void>(table);
  static_cast<void>(stop);
  return true;
}

void KafkaSink::leave(const std::vector<TableName>& tables) {
  TAILRACE_ASSERT(!only_ && lsn_);
  StateChanges changes(*shared_);
  for (const TableName& table : tables)
    leave_stream(table, *lsn_, changes);
  commit_all(changes);
}

void KafkaSink::rejoin() {
  TAILRACE_ASSERT(only_.has_value());
  StateChanges changes(*shared_);
  StoredTable table = stored_table(*only_);
  table.progress.state = TableState::joining;
  changes.set(table);
  changes.answer(*only_, std::nullopt, "");
  commit_all(changes);
}

void KafkaSink::record_error(const std::string& error) {
  TAILRACE_ASSERT(only_.has_value());
  StoredTable table = stored_table(*only_);
  if (table.last_error == error) return;
  StateChanges changes(*shared_);
  table.last_error = error;
  changes.set(table);
  commit_all(changes);
}

}  // namespace tailrace::kafka
