// Rows of one table in one schema version, row-major, memory owned by the batch.
//
// Shape    One header a row, then one 16-byte cell and one state per column. Text and bytes lie in the batch's arena.
//          The before image of an update, where it is read at all, is the row before it (operation update_before).
// Units    Cells by CellKind, table_schema.h. Absent (unchanged LOB), NULL and empty are three different things.
// Errors   A value that does not fit is a RowFault of its row, not an exception: its cell is NULL and must not be
//          used.
// Threads  A value; moved between stages. Views into the arena die with the batch, and with the next text that is
//          put.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/int128.h"
#include "model/lsn.h"
#include "model/table_schema.h"

namespace tailrace {

enum class Operation : std::uint8_t { read, insert, update_before, update, delete_ };

// Absent: the source did not say (an unchanged LOB); the target keeps what it has.
enum class CellState : std::uint8_t { null, value, absent };

struct RowHeader {
  Operation operation = Operation::read;
  std::int32_t command_id = 0;
  Lsn commit_lsn = {};
  Lsn seqval = {};
  std::int64_t commit_time = 0;  // 100 ns since 0001-01-01, the source's local time; 0: not known.
  std::int64_t record = -1;      // From Kafka: the offset of its record.
};

struct Span32 {
  std::uint64_t offset;
  std::uint32_t length;
};

union Cell {
  std::int64_t integer;  // boolean, integer, date, time, timestamp
  float float32;
  double float64;
  int128 decimal;
  struct {
    std::int64_t ticks;
    std::int16_t minutes;
  } offset_time;
  Span32 span;  // text, bytes, spatial
  std::uint8_t uuid[16];
};
static_assert(sizeof(Cell) == 16);

enum class RowFaultCode : std::uint8_t {
  zero_in_text,
  lone_surrogate,
  invalid_text,
  too_large,
  truncated,
  invalid_spatial,
  unfit_spatial,  // Found by the sink: the cell has its value, and the target's type does not take it.
  unfit_value,    // The column's type does not hold it without loss.
  unreadable,  // Of a key column that is sound: the record's value could not be read, nothing else is known of the row.
};

struct RowFault {
  std::size_t row = 0;
  std::size_t column = 0;
  RowFaultCode code = RowFaultCode::invalid_text;
  std::string text;
};

class RowBatch {
 public:
  explicit RowBatch(SchemaPtr schema) : schema_(std::move(schema)), columns_(schema_->columns.size()) {}

  const TableSchema& schema() const { return *schema_; }
  const SchemaPtr& schema_ptr() const { return schema_; }
  std::size_t rows() const { return headers_.size(); }
  std::size_t columns() const { return columns_; }
  bool empty() const { return headers_.empty(); }
  // What the batch holds, for queues and budgets.
  std::size_t bytes() const {
    return headers_.size() * (sizeof(RowHeader) + columns_ * (sizeof(Cell) + sizeof(CellState))) +
           arena_.size();
  }

  // A new row with every cell NULL; answers its index.
  std::size_t add_row(const RowHeader& header) {
    headers_.push_back(header);
    cells_.resize(cells_.size() + columns_);
    states_.resize(states_.size() + columns_, CellState::null);
    return headers_.size() - 1;
  }
  // Copies a row of a batch of the same schema, with its text.
  std::size_t add_copy(const RowBatch& other, std::size_t row);
  // Takes the rows from there on out of this batch, faults with them; answers them as a batch of their own.
  RowBatch split(std::size_t row);
  void clear() {
    headers_.clear();
    cells_.clear();
    states_.clear();
    arena_.clear();
    faults_.clear();
  }

  RowHeader& header(std::size_t row) { return headers_[row]; }
  const RowHeader& header(std::size_t row) const { return headers_[row]; }
  CellState state(std::size_t row, std::size_t column) const { return states_[row * columns_ + column]; }
  const Cell& cell(std::size_t row, std::size_t column) const { return cells_[row * columns_ + column]; }

  void set_null(std::size_t row, std::size_t column) { states_[row * columns_ + column] = CellState::null; }
  void set_absent(std::size_t row, std::size_t column) {
    states_[row * columns_ + column] = CellState::absent;
  }
  // For every kind that lies in the cell itself: marks the cell as a value and gives it to be filled.
  Cell& put(std::size_t row, std::size_t column) {
    states_[row * columns_ + column] = CellState::value;
    return cells_[row * columns_ + column];
  }
  // A row's cells and states, for decoders; good until the next row is added.
  Cell* cells(std::size_t row) { return cells_.data() + row * columns_; }
  CellState* states(std::size_t row) { return states_.data() + row * columns_; }
  // Text or bytes, copied into the arena.
  void put_text(std::size_t row, std::size_t column, std::string_view text) {
    put(row, column).span = {arena_.size(), static_cast<std::uint32_t>(text.size())};
    arena_.append(text);
  }
  // Appends to the arena by hand (decoders): write into arena(), then say where the value began.
  std::string& arena() { return arena_; }
  void put_arena_tail(std::size_t row, std::size_t column, std::size_t begin) {
    put(row, column).span = {begin, static_cast<std::uint32_t>(arena_.size() - begin)};
  }
  std::string_view text(std::size_t row, std::size_t column) const {
    const Span32& span = cell(row, column).span;
    return std::string_view(arena_).substr(span.offset, span.length);
  }

  void add_fault(RowFault fault) { faults_.push_back(std::move(fault)); }
  const std::vector<RowFault>& faults() const { return faults_; }

 private:
  SchemaPtr schema_;
  std::size_t columns_;
  std::vector<RowHeader> headers_;
  std::vector<Cell> cells_;
  std::vector<CellState> states_;
  std::string arena_;
  std::vector<RowFault> faults_;
};

}  // namespace tailrace
