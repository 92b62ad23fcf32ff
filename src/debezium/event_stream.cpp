// Numbering events and their transactions.
#include "debezium/event_stream.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "debezium/moment.h"
#include "debezium/side_topics.h"

namespace tailrace::debezium {
namespace {

// For events that were sent before: they are made again for their numbers alone.
class Nobody : public RecordTaker {
 public:
  bool take(const EventRecord&) override { return true; }
};

// The transaction whose events are being sent, as its block and its END have it.
struct OpenTransaction {
  Lsn lsn = {};
  std::int64_t time = 0;
  bool has_begun = false;  // Its BEGIN was given.
  std::int64_t events = 0;
  std::vector<std::pair<std::string, std::int64_t>> tables =
      {};  // By database.schema.table, in order of appearance.

  std::int64_t& events_of(const std::string& table) {
    for (auto& [name, count] : tables) {
      if (name == table) return count;
    }
    return tables.emplace_back(table, 0).second;
  }
};

// Gives BEGIN before the first record.
class BeginFirst : public RecordTaker {
 public:
  BeginFirst(OpenTransaction& transaction, TransactionTopic& topic, RecordTaker& taker)
      : transaction_(transaction), topic_(topic), taker_(taker) {}

  bool take(const EventRecord& record) override {
    if (!transaction_.has_begun) {
      transaction_.has_begun = true;
      if (!topic_.give_begin(transaction_.lsn, transaction_.time, taker_)) return false;
    }
    return taker_.take(record);
  }

 private:
  OpenTransaction& transaction_;
  TransactionTopic& topic_;
  RecordTaker& taker_;
};

}  // namespace

struct EventStream::State {
  State(EventSettings with, SchemaIds* from, Clock now)
      : settings(std::move(with)), ids(from), clock(std::move(now)) {}

  EventEncoder& encoder_of(const tailrace::SchemaPtr& table);
  std::int64_t source_time(const ChangeBatch& batch, const Lsn& lsn);
  EventPlace place_behind(const RowHeader& header) const;
  bool is_sent(const EventPlace& event, const tailrace::SchemaPtr& table) const;
  std::uint64_t sent_of(const tailrace::SchemaPtr& table, const Lsn& commit_lsn) const;
  void move(const EventPlace& behind, const tailrace::SchemaPtr& table);
  bool send_row(const ChangeBatch& batch, const RowPlace& at, RecordTaker& taker);
  bool encode(const RowBatch& rows, std::size_t row, const EventContext& context, bool again,
              RecordTaker& taker, int& events);
  bool send_in_transaction(const RowBatch& rows, std::size_t row, EventContext& context, bool again,
                           RecordTaker& taker);
  bool end_transaction(RecordTaker& taker);

  EventSettings settings;
  SchemaIds* ids;
  Clock clock;
  std::map<TableName, EventEncoder> encoders;
  std::optional<TransactionTopic> transaction_topic;
  std::optional<HeartbeatTopic> heartbeat_topic;
  std::optional<SchemaChangeTopic> schema_change_topic;
  std::optional<NotificationTopic> notification_topic;
  Nobody nobody;
  UnfitRows* unfit = nullptr;

  EventPlace place;
  // Of the commit of `place`. Few tables: they are looked through.
  std::vector<std::pair<tailrace::SchemaPtr, std::uint64_t>> counts;
  std::map<TableName, std::pair<Lsn, std::uint64_t>> skips;
  std::optional<EventPlace> skip_place;  // Up to this change, of whichever table.
  OpenTransaction transaction;
  std::size_t time_hint = 0;
};

EventEncoder& EventStream::State::encoder_of(const tailrace::SchemaPtr& table) {
  const auto found = encoders.find(table->name);
  if (found != encoders.end() && &found->second.table() == table.get()) return found->second;
  return encoders.insert_or_assign(table->name, EventEncoder(settings, table, ids)).first->second;
}

// When the transaction began or was committed, as the settings say; now where nobody knows.
std::int64_t EventStream::State::source_time(const ChangeBatch& batch, const Lsn& lsn) {
  if (time_hint >= batch.times.size() || lsn < batch.times[time_hint].lsn) time_hint = 0;
  while (time_hint < batch.times.size() && batch.times[time_hint].lsn < lsn)
    ++time_hint;
  if (time_hint == batch.times.size() || batch.times[time_hint].lsn != lsn) return clock();
  const TransactionTimes& times = batch.times[time_hint];
  const std::int64_t local = settings.source_time == SourceTime::began ? times.began : times.committed;
  if (local == 0) return clock();
  return nanoseconds_of(local - batch.utc_offset_minutes * 60 * ticks_a_second).value_or(0);
}

// A row that lies where the one before it lay counts on; an update is two rows of its change table, what is skipped none.
EventPlace EventStream::State::place_behind(const RowHeader& header) const {
  const std::int64_t rows = settings.skipped.has(header.operation)  ? 0
                            : header.operation == Operation::update ? 2
                                                                    : 1;
  const bool same_commit = place.commit_lsn == header.commit_lsn;
  const bool same_change = same_commit && place.change_lsn == header.seqval;
  return {.commit_lsn = header.commit_lsn,
          .change_lsn = header.seqval,
          .event_serial_no = (same_change ? place.event_serial_no : 0) + rows,
          .events = (same_commit ? place.events : 0) + 1};
}

std::uint64_t EventStream::State::sent_of(const tailrace::SchemaPtr& table, const Lsn& commit_lsn) const {
  if (place.commit_lsn != commit_lsn) return 0;
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& each) {
    return each.first == table || each.first->name == table->name;
  });
  return found == counts.end() ? 0 : found->second;
}

bool EventStream::State::is_sent(const EventPlace& event, const tailrace::SchemaPtr& table) const {
  if (skip_place && event.commit_lsn == skip_place->commit_lsn)
    return std::tie(event.change_lsn, event.event_serial_no) <=
           std::tie(skip_place->change_lsn, skip_place->event_serial_no);
  if (skips.empty()) return false;
  const auto found = skips.find(table->name);
  return found != skips.end() && found->second.first == event.commit_lsn &&
         sent_of(table, event.commit_lsn) < found->second.second;
}

// Behind an event of which all records are given away.
void EventStream::State::move(const EventPlace& behind, const tailrace::SchemaPtr& table) {
  if (behind.commit_lsn != place.commit_lsn) counts.clear();
  place = behind;
  // The same object nearly always; a table that changed meanwhile is the same by its name.
  auto found =
      std::find_if(counts.begin(), counts.end(), [&](const auto& each) { return each.first == table; });
  if (found == counts.end())
    found = std::find_if(counts.begin(), counts.end(),
                         [&](const auto& each) { return each.first->name == table->name; });
  if (found == counts.end()) found = counts.emplace(counts.end(), table, 0);
  ++found->second;
}

bool EventStream::State::end_transaction(RecordTaker& taker) {
  const OpenTransaction ended = std::exchange(transaction, {});
  return !ended.has_begun ||
         transaction_topic->give_end(ended.lsn, ended.time, ended.events, ended.tables, taker);
}

bool EventStream::State::send_row(const ChangeBatch& batch, const RowPlace& at, RecordTaker& taker) {
  const RowBatch& rows = batch.tables[at.table];
  const RowHeader& header = rows.header(at.row);
  const EventPlace behind = place_behind(header);
  if (header.commit_lsn != transaction.lsn) {
    if (!end_transaction(taker)) return false;
    transaction.lsn = header.commit_lsn;
    transaction.time = source_time(batch, header.commit_lsn);
  }
  EventContext context{.commit_lsn = header.commit_lsn,
                       .change_lsn = header.seqval,
                       .event_serial_no = behind.event_serial_no,
                       .source_time = transaction.time,
                       .now = clock()};
  const bool again = is_sent(behind, rows.schema_ptr());
  int events = 0;
  if (settings.transaction_metadata) {
    if (!send_in_transaction(rows, at.row, context, again, taker)) return false;
  } else if (!again && !encode(rows, at.row, context, again, taker, events)) {
    return false;
  }
  move(behind, rows.schema_ptr());
  return true;
}

// All of an event's records or, where one of them cannot be, none.
bool EventStream::State::encode(const RowBatch& rows, std::size_t row, const EventContext& context,
                                bool again, RecordTaker& taker, int& events) {
  EventEncoder& encoder = encoder_of(rows.schema_ptr());
  events = 0;
  if (unfit == nullptr) {
    const bool taken = encoder.encode(rows, row, context, taker);
    events = encoder.events();
    return taken;
  }
  WholeEvent event(*unfit);
  std::optional<Error> refusal;
  try {
    if (!encoder.encode(rows, row, context, event)) return false;
    refusal = event.refusal();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    refusal = error;
  }
  if (refusal) return again || unfit->pass_over(rows, row, *refusal);
  events = encoder.events();
  return event.give(taker);
}

bool EventStream::State::send_in_transaction(const RowBatch& rows, std::size_t row, EventContext& context,
                                             bool again, RecordTaker& taker) {
  EventEncoder& encoder = encoder_of(rows.schema_ptr());
  std::int64_t& table_events = transaction.events_of(settings.database + "." + encoder.table().name.str());
  context.transaction = {transaction.events + 1, table_events + 1};
  BeginFirst begin_first(transaction, *transaction_topic, taker);
  RecordTaker& taking = again ? static_cast<RecordTaker&>(nobody) : begin_first;
  int events = 0;
  if (!encode(rows, row, context, again, taking, events)) return false;
  if (again && events > 0) transaction.has_begun = true;
  transaction.events += events;
  table_events += events;
  return true;
}

EventStream::EventStream(EventSettings settings, SchemaIds* ids, Clock clock)
    : state_(std::make_unique<State>(std::move(settings), ids, std::move(clock))) {
  if (state_->settings.transaction_metadata) state_->transaction_topic.emplace(state_->settings, ids);
}

EventStream::~EventStream() = default;

void EventStream::pass_over_unfit(UnfitRows& unfit) {
  state_->unfit = &unfit;
}

void EventStream::skip(const TableName& table, const Lsn& commit_lsn, std::uint64_t events) {
  state_->skips.insert_or_assign(table, std::pair(commit_lsn, events));
}

void EventStream::skip(const Lsn& commit_lsn, const Lsn& change_lsn, std::int64_t event_serial_no) {
  state_->skip_place = EventPlace{
      .commit_lsn = commit_lsn, .change_lsn = change_lsn, .event_serial_no = event_serial_no, .events = 0};
}

void EventStream::skip_nothing() {
  state_->skips.clear();
  state_->skip_place.reset();
}

const EventPlace& EventStream::place() const {
  return state_->place;
}

std::vector<std::pair<TableName, std::uint64_t>> EventStream::sent_of_tables() const {
  std::vector<std::pair<TableName, std::uint64_t>> out;
  for (const auto& [table, events] : state_->counts)
    out.emplace_back(table->name, events);
  return out;
}

bool EventStream::send(const ChangeBatch& batch, RecordTaker& taker) {
  state_->time_hint = 0;
  for (const RowPlace& at : batch.order) {
    if (!state_->send_row(batch, at, taker)) return false;
  }
  // Positions lie between whole transactions.
  return !batch.end || state_->end_transaction(taker);
}

bool EventStream::send_read(const RowBatch& batch, std::size_t row, const EventContext& context,
                            RecordTaker& taker) {
  int events = 0;
  return state_->encode(batch, row, context, /*again=*/false, taker, events);
}

bool EventStream::send_heartbeat(RecordTaker& taker) {
  if (!state_->heartbeat_topic) state_->heartbeat_topic.emplace(state_->settings, state_->ids);
  return state_->heartbeat_topic->give(state_->clock(), taker);
}

bool EventStream::send_schema_change(const SchemaChange& change, RecordTaker& taker) {
  if (!state_->schema_change_topic) state_->schema_change_topic.emplace(state_->settings, state_->ids);
  SchemaChange now = change;
  now.context.now = state_->clock();
  return state_->schema_change_topic->give(now, taker);
}

bool EventStream::send_notice(const Notice& notice, const std::string& topic, RecordTaker& taker) {
  if (!state_->notification_topic) state_->notification_topic.emplace(state_->settings, topic, state_->ids);
  return state_->notification_topic->give(notice, taker);
}

}  // namespace tailrace::debezium
