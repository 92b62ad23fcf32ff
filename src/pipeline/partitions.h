// Streams that are many: partitions of Kafka's topics, each with a position of its own, held by whoever the group gives it to.
//
// Shape    A source cuts what it reads into stretches, each of one partition and in its order; a stretch ends at a boundary, or
//          goes on in the next one. A sink makes stretches durable together with the positions behind them.
//          PartitionSource: open(), then next() again and again; a change of the assignment is answered by begin() or release().
//          PartitionSink: open(), claim() what was assigned, write(), and release() what went.
// Errors   Both: unavailable, conflict: go on with new instances. auth, config as everywhere.
//          source: gap, with topic and partition: records that are needed are gone, or the topic is another one. data, protocol:
//          a record that cannot be read, with topic, partition and offset; thrown behind all that lies before it.
//          sink: data: a row that the target refuses. schema: a record and its target do not fit.
// Threads  One instance belongs to one thread.
// Source   docs/rules.md K4, K5; docs/decisions/017.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/lsn.h"
#include "model/row_batch.h"
#include "pipeline/originals.h"

namespace tailrace {

struct PartitionName {
  std::string topic;
  std::int32_t number = 0;

  std::string str() const { return topic + "[" + std::to_string(number) + "]"; }
  auto operator<=>(const PartitionName&) const = default;
};

// How far a partition is applied.
struct PartitionPosition {
  std::optional<std::int64_t> next_offset = {};  // Nothing: none of it was ever applied.
  // The last record that was applied: it need not lie right before next_offset.
  std::optional<std::int64_t> last_offset = {};
  std::optional<Lsn> last_lsn = {};  // Of the newest commit; rows of a snapshot are of none.
  std::string topic_id = {};         // Empty: the broker has none.
  std::int32_t leader_epoch = -1;

  bool operator==(const PartitionPosition&) const = default;
};

struct PartitionClaim {
  PartitionName where;
  std::int64_t epoch = 0;
  PartitionPosition position;
};

struct Stretch {
  PartitionName where = {};
  std::vector<RowBatch> rows = {};
  PartitionPosition upto = {};  // Behind its last record.
  bool ends = false;            // A boundary lies behind it: the target may show the source as it is here.
  std::uint64_t records = 0;
  std::uint64_t transactions = 0;    // That end in it.
  std::int64_t commit_time_utc = 0;  // Of the newest: 100 ns since 0001-01-01; 0: not known.
  // Where records that cannot be applied are passed over: each row's record as it came, by offset, and those without a row. A key
  // of such a record is a row with the fault `unreadable`, in its place among the others.
  std::vector<OriginalRecord> originals = {};
  std::vector<UnreadableRecord> unreadable = {};

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const RowBatch& batch : rows)
      sum += batch.bytes();
    for (const OriginalRecord& record : originals)
      sum += record.bytes();
    return sum;
  }
};

struct AssignmentChange {
  enum class Kind {
    assigned,  // Partitions come to those that are held.
    revoked,   // Partitions go; what was read of them may still become durable.
    lost,      // Partitions are somebody else's already. A hint: the sink's epoch decides.
  };
  Kind kind = Kind::assigned;
  std::vector<PartitionName> partitions;  // May be empty: it has to be answered all the same.
};

struct PartitionBatch {
  std::vector<Stretch> stretches;  // In each partition's order.
  // Comes behind the stretches: they belong to the assignment before it.
  std::optional<AssignmentChange> change;
  bool more = false;  // There was more than a batch takes.
};

// What a table has to be for the rows of some records; answers what they have to be for it. Without `make` nothing where it is not
// there. Proposed without any column: what it has, for records that do not say what they are; no rows go by that.
using UseTable = std::function<SchemaPtr(const TableSchema& proposed, bool make)>;

class PartitionSource {
 public:
  virtual ~PartitionSource() = default;

  // Connects, holds its topics against what is stored of them, asks the group for partitions. `use_table` is called within next().
  virtual void open(UseTable use_table, const std::map<PartitionName, PartitionPosition>& stored,
                    std::stop_token stop) = 0;

  // What came; waits at most `wait` for the first of it. Returns at the stop, too.
  virtual PartitionBatch next(std::chrono::milliseconds wait, std::stop_token stop) = 0;

  // The answers to a change. Each partition that came is read from its claim's position on, one without a position from its
  // beginning; throws gap where that is not the partition that the position is of, or does not reach back so far.
  virtual void begin(const AssignmentChange& change, const std::vector<PartitionClaim>& claims,
                     std::stop_token stop) = 0;
  virtual void release(const AssignmentChange& change) = 0;

  // Of partitions that are held: reads again from these positions on.
  virtual void go_back(const std::vector<PartitionClaim>& claims, std::stop_token stop) = 0;
  virtual void pause(const std::vector<PartitionName>& partitions) = 0;
  virtual void resume(const std::vector<PartitionName>& partitions) = 0;

  // Said to whoever watches the group's lag; never read back.
  virtual void durable(const std::vector<std::pair<PartitionName, std::int64_t>>& next_offsets) = 0;

  // The ends of every partition of the topics as they are now: all of them, or those up to which committed records can be
  // read. The first counts what is still open in a transaction of its writer, too.
  enum class Ends { all, committed };
  virtual std::map<PartitionName, std::int64_t> ends(Ends which, std::stop_token stop) = 0;

  // Leaves the group, so that the others get its partitions at once.
  virtual void close(std::stop_token stop) = 0;
};

enum class WriteEnd {
  durable,
  open,  // Taken, in a transaction that goes on.
  lost,  // Somebody else has claimed one of the partitions: nothing of it is durable. See PartitionSink::claims().
  again,    // Nothing is durable, and parts of it are gone: all is to be read again from what is stored.
  waits,    // A constraint of the target refuses what another partition may still bring: nothing is durable.
  stopped,  // Nothing is durable.
};

struct WriteResult {
  WriteEnd end = WriteEnd::durable;
  std::optional<Error> error = {};  // Where it waits.
};

class PartitionSink {
 public:
  virtual ~PartitionSink() = default;

  // Whether the pipeline has succeeded before: an unreachable side is then retried for ever.
  virtual bool open(std::stop_token stop) = 0;

  // See UseTable. Throws config, schema where what is there does not take such rows.
  virtual SchemaPtr use_table(const TableSchema& proposed, bool make) = 0;

  // Takes partitions over from whoever had them; answers in the order asked. Nothing if stopped first.
  virtual std::optional<std::vector<PartitionClaim>> claim(const std::vector<PartitionName>& partitions,
                                                           std::stop_token stop) = 0;
  virtual void release(const std::vector<PartitionName>& partitions) = 0;

  // Stretches of claimed partitions, which stay as they are. All since the last durable step becomes durable, with the
  // positions, in one atomic step; every partition that it is of must be at a boundary. start() hands them to the target, which works on
  // them until finish() asks what became of them: they must live until then, and nothing but finish() and use_table() may be called in
  // between.
  virtual void start(const std::vector<Stretch>& stretches, std::stop_token stop) = 0;
  virtual WriteResult finish(std::stop_token stop) = 0;
  // Takes their rows into a transaction that stays open; what ends it is made durable as above.
  virtual WriteResult write_part(const std::vector<Stretch>& stretches, std::stop_token stop) = 0;
  WriteResult write(const std::vector<Stretch>& stretches, const std::stop_token& stop) {
    start(stretches, stop);
    return finish(stop);
  }
  // Rolls back what is open.
  virtual void abandon() = 0;

  // Records that were passed over and are durable as dead letters, since the last call.
  virtual std::map<TableName, std::uint64_t> take_dead_letters() { return {}; }

  // Those of our claims that still hold, as they are stored.
  virtual std::vector<PartitionClaim> claims() = 0;
  // Of every partition of the pipeline, whoever has it.
  virtual std::map<PartitionName, PartitionPosition> positions() = 0;

  virtual void close() = 0;
};

}  // namespace tailrace
