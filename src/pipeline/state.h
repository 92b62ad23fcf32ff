// What a sink keeps of a pipeline, and what it answers when the pipeline starts again.
//
// Source  docs/rules.md R1, R3, R4, R6; the tables of schema `tailrace` in the target.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/change_batch.h"
#include "model/table_schema.h"

namespace tailrace {

// The moment up to which a table's stream must be replayed before the table is a state that the source was in
// (R3). The source's own text (clock and scan counter); opaque to sinks and runner.
struct HighMark {
  std::string text;
};

enum class TableState {
  loading,      // Chunks are being read; the target has no key yet.
  catching_up,  // Loaded, key built; changes from `low` to the high mark are being replayed.
  streaming,    // Past its high mark.
};

std::string_view name_of(TableState state);

// A range of keys: (after, upto]. Key values are key_text (model/key_text.h), one per key column.
struct Chunk {
  TableName table;
  std::uint32_t number = 0;        // From 0, in key order.
  std::vector<std::string> after;  // Exclusive; empty: from the first key.
  std::vector<std::string>
      upto;  // Inclusive; empty: to the last key. A plan is whole when its last chunk has this empty.
  std::uint64_t estimated_rows = 0;
};

struct ChunkProgress {
  Chunk chunk;
  bool done = false;
  std::uint64_t rows = 0;
};

struct TableProgress {
  TableName table;
  TableState state = TableState::loading;
  bool shadow = false;  // A re-snapshot: rows go to a shadow table until the table joins again (R12).
  Lsn low;              // Changes at or below are in the snapshot.
  CaptureInstance instance;
  std::optional<HighMark> high_mark;  // Since catching_up.
  std::vector<ChunkProgress> chunks;  // In order of their numbers; only while loading.
  std::string desired;                // A request of a command: "resnapshot", or empty.
};

struct ResumeState {
  bool first_run = true;          // Nothing is stored of this pipeline.
  bool succeeded_before = false;  // It has committed once: an unreachable side is then retried for ever.
  std::string source_identity;    // As stored by begin(); empty on the first run (R4c).
  std::optional<Position> position;
  std::map<TableName, TableProgress> tables;
};

}  // namespace tailrace
