// Connect's values into cells: one function per pair of meaning and cell kind, chosen once per column.
//
// Shape    A value that the column's type does not hold is a fault of its row, never another value: digits of a second that the type
//          does not have, a decimal that is too long, text that is no UTF-8.
// Units    Cells by CellKind, table_schema.h.
// Errors   config: values of that meaning cannot be of the type. data: a value that is not of its schema.
// Threads  A writer is immutable.
// Source   docs/types.md.
#pragma once

#include <optional>
#include <string_view>

#include "intake/column.h"
#include "model/row_batch.h"
#include "record/value.h"

namespace tailrace::intake {

bool can_write(const FieldMeaning& field, const ColumnType& type);

class CellWriter {
 public:
  CellWriter(const FieldMeaning& field, const Column& column);

  // A NULL is none of its business. Nothing: done; else why the value is not one of the type, and the cell is NULL.
  std::optional<RowFaultCode> put(RowBatch& batch, std::size_t row, std::size_t column,
                                  const record::Value& value) const {
    return function_(*this, {batch, row, column}, value);
  }
  const FieldMeaning& field() const { return field_; }
  const ColumnType& type() const { return type_; }

  struct Place {
    RowBatch& batch;
    std::size_t row;
    std::size_t column;
  };
  using Function = std::optional<RowFaultCode> (*)(const CellWriter&, Place, const record::Value&);

 private:
  FieldMeaning field_;
  ColumnType type_;
  Function function_ = nullptr;
};

}  // namespace tailrace::intake
