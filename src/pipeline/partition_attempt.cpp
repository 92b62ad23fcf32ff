// The loop between partitions and their sink.
#include "pipeline/partition_attempt.h"

#include <algorithm>

#include "base/log.h"
#include "pipeline/clock.h"

namespace tailrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Where nothing but ends of partitions has moved, they become durable this often.
constexpr milliseconds ends_every{1'000};
// A partition that somebody else has claimed is taken again where the group has not taken it away by then: who claimed it was a
// member that woke up late.
constexpr milliseconds claim_again_after{15'000};

}  // namespace

RunEnd PartitionAttempt::run(const std::stop_token& drain, const std::stop_token& abandon,
                             const std::stop_token& ending) {
  abandon_ = abandon;
  ending_ = ending;
  if (sink_->open(ending)) retry_.succeeded_before();
  source_->open([this](const TableSchema& proposed, bool make) { return use_table(proposed, make); },
                sink_->positions(), ending);
  if (settings_.until_caught_up) marks_ = source_->ends(PartitionSource::Ends::committed, ending);
  progress_.streaming = true;
  log::info("partitions.start");
  while (!ending.stop_requested()) {
    PartitionBatch batch = read(drain);
    take(std::move(batch.stretches));
    // What somebody else has already is not written, though it might still be.
    const bool is_lost = batch.change && batch.change->kind == AssignmentChange::Kind::lost;
    if (!is_lost) settle();
    if (batch.change) answer(*batch.change);
    claim_lost();
    if (is_caught_up()) return ended(RunEnd::caught_up);
  }
  return ended(RunEnd::drained);
}

// What lies before a record that cannot be read becomes durable: else no restart ever comes to that record.
PartitionBatch PartitionAttempt::read(const std::stop_token& drain) {
  try {
    return source_->next(wait(), drain);
  } catch (const Error&) {
    land();
    throw;
  }
}

RunEnd PartitionAttempt::ended(RunEnd end) {
  land();
  sink_->abandon();
  sink_->close();
  source_->close(abandon_);
  progress_.streaming = false;
  return end;
}

SchemaPtr PartitionAttempt::use_table(const TableSchema& proposed, bool make) {
  SchemaPtr schema = sink_->use_table(proposed, make);
  if (schema != nullptr) progress_.set_table(schema->name, TableState::streaming, 0);
  return schema;
}

// While the sink is at work only what is there already is taken.
milliseconds PartitionAttempt::wait() const {
  if (!flying_.empty()) return milliseconds(0);
  return has_waiting() ? try_again_every : settings_.look_every;
}

void PartitionAttempt::take(std::vector<Stretch> stretches) {
  for (Stretch& stretch : stretches) {
    const auto found = held_.find(stretch.where);
    if (found == held_.end() || found->second.lost_at) continue;
    if (stretch.commit_time_utc != 0) commit_time_utc_ = stretch.commit_time_utc;
    found->second.take(std::move(stretch));
  }
}

// Everything that may become durable does.
void PartitionAttempt::settle() {
  if (has_open_) {
    go_on_open();
  } else {
    write_ready();
    if (rest_bytes() > settings_.queue_bytes) begin_open();
  }
  if (!has_open_) try_waiting();
}

std::size_t PartitionAttempt::rest_bytes() const {
  std::size_t sum = 0;
  for (const auto& [name, held] : held_)
    sum += held.may_be_written() ? held.rest.bytes() : 0;
  return sum;
}

PartitionAttempt::Names PartitionAttempt::ready_names() const {
  Names names;
  for (const auto& [name, held] : held_) {
    if (held.has_ready && held.may_be_written()) names.push_back(name);
  }
  return names;
}

// The target works on one apply while the next one is read.
void PartitionAttempt::write_ready() {
  const Names names = ready_names();
  const bool has_rows = std::any_of(names.begin(), names.end(), [this](const PartitionName& name) {
    return held_.at(name).ready.records != 0;
  });
  land();
  if (names.empty() || (!has_rows && steady_clock::now() < next_ends_)) return;
  take_off(ready_names());  // Some may be lost by now, or wait.
}

void PartitionAttempt::take_off(const Names& names) {
  if (names.empty()) return;
  for (const PartitionName& name : names) {
    HeldPartition& held = held_.at(name);
    flying_.push_back(std::exchange(held.ready, {}));
    held.has_ready = false;
  }
  sink_->start(flying_, abandon_);
}

// What became of it. False where it is not durable.
bool PartitionAttempt::land() {
  if (flying_.empty()) return true;
  const WriteResult result = sink_->finish(abandon_);
  std::vector<Stretch> landed = std::exchange(flying_, {});
  if (result.end == WriteEnd::durable) {
    became_durable(landed);
    return true;
  }
  Names names;
  for (Stretch& stretch : landed) {
    HeldPartition& held = held_.at(stretch.where);
    names.push_back(stretch.where);
    held.give_back(std::move(stretch));
  }
  if (result.end == WriteEnd::lost || result.end == WriteEnd::again) on_lost();
  if (result.end == WriteEnd::waits) on_waits(names, *result.error);
  return false;
}

// The ready stretches of these, in one transaction, at once.
bool PartitionAttempt::write_ends(const Names& names) {
  take_off(names);
  return land();
}

void PartitionAttempt::became_durable(const std::vector<Stretch>& stretches) {
  std::vector<std::pair<PartitionName, std::int64_t>> offsets;
  for (const Stretch& stretch : stretches) {
    pending_.add(stretch.rows, stretch.transactions);
    stored(held_.at(stretch.where), stretch.upto, offsets);
  }
  tell_durable(offsets);
}

void PartitionAttempt::stored(HeldPartition& held, PartitionPosition upto,
                              std::vector<std::pair<PartitionName, std::int64_t>>& offsets) {
  held.claim.position = std::move(upto);
  held.waiting.reset();
  held.last_try = false;
  offsets.emplace_back(held.claim.where, *held.claim.position.next_offset);
}

void PartitionAttempt::tell_durable(const std::vector<std::pair<PartitionName, std::int64_t>>& offsets) {
  pending_.settle(progress_);
  progress_.add_dead_letters(sink_->take_dead_letters());
  ++progress_.commits;
  ++progress_.durable_steps;
  if (commit_time_utc_ != 0) progress_.last_commit_time_utc = commit_time_utc_;
  progress_.last_durable_at_utc = now_ticks_utc();
  next_ends_ = steady_clock::now() + ends_every;
  source_->durable(offsets);
}

void PartitionAttempt::pause(const Names& names) {
  Names now;
  for (const PartitionName& name : names) {
    if (std::exchange(held_.at(name).paused, true)) continue;
    now.push_back(name);
  }
  if (!now.empty()) source_->pause(now);
}

// All but those that have a reason of their own.
void PartitionAttempt::resume_paused() {
  Names now;
  for (auto& [name, held] : held_) {
    if (!held.paused || !held.may_be_written()) continue;
    held.paused = false;
    now.push_back(name);
  }
  if (!now.empty()) source_->resume(now);
}

// K4b. What the sink has stored says which partitions are still ours; those are read again, the others wait for what the group
// says of them.
void PartitionAttempt::on_lost() {
  sink_->abandon();
  pending_.forget();
  has_open_ = false;
  std::map<PartitionName, PartitionClaim> kept;
  for (PartitionClaim& claim : sink_->claims())
    kept.emplace(claim.where, std::move(claim));
  std::vector<PartitionClaim> again;
  Names lost;
  for (auto& [name, held] : held_) {
    if (held.lost_at) continue;
    held.forget();
    const auto found = kept.find(name);
    if (found != kept.end()) {
      held.claim = found->second;
      again.push_back(held.claim);
      continue;
    }
    held.waiting.reset();
    held.lost_at = steady_clock::now();
    lost.push_back(name);
    log::warn("partition.claimed_by_another", {{"partition", name.str()}, {"epoch", held.claim.epoch}});
  }
  source_->go_back(again, abandon_);
  pause(lost);
  resume_paused();
}

void PartitionAttempt::claim_lost() {
  Names names;
  for (const auto& [name, held] : held_) {
    if (held.lost_at && steady_clock::now() > *held.lost_at + claim_again_after) names.push_back(name);
  }
  if (names.empty() || has_open_) return;
  land();
  const std::optional<std::vector<PartitionClaim>> claims = sink_->claim(names, ending_);
  if (!claims) return;
  for (const PartitionClaim& claim : *claims) {
    HeldPartition& held = held_.at(claim.where);
    held.claim = claim;
    held.lost_at.reset();
    log::warn("partition.claimed_again", {{"partition", claim.where.str()}, {"epoch", claim.epoch}});
  }
  source_->go_back(*claims, ending_);
  resume_paused();
}

void PartitionAttempt::answer(const AssignmentChange& change) {
  land();
  if (change.kind == AssignmentChange::Kind::assigned) {
    drop_open();
    return assigned(change);
  }
  Names paused;
  bool was_sent = false;
  for (const PartitionName& name : change.partitions) {
    const auto found = held_.find(name);
    if (found == held_.end()) continue;
    if (found->second.paused) paused.push_back(name);
    was_sent = was_sent || found->second.sent;
    held_.erase(found);
    log::info("partition.left", {{"partition", name.str()}});
  }
  if (!paused.empty()) source_->resume(paused);
  sink_->release(change.partitions);
  source_->release(change);
  if (was_sent) drop_open();
}

void PartitionAttempt::assigned(const AssignmentChange& change) {
  const std::optional<std::vector<PartitionClaim>> claims = sink_->claim(change.partitions, ending_);
  if (!claims) throw Error(ErrorKind::abandoned, "stopped while partitions were claimed");
  source_->begin(change, *claims, ending_);
  for (const PartitionClaim& claim : *claims) {
    log::info("partition.claimed",
              {{"partition", claim.where.str()},
               {"epoch", claim.epoch},
               {"next_offset", claim.position.next_offset ? std::to_string(*claim.position.next_offset)
                                                          : std::string("none")}});
    held_.insert_or_assign(claim.where, HeldPartition{claim});
  }
}

bool PartitionAttempt::is_caught_up() {
  if (!settings_.until_caught_up || steady_clock::now() < next_look_) return false;
  next_look_ = steady_clock::now() + milliseconds(100);
  const std::map<PartitionName, PartitionPosition> positions = sink_->positions();
  return std::all_of(marks_.begin(), marks_.end(), [&](const auto& mark) {
    const auto found = positions.find(mark.first);
    return mark.second == 0 || (found != positions.end() && found->second.next_offset &&
                                *found->second.next_offset >= mark.second);
  });
}

}  // namespace tailrace
