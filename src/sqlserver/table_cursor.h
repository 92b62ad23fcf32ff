// One table's changes in a window, page after page, each behind the row before it.
//
// Shape    Whole pages of about so many bytes; the row before an update is never parted from it.
// Errors   data: a value above max_value_bytes; protocol for an operation nobody knows.
// Threads  Belongs to its connection's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/row_batch.h"
#include "sqlserver/selection.h"
#include "sqlserver/statements.h"
#include "sqlserver/window.h"

namespace tailrace::sqlserver {

class Connection;

struct TableWindow {
  const CapturedTable* table = nullptr;
  Lsn lower;               // Exclusive.
  std::uint64_t rows = 0;  // As counted before.
};

ChangeColumns change_columns_of(const CapturedTable& table);

class TableCursor {
 public:
  // `mapped` outlives it.
  TableCursor(Connection& connection, const TableWindow& window, const Lsn& upper,
              const std::vector<MappedTransaction>& mapped)
      : connection_(&connection), window_(window), upper_(upper), mapped_(&mapped) {}

  // Adds rows to `batch` until it holds `limit` bytes; true once the table is done.
  [[nodiscard]] bool read(RowBatch& batch, std::size_t limit);

  const CapturedTable& table() const { return *window_.table; }
  std::uint64_t rows_counted() const { return window_.rows; }
  std::uint64_t rows_read() const { return rows_read_; }

 private:
  // The order of the last row that was given away.
  struct RowOrder {
    Lsn lsn;
    std::optional<std::int32_t> command;
    Lsn seqval;
    std::int64_t operation = 0;
  };

  bool read_page(PageForm form, RowBatch& batch, std::size_t limit);
  std::vector<Parameter> page_parameters(PageForm form) const;
  std::int64_t commit_time(const Lsn& lsn);

  Connection* connection_;
  TableWindow window_;
  Lsn upper_;
  const std::vector<MappedTransaction>* mapped_;
  std::optional<RowOrder> last_;
  std::uint64_t rows_read_ = 0;
  std::size_t time_hint_ = 0;
};

}  // namespace tailrace::sqlserver
