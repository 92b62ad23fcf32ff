// A partition that is held: what was read of it and is not durable yet.
//
// Threads  A value of the runner's thread.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "pipeline/partitions.h"

namespace tailrace {

// What may still let the rows in that a constraint refuses (K5).
struct Waiting {
  Error error;                // The last refusal.
  std::optional<Lsn> commit;  // The newest that was refused; nothing: the records do not say.
  std::map<PartitionName, std::int64_t> marks = {};  // The others' ends, as they were after it was refused.
  std::chrono::steady_clock::time_point told{};
};

struct HeldPartition {
  PartitionClaim claim;  // With the position as it is durable.
  Stretch ready = {};    // Up to its last boundary; meaningful with has_ready.
  bool has_ready = false;
  Stretch rest = {};  // Behind it.

  bool sent = false;     // Some of it is in the sink's open transaction,
  bool settled = false;  // and ends at a boundary there.
  bool paused = false;
  // Somebody else has claimed it; the group has not said so yet.
  std::optional<std::chrono::steady_clock::time_point> lost_at = {};
  std::optional<Waiting> waiting = {};
  bool last_try = false;  // Of a commit that went in parts and has waited: it is read for the last time.

  void take(Stretch stretch) {
    add(rest, std::move(stretch));
    if (!rest.ends) return;
    add(ready, std::exchange(rest, {}));
    has_ready = true;
  }
  // What was to become durable did not.
  void give_back(Stretch stretch) {
    Stretch newer = std::exchange(ready, std::move(stretch));
    if (std::exchange(has_ready, true)) add(ready, std::move(newer));
  }
  // What comes next is read from elsewhere.
  void forget() {
    ready = {};
    rest = {};
    has_ready = sent = settled = false;
  }
  bool may_be_written() const { return !lost_at && !waiting; }

 private:
  static void add(Stretch& to, Stretch more) {
    to.where = more.where;
    for (RowBatch& rows : more.rows)
      to.rows.push_back(std::move(rows));
    for (OriginalRecord& record : more.originals)
      to.originals.push_back(std::move(record));
    for (UnreadableRecord& record : more.unreadable)
      to.unreadable.push_back(std::move(record));
    to.upto = std::move(more.upto);
    to.ends = more.ends;
    to.records += more.records;
    to.transactions += more.transactions;
    if (more.commit_time_utc != 0) to.commit_time_utc = more.commit_time_utc;
  }
};

}  // namespace tailrace
