// Key values as lossless text: chunk bounds and parked keys are stored as it and come back to the source as it.
//
// Shape    integers and decimals as digits (-1.50); bit 0 or 1; date 2026-11-23; time 13:45:00.1234567; timestamps
//          with T and seven digits; datetimeoffset in local time with +hh:mm; float and real as %.17g and %.9g; uuid
//          as 8-4-4-4-12; bytes as 0x and hex; text as it is.
#pragma once

#include <string>
#include <vector>

#include "model/row_batch.h"

namespace tailrace {

// The value must be present (CellState::value).
std::string key_text(const RowBatch& batch, std::size_t row, std::size_t column);

// The key of a row, in key order.
std::vector<std::string> key_of(const RowBatch& batch, std::size_t row);

// Days since 0001-01-01 as 2026-11-23, and 100 ns ticks since 0001-01-01 as 2026-11-23T13:45:00.1234567.
std::string date_text(std::int64_t days);
std::string timestamp_text(std::int64_t ticks);
// Unscaled digits with the point `scale` places from the right.
std::string decimal_text(int128 unscaled, int scale);

}  // namespace tailrace
