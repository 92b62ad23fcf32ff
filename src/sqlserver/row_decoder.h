// Rows of a table from a result into a RowBatch: one plan per table, each column's way resolved once.
//
// Errors   Text that PostgreSQL cannot hold is a RowFault of its row. A value above `max_value_bytes` throws data
//          and names table, column and key (R5), or is a fault as well (`long_value_is_fault`, R11).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "model/row_batch.h"
#include "sqlserver/row_fetcher.h"

namespace tailrace::sqlserver {

// How a type is asked for.
FetchColumn fetch_column_of(const ColumnType& type);

class RowDecoder {
 public:
  // All columns of the schema, those of known width first.
  explicit RowDecoder(const TableSchema& schema, std::size_t max_value_bytes,
                      bool long_value_is_fault = false);

  // Schema columns in the order in which the select list names them.
  const std::vector<std::size_t>& select_order() const { return order_; }
  // Behind `leading`, the columns that the caller reads itself.
  std::vector<FetchColumn> fetch_columns(std::vector<FetchColumn> leading) const;

  // Fills row `row` of `batch` from the fetcher's row; its columns begin at `first`.
  void decode(RowFetcher& fetcher, std::size_t first, RowBatch& batch, std::size_t row);
  // The key's columns alone; the others stay NULL.
  void decode_key(RowFetcher& fetcher, std::size_t first, RowBatch& batch, std::size_t row);

  // One value that is bound, as the schema's column says.
  static void decode_value(RowFetcher& fetcher, std::size_t at, const TableSchema& schema, RowBatch& batch,
                           std::size_t row, std::size_t column);

 private:
  void decode_long(RowFetcher& fetcher, std::size_t at, RowBatch& batch, std::size_t row, std::size_t column);

  const TableSchema& schema_;
  std::size_t max_value_bytes_;
  bool long_value_is_fault_;
  std::vector<std::size_t> order_;
  std::vector<FetchColumn> columns_;  // In select order.
  std::string scratch_;
};

}  // namespace tailrace::sqlserver
