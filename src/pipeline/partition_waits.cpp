// K5: a foreign key or a unique index refuses rows whose other half may come in another partition.
#include "pipeline/partition_attempt.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"

namespace tailrace {
namespace {

using std::chrono::steady_clock;

// That rows wait is said this often.
constexpr std::chrono::milliseconds tell_every{10'000};

}  // namespace

// Each partition is tried by itself; one that is refused then waits, and the others go on.
void PartitionAttempt::on_waits(const Names& names, const Error& error) {
  const bool was_open = has_open_;
  drop_open();
  if (names.size() > 1 && !was_open) {
    for (const PartitionName& name : names) {
      if (held_.at(name).has_ready && !held_.at(name).lost_at) write_ends({name});
    }
    return;
  }
  for (const PartitionName& name : names) {
    HeldPartition& held = held_.at(name);
    if (was_open && held.last_try) throw refused_at_last(held.claim.where, error);
    wait_for_others(held, error);
  }
}

Error PartitionAttempt::refused_at_last(const PartitionName& name, const Error& error) {
  return Error(error)
      .with("partition", name.str())
      .with("waited_for", "every other partition has passed this commit");
}

void PartitionAttempt::wait_for_others(HeldPartition& held, const Error& error) {
  if (held.waiting) {
    held.waiting->error = error;
    return;
  }
  log::info("partition.waits", {{"partition", held.claim.where.str()}, {"reason", error.what()}});
  Waiting waiting{error, held.ready.upto.last_lsn};
  waiting.marks = source_->ends(PartitionSource::Ends::all, abandon_);
  waiting.marks.erase(held.claim.where);
  waiting.told = steady_clock::now();
  held.waiting = std::move(waiting);
  pause({held.claim.where});
}

// Before the rows are tried once more: only behind what is passed now their refusal is final.
bool PartitionAttempt::others_have_passed(const Waiting& waiting,
                                          const std::map<PartitionName, PartitionPosition>& positions) const {
  return std::all_of(waiting.marks.begin(), waiting.marks.end(), [&](const auto& mark) {
    const auto held = held_.find(mark.first);
    if (held != held_.end() && held->second.waiting) return true;  // It was tried together with this one.
    const auto found = positions.find(mark.first);
    if (mark.second == 0) return true;
    if (found == positions.end() || !found->second.next_offset) return false;
    const bool beyond =
        waiting.commit && found->second.last_lsn && *found->second.last_lsn >= *waiting.commit;
    return beyond || *found->second.next_offset >= mark.second;
  });
}

void PartitionAttempt::try_waiting() {
  if (!has_waiting() || steady_clock::now() < next_try_) return;
  land();
  next_try_ = steady_clock::now() + try_again_every;
  const std::map<PartitionName, PartitionPosition> positions = sink_->positions();
  read_large_again(positions);
  Names names;
  for (const auto& [name, held] : held_) {
    if (held.waiting && held.has_ready) names.push_back(name);
  }
  if (names.empty()) return;
  std::map<PartitionName, Waiting> before;
  for (const PartitionName& name : names)
    before.emplace(name, *held_.at(name).waiting);
  // Two may wait for each other: together first, and on_waits() tries each by itself.
  write_ends(names);
  for (const PartitionName& name : names) {
    HeldPartition& held = held_.at(name);
    if (!held.waiting) continue;
    if (others_have_passed(before.at(name), positions)) throw refused_at_last(name, held.waiting->error);
    tell_waiting(held);
  }
  resume_paused();
}

// What went in parts is not in memory any more: it is read again once the others have passed it, and refused for good then.
void PartitionAttempt::read_large_again(const std::map<PartitionName, PartitionPosition>& positions) {
  for (auto& [name, held] : held_) {
    if (!held.waiting || held.has_ready) continue;
    tell_waiting(held);
    if (!others_have_passed(*held.waiting, positions)) continue;
    held.waiting.reset();
    held.last_try = true;
  }
  resume_paused();
}

void PartitionAttempt::tell_waiting(HeldPartition& held) {
  if (steady_clock::now() < held.waiting->told + tell_every) return;
  held.waiting->told = steady_clock::now();
  log::warn("partition.still_waits",
            {{"partition", held.claim.where.str()}, {"reason", held.waiting->error.what()}});
}

bool PartitionAttempt::has_waiting() const {
  return std::any_of(held_.begin(), held_.end(),
                     [](const auto& each) { return each.second.waiting.has_value(); });
}

}  // namespace tailrace
