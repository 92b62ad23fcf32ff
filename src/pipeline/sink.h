// Where batches become durable.
//
// Shape    Batches of one pipeline, in source order. Only the last batch of a commit point has an end position.
// Errors   config: the target is of another shape, or holds rows that tailrace did not write. auth: login refused.
//          unavailable, conflict: nothing since the last durable position is held; go on with a new instance from
//          open().
//          data: a row was refused, or one is missing that must be there. With errors.on_row: dead_letter such rows
//          are passed over instead, into a store that becomes durable with the position (R11).
//          gap: what was written is gone (a topic that was deleted).
//          schema: a table of the state and its target do not fit each other any more.
//          fenced: another runner holds or took over; nothing was written.
// Threads  One instance belongs to one thread. Chunk writers may be used on other threads, one thread each, and must
//          not outlive the sink.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "model/change_batch.h"
#include "model/table_schema.h"
#include "pipeline/signal.h"
#include "pipeline/state.h"

namespace tailrace {

// done_before: by an earlier run; nothing is to be read.
enum class ChunkBegin { begun, done_before, stopped };

// Stopped first: nothing of the chunk is durable, and it comes again.
class ChunkWriter {
 public:
  virtual ~ChunkWriter() = default;

  // Begins the chunk's transaction with its row FOR UPDATE (R6d).
  [[nodiscard]] virtual ChunkBegin begin(const SchemaPtr& table, const Chunk& chunk,
                                         std::stop_token stop) = 0;
  // False if stopped first.
  [[nodiscard]] virtual bool write(const RowBatch& rows, std::stop_token stop) = 0;
  // Makes the chunk's rows and its progress durable in one step; answers the rows written. Nothing if stopped first.
  [[nodiscard]] virtual std::optional<std::uint64_t> finish(std::stop_token stop) = 0;

  // Every chunk of the table is done: builds its primary key and ANALYZEs it, in one transaction of this writer's
  // connection, so that it goes on beside the chunks of other tables. False if stopped first. May be called again.
  [[nodiscard]] virtual bool finish_table(const SchemaPtr& table, std::stop_token stop) = 0;

  // After an error of kind `data`: true if the chunk is to be begun and given once more, this time in batches whose bad
  // rows are told from the others (R11).
  [[nodiscard]] virtual bool wants_again() { return false; }
};

struct TableStart {
  SchemaPtr schema;
  Lsn low;
  bool shadow =
      false;  // Load into a shadow table; the target keeps showing what it has until the table joins.
  bool loads =
      true;  // Else nothing will be read: what the target has stays, as what the source had at `low`.
};

// A position that somebody sets by hand.
struct PositionMove {
  Position to;
  std::string reason;
  std::string by;
  // Going back: the tables of the stream replay what lies behind `to`, and are whole again at this mark.
  std::optional<HighMark> replay_until;
  // Going forward: what is passed over of each table; nothing where nobody knows how much.
  std::map<TableName, std::optional<std::uint64_t>> skipped;
};

struct ParkedKeys {
  SchemaPtr schema;
  std::vector<std::vector<std::string>> keys;  // key_text of each key column, model/key_text.h.
};

class Sink {
 public:
  virtual ~Sink() = default;

  // On the first run nothing is written before begin_load(), so that unfit databases stay as they are. Else:
  // takes this pipeline over if nobody alive holds it (or `take_over`), raises the fence, and answers where
  // it stands.
  virtual ResumeState open(bool take_over, std::stop_token stop) = 0;

  // The tables of this run, with their current schemas. Checks the shape of those that are in the state
  // already; what is not in the state must not exist in the target, or be empty and of the right shape,
  // unless `snapshot.existing` says what becomes of its rows (R10c).
  virtual void use_tables(const std::vector<SchemaPtr>& tables) = 0;

  // Tables of the state that are not configured any more: their changes pass by from here on, so the state must not say
  // that they are replicated. Their targets stay as they are; taken in again they are loaded like new ones.
  virtual void forget(const std::vector<TableName>& tables) = 0;

  // Creates what is missing in the target and records, in one transaction, the source's identity, the tables
  // as `loading`, and on the first run the position. A table that is in the state already begins anew: what an
  // earlier load of it has left (rows of a load that did not end, a shadow) is dropped. A request to add it or to take it
  // again is answered with that.
  virtual void begin_load(const std::string& source_identity, const std::vector<TableStart>& tables,
                          const Position& first_position) = 0;

  // The same of all tables of a pipeline whose position has lost its meaning (snapshot.mode: when_needed): what is stored of
  // them, of the position and of the source gives way in the same transaction. Of sinks that can show a table twice.
  virtual void begin_again(const std::string& source_identity, const std::vector<TableStart>& tables,
                           const Position& first_position);

  // Records planned chunks before any of them is read. Numbers follow each other.
  virtual void add_chunks(const std::vector<Chunk>& chunks) = 0;

  // A writer for snapshot chunks, with a connection of its own and this instance's fence.
  virtual std::unique_ptr<ChunkWriter> chunk_writer() = 0;

  // Every chunk of these tables is done, and each was finished by a chunk writer: records catching_up with the mark. False
  // if stopped first. May be called again after that, or after a crash in its middle.
  [[nodiscard]] virtual bool finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                                         std::stop_token stop) = 0;

  // Takes the batch. If it has an end position, everything since the last one becomes durable with it, in one
  // atomic step (at once, or as holds_until() says); a position only moves forward. `caught_up` tables become `streaming` in the same step, `joining` ones come
  // in, `left` ones are paused from this end on. False if stopped first: then the batch
  // comes again.
  //
  // May keep the rows: `batch.tables` can be empty afterwards, everything else stays as it is. Of a batch without an end
  // the target may still be at work when this returns: what is wrong with its rows is then thrown by the next call, and
  // at the commit point's end at the latest.
  [[nodiscard]] virtual bool write(ChangeBatch& batch, std::stop_token stop) = 0;
  [[nodiscard]] bool write(ChangeBatch&& batch, std::stop_token stop) {
    return write(batch, std::move(stop));
  }

  // A sink for which commits are dear may hold commit points open until this moment, to make several of them durable in one: those that
  // mean nothing but rows and a position, and never the first of an instance: an attempt that ends soon must move on. Nothing: all
  // that write() has taken to its end is durable.
  virtual std::optional<std::chrono::steady_clock::time_point> holds_until() const { return std::nullopt; }
  // Makes them durable now. False if stopped first: then they come again.
  [[nodiscard]] virtual bool flush(std::stop_token stop) {
    static_cast<void>(stop);
    return true;
  }

  // Keys of which a partial update arrived while the table caught up and the row was not there (R7c), and no
  // later delete has come. A table with parked keys stays catching_up although its mark was reached.
  virtual std::vector<ParkedKeys> parked_keys() = 0;

  // The answer to them: `rows` are the parked keys as the source has them now (what is missing is gone
  // there), applied as upserts; the keys are parked no more, and the table catches up to `mark`, in one step. They may
  // be some of a table's keys: others stay parked.
  virtual void settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) = 0;

  // Tables that have become `streaming` and lack their unique constraints and foreign keys get them (R9a);
  // nothing to do is cheap. False if stopped first: the next call goes on.
  [[nodiscard]] virtual bool finish_constraints(std::stop_token stop) = 0;

  // In one transaction: the position, what it means for the tables of the stream, and a note of who did it and why. Behind
  // use_tables(), in the place of a run. Throws config for a table that cannot replay. False if stopped first.
  [[nodiscard]] virtual bool move_position(const PositionMove& move, std::stop_token stop) = 0;

  // Called between commit points, at least once a second: fails with fenced where the fence has moved, and
  // answers the requests of commands that are open. That this runner is alive is shown by the sink
  // itself, from a connection of its own: also while a transaction of an hour is open or a key is being
  // built.
  virtual std::vector<TableRequest> heartbeat() = 0;

  // Closes a request that is refused, with the reason. (One that is done is answered in the transaction that does it:
  // a crash in between would leave it open.)
  virtual void answer(const TableRequest& request, const std::string& refusal) = 0;

  // R12. A sink for one table that is, or will be, outside the stream: connections of its own and this instance's fence;
  // it must not outlive this one. The verbs are the same and concern this table alone. open() takes nothing over and
  // answers this table's state with its own position (`only`); write() makes rows durable together with the table's
  // `low`; a table whose mark is reached becomes `joining`. May be called from any thread once this one is open.
  virtual std::unique_ptr<Sink> outside(const TableName& table) = 0;

  // Foreign keys between this table and other replicated ones are taken away and kept in the state, before the table
  // leaves the stream: they would refuse the others' rows. finish_constraints() makes them again once both sides stream. For a
  // table that is outside already, none to take away is cheap. False if stopped first.
  [[nodiscard]] virtual bool set_keys_aside(const TableName& table, std::stop_token stop) = 0;

  // Before the stream starts: these tables are outside it from the durable position on; what streamed is paused,
  // and a request to pause it answered, as with `left`.
  virtual void leave(const std::vector<TableName>& tables) = 0;

  // Of a sink of one table: a paused table replays from its `low` on; the request for it is answered.
  virtual void rejoin() = 0;
  // Of a sink of one table: what stands against it, for `status` to show; empty: nothing any more.
  virtual void record_error(const std::string& error) = 0;

  // Readers see each change, not only what it leads to: where a table is taken again none may be passed over.
  virtual bool is_log() const { return false; }

  // What this target knows of signals; nothing: none.
  virtual std::optional<SignalSettings> signal_settings() const { return std::nullopt; }
  // What came by the target's own channel since the last call. `taken` is a memo for the next end: once it is durable they do not
  // come again.
  virtual ChannelSignals take_signals() { return {}; }

  // Changes that were passed over into the dead-letter store and are durable there, since the last call: of write(),
  // settle_parked() and all chunk writers.
  virtual std::map<TableName, std::uint64_t> take_dead_letters() { return {}; }

  // A clean end: the heartbeat is cleared, so that the next runner need not wait.
  virtual void close() = 0;
};

}  // namespace tailrace
