// What a source hands to a sink: row batches, and at a commit point's end a position.
//
// Shape    Row batches of one table keep the source's order; across tables the order means nothing (a commit point is
//          applied as one transaction), unless `order` says it. A commit point larger than the memory budget comes as several change batches
//          of which only the last has an `end`. Positions lie between whole source transactions (R1b).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/lsn.h"
#include "model/notice.h"
#include "model/row_batch.h"

namespace tailrace {

// Everything up to and including this commit LSN. A resume is exclusive on it.
struct Position {
  Lsn lsn;
  // The mapping row that proves the source's identity at a later start (R4c): the source's own text, opaque to sinks.
  std::string evidence;
  // Commit time of the newest transaction at or before `lsn`: 100 ns since 0001-01-01 in UTC; 0: not known.
  std::int64_t commit_time_utc = 0;
};

// A row of a change batch: the number of its row batch, and its own in there.
struct RowPlace {
  std::uint32_t table = 0;
  std::uint32_t row = 0;
  bool operator==(const RowPlace&) const = default;
};

// When a source transaction began and was committed: 100 ns since 0001-01-01, the source's local time; 0: not known.
struct TransactionTimes {
  Lsn lsn;
  std::int64_t began = 0;
  std::int64_t committed = 0;
};

// A table's changes behind the end come from another capture instance than those before it (E51).
struct InstanceSwitch {
  TableName table;
  CaptureInstance instance;
  // Of a source that was asked for events, which goes over exactly at the instance's start: what the table's `low` is from here on. It
  // may lie behind the end, where no transaction is in between.
  std::optional<Lsn> low = {};
};

struct ChangeBatch {
  std::vector<RowBatch> tables;
  // Of a source that was asked for events (a setting of it): all rows in the order in which they happened, over all tables, but
  // not the before images, each of which stands in front of its update. Empty else.
  std::vector<RowPlace> order;
  // Of the transactions in `order`, in the order of their LSNs.
  std::vector<TransactionTimes> times;
  std::int32_t utc_offset_minutes = 0;  // Of the source's clock when they were read.
  std::optional<Position> end;
  std::uint64_t transactions = 0;    // Source transactions that end in this batch.
  std::vector<TableName> caught_up;  // Tables whose high mark lies at or before `end`; only with an end.
  // Tables that come in with this commit point (R12). They stand in its first batch, before any of their rows: the sink
  // lets them into the stream at its end.
  std::vector<SchemaPtr> joining;
  std::vector<TableName> left;  // Tables that leave the stream with this end; only with an end (R12).
  std::vector<InstanceSwitch> switched;  // Durable with the end; only with an end.
  // One of these brings other columns: behind this end nothing comes, and the source has to be opened again.
  bool ends_stream = false;
  bool run_mark_reached = false;    // The mark of `run --until-caught-up` lies at or before `end`.
  std::uint64_t watch_reached = 0;  // The number of the watched mark that lies at or before `end`; 0: none.
  // What the pipeline adds to an end, for sinks that know of signals (pipeline/signals.h). Rows of an incremental snapshot lie behind
  // every other row of the batch; memos and notices become durable with the end.
  std::vector<RowBatch> reads;
  std::vector<Memo> memos;
  std::vector<Notice> notices;

  // Nothing to apply and nothing to say: the source is idle.
  bool empty() const { return tables.empty() && !end && joining.empty(); }

  std::size_t bytes() const {
    std::size_t sum =
        sizeof(ChangeBatch) + order.size() * sizeof(RowPlace) + times.size() * sizeof(TransactionTimes);
    for (const RowBatch& batch : tables)
      sum += batch.bytes();
    return sum;
  }
  std::size_t rows() const {
    std::size_t sum = 0;
    for (const RowBatch& batch : tables)
      sum += batch.rows();
    return sum;
  }
};

}  // namespace tailrace
