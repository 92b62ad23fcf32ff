// Rows of a result by blocks: bound buffers for everything of known width, single reads for the long values.
//
// Shape    Columns of known width come first, long ones (the max types) last. With a long column a block is one row.
// Errors   A value that does not fit its buffer is an error, whether or not the driver says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sqlserver/odbc.h"

namespace tailrace::sqlserver {

// How a column is asked for, so that no driver alters it.
enum class FetchForm : std::uint8_t {
  integer,      // 8 bytes, signed
  float32,      // 4 bytes
  float64,      // 8 bytes
  digits,       // decimal text
  timestamp,    // SQL_TIMESTAMP_STRUCT, 16 bytes
  time,         // SQL_SS_TIME2_STRUCT, 12 bytes
  offset_time,  // SQL_SS_TIMESTAMPOFFSET_STRUCT, 20 bytes
  bytes,        // as the server sent them; text as UTF-16LE
  long_value,   // the same, of any length
};

struct FetchColumn {
  FetchForm form = FetchForm::integer;
  std::size_t width = 8;  // Of the buffer, bytes; not used by long_value.
};

class RowFetcher {
 public:
  // Borrows `statement`, which has run and must outlive this.
  RowFetcher(OdbcStatement& statement, std::vector<FetchColumn> columns);

  // The next row; false at the end.
  bool next();

  bool is_null(std::size_t column) const { return bound_[column].lengths[row_] < 0; }
  std::span<const std::byte> value(std::size_t column) const {
    const Bound& bound = bound_[column];
    return {bound.buffer.data() + row_ * columns_[column].width,
            static_cast<std::size_t>(bound.lengths[row_])};
  }
  const FetchColumn& column(std::size_t index) const { return columns_[index]; }
  OdbcStatement& statement() { return statement_; }

 private:
  struct Bound {
    std::vector<std::byte> buffer;
    std::vector<std::int64_t> lengths;
  };
  void bind(std::size_t column);
  void check_row();

  OdbcStatement& statement_;
  std::vector<FetchColumn> columns_;
  std::vector<Bound> bound_;
  std::size_t block_rows_ = 1;
  std::uint64_t fetched_ = 0;  // Rows in the block; written by the driver.
  std::size_t row_ = 0;
  bool at_end_ = false;
};

}  // namespace tailrace::sqlserver
