// Where snapshots and changes come from.
//
// Shape    open() first. Then, in this order: take_low / snapshot readers / take_mark for what must be loaded; then
//          start_stream() and next() again and again.
// Errors   config: the database is not fit, each unfit thing named. auth: login refused. abandoned: stopped first.
//          unavailable, conflict: try again from open() with a new instance.
//          gap: changes that are needed are gone, or this is another source.
//          schema: a captured table changed shape.
// Threads  One instance belongs to one thread at a time. Snapshot readers may be used on other threads, one thread
//          each, and must not outlive the source. No transaction stays open between calls.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "model/change_batch.h"
#include "model/table_schema.h"
#include "pipeline/state.h"

namespace tailrace {

struct SourceInfo {
  std::string identity;  // What proves that this is the same source lineage (R4c); compared with the stored
                         // one by open().
  std::vector<SchemaPtr> tables;  // The configured tables with their capture instances, in name order.
  // Configured too, but outside the stream, and not to be replicated as they are now.
  std::vector<TableName> unfit;
};

class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;

  // The next chunk of `table` after `last` (nullptr: the first), of about `chunk_rows` rows. The last one has
  // an empty `upto`. Nothing if stopped first.
  virtual std::optional<Chunk> plan_chunk(const TableSchema& table, const Chunk* last,
                                          std::uint64_t chunk_rows, std::stop_token stop) = 0;

  // Reads the chunk in key order in one consistent read (SNAPSHOT isolation where the database allows it) and
  // shows it in batches of bounded size, each good until `take` returns; false from `take` stops. False if stopped first.
  [[nodiscard]] virtual bool read_chunk(const SchemaPtr& table, const Chunk& chunk,
                                        const std::function<bool(const RowBatch&)>& take,
                                        std::stop_token stop) = 0;

  // The rows that exist now under these keys (key_text of each key column, model/key_text.h), as operation `read`.
  // All of them in one batch: the caller bounds it by the keys it asks for. Nothing if stopped first.
  virtual std::optional<RowBatch> read_keys(const SchemaPtr& table,
                                            std::span<const std::vector<std::string>> keys,
                                            std::stop_token stop) = 0;
};

// Where somebody wants to begin, or to go on; one of the two.
struct StartPoint {
  std::optional<Lsn> lsn;
  std::optional<std::int64_t> time_utc;  // 100 ns since 0001-01-01.
};

struct StreamTable {
  SchemaPtr schema;
  Lsn low;  // Changes at or below are left out.
  std::optional<HighMark>
      high_mark;  // Set while the table catches up: `caught_up` names it once the mark is reached.
  CaptureInstance instance = {};  // As it is stored: where another one is read, the next end says so.
};

struct StreamPlan {
  std::optional<Position> position;  // Exclusive. Absent: from the lowest `low` of the tables.
  std::vector<StreamTable> tables;
  std::optional<HighMark> run_mark;  // Reported as run_mark_reached.
};

class Source {
 public:
  virtual ~Source() = default;

  // Connects, finds the tables, and checks what is stored against what is there: identity (R4c), instances
  // (R4b), and that the position is still within every instance's validity (R2b). Tables that are outside the stream, or
  // asked to leave it, are not checked, unless `resume.only` names one: then no other is looked at. `stop` ends this,
  // and from then on also take_low(), take_mark() and start_stream().
  virtual SourceInfo open(const ResumeState& resume, std::stop_token stop) = 0;

  // For tables about to be loaded: everything at or below this LSN is seen by a snapshot that begins after
  // the call; max(instance start_lsn, max_lsn), R4a. One answer per table, in the order asked.
  virtual std::vector<Lsn> take_low(const std::vector<SchemaPtr>& tables) = 0;

  virtual std::unique_ptr<SnapshotReader> snapshot_reader() = 0;

  // After the last read of a snapshot has ended: the mark that its catch-up must pass (R3).
  virtual HighMark take_mark() = 0;

  // The position behind which everything lies that was committed behind the LSN, or after the time as the source's clock and its
  // resolution know it. Throws config where the source has not come so far, gap where changes of one of the tables behind it are
  // gone.
  virtual Position position_at(const StartPoint& point, const std::vector<SchemaPtr>& tables) = 0;

  // Changes of each table in (after, upto]; nothing where not all of them are there any more.
  virtual std::map<TableName, std::optional<std::uint64_t>> count_changes(
      const std::vector<SchemaPtr>& tables, const Lsn& after, const Lsn& upto) = 0;

  virtual void start_stream(const StreamPlan& plan) = 0;

  // The next batch; waits while the source is idle, at most `poll_interval` between looks. A window without
  // rows gives a batch with an `end` alone (R4d). Where a look finds nothing at all, an empty batch: the caller may have
  // something to change. Nothing when stopped; a stopped stream is of no more use, since the stop may have ended its
  // connection. Nothing, too, behind an end that ends the stream (ChangeBatch::ends_stream).
  virtual std::optional<ChangeBatch> next(std::stop_token stop) = 0;

  // Between two next(), where the last batch that was not empty had an end: the first end at or behind which the mark lies says so
  // (ChangeBatch::watch_reached). One at a time: another one takes its place.
  virtual void watch(const HighMark& mark, std::uint64_t number) = 0;

  // Both between two next(), where the last batch that was not empty had an end.
  //
  // A table comes in (R12): the commit point whose end is at or behind `table.low`, or with no transaction in between, names it
  // as `joining`, and holds its changes behind `low`, also those that lie before the stream's position. Throws what speaks against
  // this table alone (gap, schema, config; conflict: it may come later); it is then not in the plan.
  virtual void add_table(const StreamTable& table) = 0;
  // A table goes: the next batch is an end that names it as `left`. Everything of it up to this end has been given away.
  virtual void remove_table(const TableName& table) = 0;
};

}  // namespace tailrace
