// Cells as PostgreSQL's binary values: the same bytes serve COPY fields and array elements.
//
// Shape    A field is a 4-byte length (-1: NULL) and the value in the send format of the *target's* type.
//          Resolved once per column, then run per cell. Absent cells are encoded as NULL: who sends them says
//          otherwise by other means.
// Units    timestamps in microseconds since 2000-01-01, the 7th digit cut, never rounded (R10b).
// Source   PostgreSQL 15: numeric_recv, timestamp_recv, date_recv, time_recv, array_recv, COPY BINARY.
#pragma once

#include <vector>

#include "model/row_batch.h"
#include "postgres/types.h"
#include "postgres/wire_buffer.h"

namespace tailrace::postgres {

class FieldEncoder {
 public:
  // Throws config where the target's type does not take the column's values.
  FieldEncoder(const Column& column, const PgType& target);

  void encode(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column) const {
    if (batch.state(row, column) != CellState::value) {
      out.put<std::int32_t>(-1);
      return;
    }
    function_(out, batch, row, column, format_);
  }
  // The value in a form that is equal where the target's equality says so (-0 and 0): for comparing keys.
  void encode_key(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column) const;

  const PgType& target() const { return target_; }

  struct Format {
    int scale = 0;                       // Digits behind the point of a decimal.
    std::int64_t keep_microseconds = 1;  // A timestamp is cut to a multiple of this.
    ColumnType source;                   // For values that become text.
    bool milliseconds = false;           // datetime: its .333 and .667 are written as .333 and .667, not cut.
  };
  using Function = void (*)(WireBuffer&, const RowBatch&, std::size_t, std::size_t, const Format&);

 private:
  PgType target_;
  CellKind kind_;
  Format format_;
  Function function_ = nullptr;
};

// Binary COPY: what comes first, one row, and what comes last.
void put_copy_header(WireBuffer& out);
void put_copy_row(WireBuffer& out, const std::vector<FieldEncoder>& encoders, const RowBatch& batch,
                  std::size_t row);
void put_copy_trailer(WireBuffer& out);

// The head of a one-dimensional array of `count` elements; its fields follow.
void put_array_header(WireBuffer& out, std::uint32_t element_oid, std::size_t count);

}  // namespace tailrace::postgres
