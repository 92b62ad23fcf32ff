// How far an incremental snapshot is: what is kept of it with the position, in the same transaction as the rows that it has sent.
//
// Errors   protocol: a stored text of another form.
// Threads  Values.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "model/table_schema.h"

namespace tailrace {

struct IncrementalTable {
  TableName table = {};
  std::string filter = {};
  std::vector<std::string> after = {};  // The last key of the last chunk; empty: no chunk is sent.
  std::uint32_t chunks = 0;             // That were sent.
  std::uint64_t rows = 0;               // That they had read.
  bool operator==(const IncrementalTable&) const = default;
};

struct IncrementalState {
  std::string id = {};  // Of the signal that has asked for it.
  bool paused = false;
  std::deque<IncrementalTable> tables = {};  // The first is under way.
  bool operator==(const IncrementalState&) const = default;

  bool running() const { return !tables.empty(); }
};

// Empty: nothing is under way.
std::string text_of(const IncrementalState& state);
IncrementalState incremental_state_of(const std::string& text);

}  // namespace tailrace
