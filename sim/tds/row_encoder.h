// Rows and single values as bytes of the wire.
//
// Shape    A plan is made once per result; the row path walks it without allocating per cell.
// Errors   A NULL in a NOT NULL column, or a text longer than its type, is a broken invariant of the engine.
// Source   [MS-TDS] 2.2.7.19 (ROW), 2.2.7.14 (NBCROW), 2.2.5.5.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/storage/value.h"
#include "sim/tds/byte_buffer.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

enum class ValueCode : std::uint8_t {
  integer,
  real4,
  real8,
  money4,
  money8,
  decimal,
  date,
  time,
  datetime2,
  datetimeoffset,
  smalldatetime,
  datetime,
  narrow_text,
  wide_text,
  bytes,
  narrow_text_max,
  wide_text_max,
  bytes_max,
  guid,
  old_large,  // text, ntext, image: a text pointer first; how the text goes is in `text_code`
  variant,
};

struct ColumnPlan {
  ValueCode code = ValueCode::integer;
  bool length_prefix = false;  // One byte before the value.
  bool nullable = true;
  std::uint8_t size = 0;  // Bytes of a fixed-size value; of the time of day for the types that have one.
  std::uint8_t null_bytes = 1;  // What a NULL takes in a ROW token.
  std::uint32_t most_bytes = 0;
  ValueCode text_code = ValueCode::bytes;  // Of old_large.
  std::uint16_t code_page = 0;             // Of narrow text; 0: 1252.
  std::int64_t divisor = 1;                // From 100 ns to the units of the wire.
};

ColumnPlan plan_column(const TypeInfo& type, bool nullable);

class RowEncoder {
 public:
  // Rows with many NULLs go out as NBCROW where the client's version knows it (7.3 and later).
  void set_columns(std::span<const ResultColumn> columns, bool allow_null_bitmap);
  std::size_t columns() const { return plan_.size(); }
  void put_row(ByteBuffer& out, std::span<const Cell> cells) const;

 private:
  std::vector<ColumnPlan> plan_;
  bool allow_null_bitmap_ = true;
};

void put_cell(ByteBuffer& out, const ColumnPlan& plan, const Cell& cell);
Cell cell_of(const Value& value);

}  // namespace tailrace::sim::tds
