// Choosing windows.
#include "sqlserver/window.h"

#include "base/error.h"

namespace tailrace::sqlserver {

Window window_by_transactions(std::span<const MappedTransaction> mapped, bool whole, const Lsn& max,
                              std::uint64_t limit) {
  Window window{max, 0};
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    if (!mapped[i].is_marker() && window.transactions == limit) {
      TAILRACE_ASSERT(i > 0);
      window.upper = mapped[i - 1].lsn;
      return window;
    }
    if (!mapped[i].is_marker()) ++window.transactions;
  }
  if (!whole && !mapped.empty()) window.upper = mapped.back().lsn;
  return window;
}

std::uint64_t row_budget(std::uint64_t commit_rows, std::uint64_t tables) {
  constexpr std::uint64_t usual_tables = 1'000;
  return tables <= usual_tables ? commit_rows : commit_rows * tables / usual_tables;
}

Lsn lower_to_budget(std::span<const LsnRows> counts, const Lsn& upper, std::uint64_t budget) {
  TAILRACE_ASSERT(!counts.empty());
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    rows += counts[i].rows;
    if (rows > budget) return counts[i == 0 ? 0 : i - 1].lsn;
  }
  return upper;
}

std::uint64_t transactions_up_to(std::span<const MappedTransaction> mapped, const Lsn& upper) {
  std::uint64_t transactions = 0;
  for (const MappedTransaction& row : mapped) {
    if (row.lsn <= upper && !row.is_marker()) ++transactions;
  }
  return transactions;
}

}  // namespace tailrace::sqlserver
