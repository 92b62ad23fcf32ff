// What `tailrace status` shows of a pipeline: read from the sink's state without touching the runner.
//
// Units    Times are 100 ns since 0001-01-01 in UTC, 0: not known; by the sink's clock unless said otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/change_batch.h"
#include "model/table_schema.h"
#include "pipeline/partitions.h"
#include "pipeline/state.h"

namespace tailrace {

// How a target table differed from the source when it was compared with it, as one transaction mended it.
struct ComparedRows {
  std::uint64_t deleted = 0;
  std::uint64_t updated = 0;
  std::uint64_t inserted = 0;
  std::uint64_t kept = 0;  // Of other keys than the source's, and meant to stay.

  std::uint64_t differed() const { return deleted + updated + inserted; }
};

struct TableStatus {
  TableName table = {};
  TableState state = TableState::loading;
  bool resnapshot = false;           // Being taken again, or asked for.
  bool outside = false;              // Not in the stream (R12): it may be behind the others.
  Wanted wanted = Wanted::nothing;   // Asked for, and not answered yet.
  std::uint64_t rows = 0;            // An estimate of the target's rows.
  std::uint64_t snapshot_rows = 0;   // Loaded so far; while loading.
  std::uint32_t chunks_done = 0;     // While loading.
  std::uint32_t chunks_planned = 0;  // While loading; more may come.
  std::uint32_t parked_keys = 0;
  std::uint64_t diverged_keys =
      0;  // Their rows are not what the source has: changes of them are dead letters (R11).
  std::uint64_t dead_letters = 0;
  std::string existing =
      {};  // What becomes of rows that were there before: truncate, append, adopt; empty: none were.
  std::optional<ComparedRows> compared = {};
  bool skipped = false;       // Changes of it were passed over by hand, and it was not taken again since.
  std::string instance = {};  // The capture instance that its changes come from.
  std::string last_error = {};
};

// Of a pipeline that reads partitions.
struct PartitionStatus {
  PartitionName partition = {};
  std::optional<std::int64_t> next_offset = {};  // Nothing: none of it is applied.
  std::optional<Lsn> commit_lsn = {};
  std::int64_t epoch = 0;
  bool owned = false;  // The backend that has claimed it lives.
  std::int64_t written_utc = 0;
};

// What became of a command's request for a table.
struct RequestAnswer {
  bool answered = false;
  bool runner_alive = false;
  std::string refusal;  // Empty: done.
};

struct PipelineStatus {
  bool known = false;  // False: the target holds nothing of this pipeline.
  std::string source_identity;
  std::optional<Position> position;
  std::int64_t position_written_utc = 0;  // When the position last moved.
  bool runner_alive = false;
  std::string runner;  // Who holds the pipeline: host and process; empty: nobody.
  std::optional<std::chrono::milliseconds> heartbeat_age;
  std::int64_t fence = 0;
  std::int64_t now_utc = 0;
  std::string last_error;  // Of the runner that ended last; empty if it drained.
  std::vector<TableStatus> tables;
  std::vector<PartitionStatus> partitions;
  std::uint64_t waiting_letters = 0;  // Dead letters that their topic has not taken yet.
};

}  // namespace tailrace
