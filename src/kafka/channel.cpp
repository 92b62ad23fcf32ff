// Records into transactions.
#include "kafka/channel.h"

#include <chrono>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "kafka/row_letter.h"
#include "pipeline/clock.h"

namespace tailrace::kafka {
Channel::Channel(std::shared_ptr<SinkShared> shared, std::unique_ptr<Producer> producer)
    : shared_(std::move(shared)),
      offsets_topic_(shared_->settings().offsets_topic_name()),
      producer_(std::move(producer)),
      ids_(shared_->schemas()),
      events_(shared_->settings().events, &ids_, now_unix_ns) {
  producer_->hurry(shared_->ending());
  producer_->limit(offsets_topic_, {.record_bytes = 0, .compacted = true});
  if (!shared_->settings().dead_letter_topic.empty()) events_.pass_over_unfit(*this);
}

void Channel::skip(const StoredOffset& offset) {
  if (offset.from_debezium && offset.change_lsn)
    events_.skip(offset.commit_lsn, *offset.change_lsn, offset.event_serial_no);
}

bool Channel::is_due() const {
  const std::optional<std::chrono::milliseconds> age = producer_->age();
  return age && *age >= shared_->transaction_timeout() * 2 / 3;
}

template <class Work>
bool Channel::guarded(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::fenced) throw;
    throw judged(error);
  }
}

// The broker's own timeout raises the epoch, too, and looks exactly like another instance: the transaction's age tells, and then the
// claim (K3b).
Error Channel::judged(const Error& fenced) const {
  const std::optional<std::chrono::milliseconds> age = producer_->age();
  Admin admin(shared_->settings().kafka);
  const Claimant claimant = shared_->claimant();
  const std::optional<Claim> claim = newest_claim(claimant, admin, {});
  const bool is_too_old = age && *age >= shared_->transaction_timeout();
  if (!is_too_old || !claim || claim->instance != claimant.instance)
    return fenced_by(claimant.settings, claim);
  return Error(ErrorKind::conflict,
               "the broker ended a transaction that was open for longer than its timeout")
      .with("age_ms", std::to_string(age->count()))
      .with("timeout_ms", std::to_string(shared_->transaction_timeout().count()))
      .with("reason", fenced.message());
}

bool Channel::produce(const OutRecord& record, const std::stop_token& stop) {
  if (!producer_->in_transaction()) {
    producer_->begin();
    records_ = 0;
    letters_.clear();
  }
  if (!producer_->produce(record, stop)) return false;
  ++records_;
  return true;
}

// The producer learns a topic's limits with its first record.
std::int32_t Channel::partitions_of(std::string_view topic) {
  if (const auto known = partitions_.find(topic); known != partitions_.end()) return known->second;
  const TopicFacts facts = shared_->with([&](const SharedState& state) {
    const auto found = state.topics.find(topic);
    return found == state.topics.end() ? TopicFacts{} : found->second;
  });
  producer_->limit(std::string(topic), facts.limits);
  return partitions_.emplace(topic, facts.partitions).first->second;
}

std::optional<std::int32_t> Channel::partition_of(std::string_view topic) {
  const std::int32_t partitions = partitions_of(topic);
  // Its order is over all tables, as Debezium has it.
  if (shared_->settings().events.schema_changes && topic == shared_->settings().events.schema_change_topic())
    return 0;
  if (shared_->settings().partitioning == Partitioning::key || partitions == 0) return std::nullopt;
  return partition_of_key(topic, partitions);  // The same for all of the table's.
}

OutRecord Channel::out_record(const debezium::EventRecord& record) {
  OutRecord out;
  out.topic = record.topic;
  out.partition = partition_of(record.topic);
  out.key = record.key;
  out.value = record.value;
  for (const debezium::EventHeader& header : record.headers)
    out.headers.push_back({header.name, header.value});
  return out;
}

std::optional<Error> Channel::refusal_of(const debezium::EventRecord& record) {
  return producer_->refusal_of(out_record(record));
}

// In the transaction of its neighbours, and in their order.
bool Channel::pass_over(const RowBatch& rows, std::size_t row, const Error& why) {
  const std::string& topic = shared_->settings().dead_letter_topic;
  RowLetter letter = row_letter(shared_->settings().pipeline, rows, row, why);
  static_cast<void>(partitions_of(topic));
  for (;;) {
    const std::string key = letter.key();
    const std::string value = letter.value();
    OutRecord out;
    out.topic = topic;
    out.key = key;
    out.value = value;
    const bool fits = !producer_->refusal_of(out);
    if (!fits && letter.omit_longest()) continue;
    if (!produce(out, stop_)) return false;
    ++letters_[rows.schema().name];
    log::warn("sink.dead_letter", {{"table", rows.schema().name.str()}, {"reason", why.what()}});
    return true;
  }
}

bool Channel::take(const debezium::EventRecord& record) {
  // Between two events, never between the records of one: those before would come again.
  const debezium::EventPlace place = events_.place();
  const bool is_between = place != before_;
  before_ = place;
  if (cut_ != nullptr && *cut_ && is_between && is_due()) {
    if (!(*cut_)(place)) return false;
  }
  return produce(out_record(record), stop_);
}

bool Channel::send(const ChangeBatch& batch, const std::stop_token& stop, const Cut& cut) {
  stop_ = stop;
  ids_.set_stop(stop);
  cut_ = &cut;
  const bool sent = guarded([&] { return events_.send(batch, *this); });
  cut_ = nullptr;
  return sent;
}

bool Channel::send_read(const RowBatch& rows, std::size_t row, const debezium::EventContext& context,
                        const std::stop_token& stop) {
  stop_ = stop;
  ids_.set_stop(stop);
  return guarded([&] { return events_.send_read(rows, row, context, *this); });
}

bool Channel::send_notice(const Notice& notice, const std::stop_token& stop) {
  stop_ = stop;
  ids_.set_stop(stop);
  return guarded([&] { return events_.send_notice(notice, shared_->settings().notices_topic, *this); });
}

bool Channel::send_heartbeat(const std::stop_token& stop) {
  stop_ = stop;
  ids_.set_stop(stop);
  return guarded([&] { return events_.send_heartbeat(*this); });
}

bool Channel::send_schema_change(const debezium::SchemaChange& change, const std::stop_token& stop) {
  stop_ = stop;
  ids_.set_stop(stop);
  return guarded([&] { return events_.send_schema_change(change, *this); });
}

bool Channel::put(const std::string& key, const std::optional<std::string>& value,
                  const std::stop_token& stop, std::optional<std::int32_t> partition) {
  OutRecord record;
  record.topic = offsets_topic_;
  record.partition = partition;
  record.key = key;
  if (value) record.value = *value;
  return guarded([&] { return produce(record, stop); });
}

bool Channel::commit(const std::stop_token& stop) {
  if (!producer_->in_transaction()) return true;
  if (!guarded([&] { return producer_->commit(stop); })) return false;
  shared_->with([&](SharedState& state) {
    for (const auto& [table, letters] : letters_)
      state.letters[table] += letters;
  });
  letters_.clear();
  return true;
}

}  // namespace tailrace::kafka
