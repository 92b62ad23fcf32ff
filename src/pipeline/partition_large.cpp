// A commit of the source that is larger than memory: it goes in parts, in a transaction that stays open.
#include "pipeline/partition_attempt.h"

#include <algorithm>

#include "base/crash_point.h"
#include "base/log.h"

namespace tailrace {

// A commit of the source that is larger than what is held goes to the sink in parts; only the partitions that are not at
// a boundary are read on.
void PartitionAttempt::begin_open() {
  land();
  std::vector<Stretch> stretches;
  Names names;
  for (auto& [name, held] : held_) {
    if (!held.may_be_written() || (!held.has_ready && held.rest.records == 0)) continue;
    names.push_back(name);
    held.sent = true;
    held.settled = held.rest.records == 0;
    if (held.has_ready) stretches.push_back(std::exchange(held.ready, {}));
    if (!held.settled) stretches.push_back(std::exchange(held.rest, {}));
    held.has_ready = false;
  }
  if (names.empty()) return;
  has_open_ = true;
  if (!write_part(stretches, names)) return;
  log::debug("partitions.large_commit", {{"partitions", names.size()}});
  Names settled;
  for (const PartitionName& name : names) {
    if (held_.at(name).settled) settled.push_back(name);
  }
  for (const auto& [name, held] : held_) {
    if (!held.sent) settled.push_back(name);
  }
  pause(settled);
}

bool PartitionAttempt::write_part(const std::vector<Stretch>& stretches, const Names& names) {
  const WriteResult result = sink_->write_part(stretches, abandon_);
  if (result.end == WriteEnd::open) {
    for (const Stretch& stretch : stretches)
      pending_.add(stretch.rows, stretch.transactions);
    crash_point("partitions.in_large_commit");
    return true;
  }
  if (result.end == WriteEnd::waits) {
    on_waits(names, *result.error);
  } else if (result.end == WriteEnd::lost || result.end == WriteEnd::again) {
    on_lost();
  }
  return false;
}

void PartitionAttempt::go_on_open() {
  std::vector<Stretch> stretches;
  Names sent;
  Names settled;
  for (auto& [name, held] : held_) {
    if (!held.sent) continue;
    sent.push_back(name);
    if (held.settled) continue;
    if (held.has_ready) {
      stretches.push_back(std::exchange(held.ready, {}));
      held.has_ready = false;
      held.settled = true;
      settled.push_back(name);
    } else if (held.rest.records != 0) {
      stretches.push_back(std::exchange(held.rest, {}));
    }
  }
  if (stretches.empty()) return;
  const bool ends = std::all_of(sent.begin(), sent.end(),
                                [this](const PartitionName& name) { return held_.at(name).settled; });
  if (!ends) {
    if (write_part(stretches, sent)) pause(settled);
    return;
  }
  end_open(stretches, sent);
}

void PartitionAttempt::end_open(const std::vector<Stretch>& stretches, const Names& sent) {
  const WriteResult result = sink_->write(stretches, abandon_);
  if (result.end == WriteEnd::waits) return on_waits(sent, *result.error);
  if (result.end == WriteEnd::lost || result.end == WriteEnd::again) return on_lost();
  if (result.end != WriteEnd::durable) return;
  for (const Stretch& stretch : stretches)
    pending_.add(stretch.rows, stretch.transactions);
  std::vector<std::pair<PartitionName, std::int64_t>> offsets;
  const std::vector<PartitionClaim> claims = sink_->claims();
  for (const PartitionClaim& claim : claims) {
    HeldPartition& held = held_.at(claim.where);
    if (held.sent) stored(held, claim.position, offsets);
    held.sent = held.settled = false;
  }
  has_open_ = false;
  tell_durable(offsets);
  resume_paused();
}

// What was sent is gone, and comes again: from what is stored on.
void PartitionAttempt::drop_open() {
  if (!has_open_) return;
  sink_->abandon();
  pending_.forget();
  has_open_ = false;
  std::vector<PartitionClaim> again;
  for (auto& [name, held] : held_) {
    if (!held.sent) continue;
    held.forget();
    again.push_back(held.claim);
  }
  source_->go_back(again, abandon_);
  resume_paused();
}

}  // namespace tailrace
