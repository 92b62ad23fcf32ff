// Rows of a table out of a statement's result, by whatever driver reads it.
//
// Shape    The result's columns: first those that the caller reads itself, then all of the schema's in select_order().
//          next() goes to a row; decode() then fills a row of a batch from it, once or not at all.
// Errors   Text that PostgreSQL cannot hold is a RowFault of its row. A value above `max_value_bytes` throws data and
//          names table, column and key (R5), or is a fault as well (`long_value_is_fault`, R11). schema: the result has
//          other columns than the table. Else those of the statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/row_batch.h"

namespace tailrace::sqlserver {

// A column in front of the schema's.
struct LeadingColumn {
  enum class Form : std::uint8_t { integer, bytes } form = Form::integer;
  std::size_t width = 8;  // Of bytes, at most.
};

struct RowPlan {
  const TableSchema& schema;  // Outlives the reader.
  std::vector<LeadingColumn> leading = {};
  std::size_t max_value_bytes = 0;
  bool long_value_is_fault = false;
};

// The schema's columns in the order in which a select list names them: those of known width, then the long ones, which
// ODBC gives out last.
std::vector<std::size_t> select_order(const TableSchema& schema);

class RowReader {
 public:
  virtual ~RowReader() = default;

  // The next row; false at the end.
  virtual bool next() = 0;

  // Of the leading columns.
  virtual bool is_null(std::size_t leading) const = 0;
  virtual std::span<const std::byte> bytes(std::size_t leading) const = 0;
  virtual std::int64_t integer(std::size_t leading) const = 0;

  // Fills row `row` of `batch`, which is new.
  virtual void decode(RowBatch& batch, std::size_t row) = 0;
  // The key's columns alone; the others stay NULL.
  virtual void decode_key(RowBatch& batch, std::size_t row) = 0;
};

}  // namespace tailrace::sqlserver
