// Change batches of an ordered source as records, in Debezium's order over all tables: serial numbers, transaction blocks, and
// the transaction topic's BEGIN and END.
//
// Shape    For each batch of the source one call of send(). Events of a commit are numbered from 1, in each table by themselves, so that
//          somebody who has sent a part of a commit goes on behind it: skip(table, commit, events) before the batches of that commit
//          come again, whichever of its tables come with them then.
// Errors   As event_encoder.h; what was before the row has been given away then.
// Threads  One thread.
// Source   Debezium 3.6: SqlServerOffsetContext, TransactionMonitor, TransactionContext.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "debezium/event.h"
#include "debezium/event_encoder.h"
#include "debezium/schema_change.h"
#include "debezium/settings.h"
#include "debezium/unfit_rows.h"
#include "model/change_batch.h"

namespace tailrace::debezium {

// Where the events sent so far end, for the stored position (Debezium's offset and K2's tailrace_events).
struct EventPlace {
  Lsn commit_lsn = {};
  Lsn change_lsn = {};
  std::int64_t event_serial_no = 0;
  std::uint64_t events = 0;  // Of this commit: rows of the change tables, an update's two as one.
  bool operator==(const EventPlace&) const = default;
};

class EventStream {
 public:
  using Clock = std::function<std::int64_t()>;  // Now, in nanoseconds since 1970 UTC.

  // `ids` may be nullptr with JSON.
  EventStream(EventSettings settings, SchemaIds* ids, Clock clock);
  ~EventStream();

  // Without it a row that cannot become events is an error. An event of such a row counts in place(), and not in its transaction.
  void pass_over_unfit(UnfitRows& unfit);

  // So many events of this table in this commit were sent before and are passed over when they come.
  void skip(const TableName& table, const Lsn& commit_lsn, std::uint64_t events);
  // The same of somebody who does not count them: up to this row of the commit, its serial number with it.
  void skip(const Lsn& commit_lsn, const Lsn& change_lsn, std::int64_t event_serial_no);
  // Those commits are through.
  void skip_nothing();

  // Everything of the batch, as its `order` says. place() moves behind an event once all of its records are given away. False if
  // the taker answered false; the stream is of no more use then.
  [[nodiscard]] bool send(const ChangeBatch& batch, RecordTaker& taker);
  const EventPlace& place() const;
  // Of the commit of place(): its events, table by table.
  std::vector<std::pair<TableName, std::uint64_t>> sent_of_tables() const;

  // One row of a snapshot.
  [[nodiscard]] bool send_read(const RowBatch& batch, std::size_t row, const EventContext& context,
                               RecordTaker& taker);

  [[nodiscard]] bool send_heartbeat(RecordTaker& taker);
  // What a table looks like from here on.
  [[nodiscard]] bool send_schema_change(const SchemaChange& change, RecordTaker& taker);
  [[nodiscard]] bool send_notice(const Notice& notice, const std::string& topic, RecordTaker& taker);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tailrace::debezium
