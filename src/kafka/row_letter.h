// A row that cannot become an event, as a record of the dead-letter topic: JSON, with what is wrong with it.
//
// Shape    Values are text in the source's form, as tailrace.dead_letter has them; the one that is wrong is left out.
// Threads  A value.
// Source   docs/operations/dead-letters.md; docs/decisions/018.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/row_batch.h"

namespace tailrace::kafka {

struct RowLetter {
  std::string pipeline = {};
  TableName table = {};
  std::vector<std::optional<std::string>> row_key = {};
  std::string operation = {};
  std::vector<std::pair<std::string, std::optional<std::string>>> values = {};
  std::vector<std::string> omitted = {};  // Columns whose values would be too much for the letter.
  std::string reason = {};                // value, too_large
  std::string column = {};
  std::string error = {};
  std::string lsn = {};          // Empty: a row of a snapshot.
  std::string commit_time = {};  // In the source's local time; empty: not known.

  // The same for every letter of a row: they stay in order.
  std::string key() const;
  std::string value() const;
  // False: there is nothing more to be left out.
  bool omit_longest();
};

RowLetter row_letter(const std::string& pipeline, const RowBatch& rows, std::size_t row, const Error& why);

}  // namespace tailrace::kafka
