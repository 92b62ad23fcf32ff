// How far the next commit point reaches: whole transactions, by count first and then by rows (R1b, R2a).
//
// Shape   Pure: what the server answered goes in, an LSN comes out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/lsn.h"

namespace tailrace::sqlserver {

// A row of cdc.lsn_time_mapping.
struct MappedTransaction {
  Lsn lsn;
  std::string tran_id;
  std::int64_t begin_time = 0;  // 100 ns since 0001-01-01, the server's local time.
  std::int64_t end_time = 0;

  // A marker shows that the capture job lives; it is no transaction.
  bool is_marker() const { return tran_id.find_first_not_of('\0') == std::string::npos; }
};

struct Window {
  Lsn upper;  // Inclusive.
  std::uint64_t transactions = 0;
};

// `mapped` are the first mapping rows behind the position in order of LSN, `whole` whether they are all up to `max`.
// At most `limit` transactions; markers behind the last of them come along.
Window window_by_transactions(std::span<const MappedTransaction> mapped, bool whole, const Lsn& max,
                              std::uint64_t limit);

// How many transactions the next window is chosen from. What is looked at is counted, so looking far beyond what a commit
// takes would count the same rows again for each commit of a long backlog.
class LookAhead {
 public:
  explicit LookAhead(std::uint64_t most) : most_(std::max<std::uint64_t>(1, most)) {}

  std::uint64_t transactions() const { return std::min(now_, most_); }
  // They held more rows than a commit aims at: so many of them were taken.
  void lowered_to(std::uint64_t taken) { now_ = taken + taken / 4 + 1; }
  // All of them were taken, and more were waiting.
  void too_short() { now_ = std::min(2 * now_, most_); }

 private:
  std::uint64_t most_;
  std::uint64_t now_ = 1'000;
};

// Rows that a commit point aims at where `tables` of them have some. Each table with rows costs a commit its statements,
// however few rows they carry: over many tables a commit takes more rows, so that each has some hundreds.
std::uint64_t row_budget(std::uint64_t commit_rows, std::uint64_t tables);

struct LsnRows {
  Lsn lsn;
  std::uint64_t rows = 0;
};

// The last LSN up to which all rows fit into `budget`; the first one where it alone is larger. `counts` are ordered
// and not empty.
Lsn lower_to_budget(std::span<const LsnRows> counts, const Lsn& upper, std::uint64_t budget);

std::uint64_t transactions_up_to(std::span<const MappedTransaction> mapped, const Lsn& upper);

}  // namespace tailrace::sqlserver
