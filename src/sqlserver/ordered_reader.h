// The changes of all tables of a window in the order in which they happened.
//
// Shape    A merge of the tables' own orders by (commit LSN, seqval); of equal ones the table that comes first. Each table is read
//          ahead by its share of a part's bytes. A window that is small enough is given away as it was read, with its order
//          beside it; of a larger one rows are copied into parts.
// Threads  Belongs to its connection's thread.
// Source   Debezium 3.6, SqlServerStreamingChangeEventSource.executeIteration: the order of its events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/change_batch.h"
#include "sqlserver/table_cursor.h"
#include "sqlserver/window.h"

namespace tailrace::sqlserver {

class OrderedReader {
 public:
  // Borrows all of them; `earlier` are transactions of before the window.
  OrderedReader(std::vector<TableCursor>& cursors, const std::vector<MappedTransaction>& earlier,
                const std::vector<MappedTransaction>& mapped, std::size_t part_bytes);

  // Adds rows to `out` until it holds a part's bytes; true once the window is done.
  [[nodiscard]] bool read_part(ChangeBatch& out);

 private:
  struct Lane {
    Lane(TableCursor& from, std::size_t ahead) : cursor(&from), bytes(ahead), rows(from.table().schema) {}

    TableCursor* cursor;
    std::size_t bytes;  // So far it is read ahead.
    RowBatch rows;
    std::size_t next = 0;                     // The row that comes next.
    bool done = false;                        // Nothing is behind `rows`.
    std::optional<std::uint32_t> batch = {};  // Its number in the part.
  };
  // The row that comes next of a lane.
  struct Head {
    Lsn lsn;
    Lsn seqval;
    std::size_t lane = 0;
    auto operator<=>(const Head&) const = default;
  };

  bool fill(Lane& lane);
  void push(std::size_t lane);
  Head pop();
  void give_all(ChangeBatch& out);
  std::uint32_t batch_of(Lane& lane, ChangeBatch& out);
  std::size_t copy_row(Lane& lane, ChangeBatch& out);
  void add_time(ChangeBatch& out, const Lsn& lsn);

  const std::vector<MappedTransaction>& earlier_;
  const std::vector<MappedTransaction>& mapped_;
  std::size_t part_bytes_;
  std::vector<Lane> lanes_;
  std::vector<Head> heads_;  // A heap, the least on top.
  bool begun_ = false;
};

}  // namespace tailrace::sqlserver
