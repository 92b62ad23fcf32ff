// Cells as an engine hands them to the encoder.
#pragma once

#include <string_view>

#include "sim/storage/value.h"

namespace tailrace::sim::tds::testing {

// Borrows `text`.
inline Cell text_cell(std::string_view text) {
  Cell cell;
  cell.null = false;
  cell.text = text;
  return cell;
}

}  // namespace tailrace::sim::tds::testing
