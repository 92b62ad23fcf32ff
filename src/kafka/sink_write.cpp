// Commit points: their events, what their ends mean for the tables, and when a transaction ends (K2).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "kafka/faults.h"
#include "kafka/sink.h"
#include "pipeline/clock.h"

namespace tailrace::kafka {
namespace {

// Whoever waits for the answer to a request looks again and again.
constexpr std::chrono::hours answers_kept{1};

}  // namespace

using std::chrono::steady_clock;

void KafkaSink::announce(const std::vector<SchemaPtr>& tables) {
  for (const SchemaPtr& table : tables) {
    TAILRACE_ASSERT(!only_);
    TAILRACE_ASSERT(stored_table(table->name).progress.outside);  // Its own sink has brought it here.
    joining_.push_back(table->name);
    pass_over(table->name, stored_table(table->name).part);
  }
}

void KafkaSink::pass_over(const TableName& table, const std::optional<SentPart>& part) {
  if (!part) return;
  channel_->skip(table, *part);
  parts_.insert_or_assign(table, *part);
}

bool KafkaSink::write(ChangeBatch& batch, std::stop_token stop) {
  TAILRACE_ASSERT(channel_ != nullptr && lsn_);
  if (batch.end && batch.end->lsn < *lsn_)
    throw Error(ErrorKind::internal, "the position would move back")
        .with("position", lsn_->hex())
        .with("end", batch.end->lsn.hex());
  if (shared_->settings().dead_letter_topic.empty()) {
    for (const RowBatch& rows : batch.tables)
      refuse_faults(rows);
  }
  announce(batch.joining);
  const Channel::Cut cut_here = [&](const debezium::EventPlace& last) { return cut(last, stop); };
  if (!channel_->send(batch, stop, cut_here)) return false;
  if (batch.end) return end_commit_point(batch, stop);
  crash_point("sink.in_apply");
  return true;
}

// Position and state go into the topic with what was sent so far. Not where events lie before the position (of a table that comes in),
// nor while one joins: its own position would have to be cut, too.
bool KafkaSink::cut(const debezium::EventPlace& last, const std::stop_token& stop) {
  if (!joining_.empty() || last.events == 0 || last.commit_lsn <= *lsn_) return true;
  StateChanges changes(*shared_);
  StoredOffset offset = offset_within(last);
  // Table by table: until the commit comes again one of them may have left the stream, and goes on by itself.
  for (const auto& [name, events] : channel_->sent_of_tables()) {
    StoredTable table = stored_table(name);
    table.part = SentPart{last.commit_lsn, events};
    if (only_) table.progress.low = std::max(table.progress.low, offset.position.lsn);
    changes.set(table);
    if (!only_) parts_.insert_or_assign(name, *table.part);
  }
  if (!only_) changes.set(offset);
  unfinished_ = offset;
  held_.reset();
  if (!commit(changes, stop)) return false;
  log::warn("kafka.transaction.cut",
            {{"commit", last.commit_lsn.hex()},
             {"events", last.events},
             {"reason",
              "the source transaction takes longer than a Kafka transaction may: readers see it in parts"}});
  crash_point("kafka.after_cut");
  return true;
}

void KafkaSink::leave_stream(const TableName& name, const Lsn& low, StateChanges& changes) {
  StoredTable table = stored_table(name);
  table.progress.outside = true;
  // It may have been read further, where no transaction lies in between.
  table.progress.low = std::max(table.progress.low, low);
  if (table.part && table.part->commit_lsn <= low) table.part.reset();
  parts_.erase(name);
  if (table.progress.state == TableState::streaming) table.progress.state = TableState::paused;
  changes.set(table);
  changes.answer(name, Wanted::pause, "");
}

void KafkaSink::end_tables(const ChangeBatch& batch, StateChanges& changes) {
  std::map<TableName, StoredTable> touched;
  const auto touch = [&](const TableName& name) -> StoredTable& {
    return touched.try_emplace(name, stored_table(name)).first->second;
  };
  for (const auto& [name, part] : parts_) {
    if (part.commit_lsn <= batch.end->lsn) touch(name).part.reset();
  }
  std::erase_if(parts_, [&](const auto& each) { return each.second.commit_lsn <= batch.end->lsn; });
  for (const InstanceSwitch& change : batch.switched)
    touch(change.table).progress.instance = change.instance;
  for (const TableName& name : batch.caught_up) {
    TableProgress& progress = touch(name).progress;
    progress.state = only_ ? TableState::joining : TableState::streaming;
    progress.high_mark.reset();
  }
  for (const TableName& name : joining_) {
    StoredTable& table = touch(name);
    table.progress.state = TableState::streaming;
    table.progress.outside = false;
  }
  if (only_) {
    StoredTable& table = touch(*only_);
    table.progress.low = std::max(table.progress.low, batch.end->lsn);
    if (!unfinished_) table.part.reset();
  }
  for (const InstanceSwitch& change : batch.switched) {
    if (change.low) touch(change.table).progress.low = *change.low;
  }
  for (const auto& [name, table] : touched)
    changes.set(table);
  for (const TableName& name : batch.left)
    leave_stream(name, batch.end->lsn, changes);
}

// An end in front of it (the stream goes on there, with news of a table) must not make it be sent again from its beginning.
bool KafkaSink::ends_unfinished(const Lsn& end) {
  return unfinished_ && end >= unfinished_->commit_lsn;
}

bool KafkaSink::end_commit_point(const ChangeBatch& batch, const std::stop_token& stop) {
  StateChanges changes(*shared_);
  if (ends_unfinished(batch.end->lsn)) unfinished_.reset();
  end_tables(batch, changes);
  if (!unfinished_ && parts_.empty()) channel_->skip_nothing();
  if (!send_beside(batch, changes, stop)) return false;
  lsn_ = batch.end->lsn;
  if (!only_) held_ = unfinished_ ? *unfinished_ : offset_at(*batch.end, channel_->place());
  // A few events soon after a commit wait for more; a lonely one does not.
  const SinkSettings& settings = shared_->settings();
  held_until_ = last_commit_ + settings.fill_time;
  const bool waits = !only_ && changes.empty() && !batch.run_mark_reached &&
                     channel_->records() < settings.fill_events && steady_clock::now() < held_until_ &&
                     !channel_->is_due();
  if (waits && channel_->in_transaction()) return true;
  if (!commit(changes, stop)) return false;
  joining_.clear();
  return true;
}

std::optional<steady_clock::time_point> KafkaSink::holds_until() const {
  if (!held_) return std::nullopt;
  return held_until_;
}

bool KafkaSink::flush(std::stop_token stop) {
  if (!held_) return true;
  StateChanges changes(*shared_);
  return commit(changes, stop);
}

void KafkaSink::add_sign_of_life(StateChanges& changes) {
  const auto now = steady_clock::now();
  if (only_ || now - last_sign_ < shared_->settings().claim_interval) return;
  std::optional<Claim> claim = shared_->with([](const SharedState& state) { return state.stored.claim; });
  TAILRACE_ASSERT(claim.has_value());
  claim->beat_ms = now_unix_ms();
  changes.set(*claim);
  changes.forget_answers(answers_kept);
  last_sign_ = now;
}

bool KafkaSink::commit(StateChanges& changes, const std::stop_token& stop) {
  if (held_) changes.set(*held_);
  add_sign_of_life(changes);
  if (!changes.put(*channel_, stop)) return false;
  crash_point("sink.before_commit");
  if (!channel_->commit(stop)) return false;
  crash_point("sink.after_commit");
  changes.settle();
  log_told();
  held_.reset();
  last_commit_ = steady_clock::now();
  return true;
}

std::map<TableName, std::uint64_t> KafkaSink::take_dead_letters() {
  return shared_->with([](SharedState& state) { return std::exchange(state.letters, {}); });
}

void KafkaSink::commit_all(StateChanges& changes) {
  const bool done = commit(changes, {});
  TAILRACE_ASSERT(done);  // Nobody stops it.
}

}  // namespace tailrace::kafka
