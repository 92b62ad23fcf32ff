// The rows of a window of whole transactions, table by table, in parts of bounded size.
//
// Shape    begin() says the window; read_part() then answers again and again until it says that the window is done.
//          An update's pair of rows is never split over two parts (R2a). No statement stays open between parts: the
//          next one goes on behind the last row by its full order (start_lsn, command_id, seqval, operation), R1a.
// Errors   As of the connection; data for a value above max_value_bytes; protocol for an operation nobody knows.
// Threads  Belongs to its connection's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/change_batch.h"
#include "sqlserver/ordered_reader.h"
#include "sqlserver/table_cursor.h"
#include "sqlserver/window.h"

namespace tailrace::sqlserver {

class Connection;

class ChangeReader {
 public:
  explicit ChangeReader(Connection& connection) : connection_(connection) {}

  // `earlier`: transactions from before the window, of tables that come in; for events alone.
  void begin(std::vector<TableWindow> tables, const Lsn& upper, std::vector<MappedTransaction> mapped,
             std::vector<MappedTransaction> earlier = {});
  // Adds rows to `out` until it holds part_bytes(); true once the window is done.
  [[nodiscard]] bool read_part(ChangeBatch& out);

  // Rows read per table of the window, to be held against what was counted.
  std::vector<std::uint64_t> rows_read() const;
  const std::vector<TableWindow>& tables() const { return tables_; }
  const Lsn& upper() const { return upper_; }
  const std::vector<MappedTransaction>& mapped() const { return mapped_; }

 private:
  Connection& connection_;
  std::vector<TableWindow> tables_;
  std::vector<MappedTransaction> mapped_;
  std::vector<MappedTransaction> earlier_;
  Lsn upper_;
  std::vector<TableCursor> cursors_;  // One for each table.
  std::size_t at_ = 0;                // The table being read.
  std::optional<OrderedReader> ordered_;
};

}  // namespace tailrace::sqlserver
