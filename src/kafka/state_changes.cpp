// Changes of the stored state.
#include "kafka/state_changes.h"

#include <utility>

#include "pipeline/clock.h"

namespace tailrace::kafka {

void StateChanges::add(std::string key, std::optional<std::string> value) {
  changes_.push_back({std::move(key), std::move(value)});
}

void StateChanges::set(const StoredTable& table) {
  add(shared_->keys().table(table.progress.table), value_of(table));
}

void StateChanges::set(const TableName& table, const ChunkProgress& chunk) {
  add(shared_->keys().chunk(table, chunk.chunk.number), value_of(chunk));
}

void StateChanges::set(const Claim& claim) {
  add(shared_->keys().claim(), value_of(claim));
}

// Under the very bytes that were found, and where they were found (K6d).
void StateChanges::set(const StoredOffset& offset) {
  auto [key, partition] = shared_->with([](const SharedState& state) {
    return std::pair(state.stored.offset_key, state.stored.offset_partition);
  });
  if (key.empty()) key = shared_->keys().offset();
  changes_.push_back({std::move(key), value_of(offset), partition});
}

void StateChanges::set_identity(const std::string& source_identity) {
  add(shared_->keys().identity(), identity_value(source_identity));
}

void StateChanges::set(const Memo& memo) {
  add(shared_->keys().memo(memo.name),
      memo.text.empty() ? std::nullopt : std::optional(memo_value(memo.text)));
}

void StateChanges::drop_chunks(const TableName& table) {
  std::vector<std::uint32_t> numbers;
  shared_->with([&](const SharedState& state) {
    const auto found = state.stored.tables.find(table);
    if (found == state.stored.tables.end()) return;
    for (const ChunkProgress& chunk : found->second.progress.chunks)
      numbers.push_back(chunk.chunk.number);
  });
  for (const std::uint32_t number : numbers)
    add(shared_->keys().chunk(table, number), std::nullopt);
}

void StateChanges::forget(const TableName& table) {
  drop_chunks(table);
  add(shared_->keys().table(table), std::nullopt);
}

void StateChanges::close(const StoredRequest& request, const std::string& refusal) {
  StoredRequest answered = request;
  answered.answered = true;
  answered.refusal = refusal;
  add(shared_->keys().request(request.request.id), value_of(answered));
}

void StateChanges::answer(const TableName& table, std::optional<Wanted> wanted, const std::string& refusal) {
  const auto requests = shared_->with([](const SharedState& state) { return state.stored.requests; });
  for (const auto& [id, request] : requests) {
    if (request.answered || request.request.table != table) continue;
    if (wanted && request.request.wanted != *wanted) continue;
    close(request, refusal);
  }
}

void StateChanges::answer(std::int64_t id, const std::string& refusal) {
  const auto requests = shared_->with([](const SharedState& state) { return state.stored.requests; });
  const auto found = requests.find(id);
  if (found != requests.end() && !found->second.answered) close(found->second, refusal);
}

void StateChanges::forget_answers(std::chrono::milliseconds age) {
  const std::int64_t oldest_us = (now_unix_ms() - age.count()) * 1000;  // A request's id is when it was made.
  const auto requests = shared_->with([](const SharedState& state) { return state.stored.requests; });
  for (const auto& [id, request] : requests) {
    if (request.answered && id < oldest_us) add(shared_->keys().request(id), std::nullopt);
  }
}

bool StateChanges::put(Channel& channel, const std::stop_token& stop) const {
  for (const Change& change : changes_) {
    if (!channel.put(change.key, change.value, stop, change.partition)) return false;
  }
  return true;
}

void StateChanges::settle() const {
  shared_->with([this](SharedState& state) {
    for (const Change& change : changes_) {
      std::optional<StoredRecord> record;
      if (change.value) record = StoredRecord{*change.value, change.partition.value_or(-1), 0, now_unix_ms()};
      // Where the key is new nobody knows its partition yet; the key decides.
      const std::optional<std::int32_t> partition = state.stored.offset_partition;
      apply_record(state.stored, shared_->keys(), change.key, record);
      state.stored.offset_partition = partition;
    }
  });
}

}  // namespace tailrace::kafka
