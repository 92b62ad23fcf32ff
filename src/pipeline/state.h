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
  joining,      // Outside the stream (R12): exactly what the source had at `low`, on its way into the stream.
  streaming,    // Past its high mark, in the stream.
  paused,       // Outside the stream (R12): as the source had it at `low`, until it is resumed.
};

std::string_view name_of(TableState state);
std::optional<TableState> table_state_of(std::string_view name);

// What a command asks of a running pipeline for one table (R12).
enum class Wanted { nothing, add, pause, resume, resnapshot };

std::string_view name_of(Wanted wanted);  // "" for nothing.
Wanted parse_wanted(std::string_view name);

struct TableRequest {
  std::int64_t id = 0;  // Each request has its own.
  TableName table;
  Wanted wanted = Wanted::nothing;
};

// A range of keys: (after, upto]. Key values are key_text (model/key_text.h), one per key column.
struct Chunk {
  TableName table;
  std::uint32_t number = 0;        // From 0, in key order.
  std::vector<std::string> after;  // Exclusive; empty: from the first key.
  std::vector<std::string>
      upto;  // Inclusive; empty: to the last key. A plan is whole when its last chunk has this empty.
  std::uint64_t estimated_rows = 0;
  std::string filter =
      {};  // A condition of the source's own language; rows that do not meet it are left out.
};

struct ChunkProgress {
  Chunk chunk;
  bool done = false;
  std::uint64_t rows = 0;
};

struct TableProgress {
  TableName table;
  TableState state = TableState::loading;
  // Not in the stream: it is loaded and replayed by itself, and `low` is its own position (R12).
  bool outside = false;
  bool shadow = false;  // A re-snapshot: rows go to a shadow table until the table joins again (R12).
  Lsn low;              // Changes at or below are in the snapshot, or were replayed while it was outside.
  CaptureInstance instance;
  std::optional<HighMark> high_mark;  // Since catching_up.
  std::vector<ChunkProgress> chunks;  // In order of their numbers; only while loading.
};

struct ResumeState {
  bool first_run = true;          // Nothing is stored of this pipeline.
  bool succeeded_before = false;  // It has committed once: an unreachable side is then retried for ever.
  std::string source_identity;    // As stored by begin(); empty on the first run (R4c).
  std::optional<Position> position;
  // The position is another program's, taken over as it is: it has brought the tables to there, and none of them is loaded.
  bool adopted = false;
  std::map<TableName, TableProgress> tables;
  std::map<std::string, std::string> memos;  // By name, as the last end that had them (ChangeBatch::memos).
  std::vector<TableRequest> requests;  // Open ones, oldest first; also of tables that are not known yet.
  // Set by a sink of one table (Sink::outside): the source is opened for this table alone, and `position` is
  // the table's.
  std::optional<TableName> only;
};

// What speaks against the request for a table in this state (nothing: it is not replicated); empty: nothing does.
std::string refusal_of(const TableName& table, Wanted wanted, std::optional<TableState> state);

// What is asked for the table and not answered yet.
Wanted wanted_of(const ResumeState& state, const TableName& table);

}  // namespace tailrace
