// Text and bytes as SQL Server sends them, into the cells of a batch; the same for every driver.
//
// Errors   Text that PostgreSQL cannot hold is a RowFault of its row, or is mended as its column says.
#pragma once

#include <cstddef>
#include <span>

#include "model/row_batch.h"

namespace tailrace::sqlserver {

// Into a text cell.
void put_text(std::span<const std::byte> utf16, const Column& column, RowBatch& batch, std::size_t row,
              std::size_t at);

// The same for bytes of code page 1252.
void put_western_text(std::span<const std::byte> bytes, const Column& column, RowBatch& batch,
                      std::size_t row, std::size_t at);

// Into any cell of the arena: UTF-16LE for text, the server's own form for spatial values.
void put_bytes(std::span<const std::byte> bytes, const Column& column, RowBatch& batch, std::size_t row,
               std::size_t at);

struct ValueLimit {
  std::size_t bytes = 0;
  bool is_fault = false;  // A longer value is a fault of its row, else the error `data`.
};

// For a value that is longer: throws data and names table, column and key (R5), or makes a fault of it (R11).
void put_too_long(const ValueLimit& limit, RowBatch& batch, std::size_t row, std::size_t column);

}  // namespace tailrace::sqlserver
