// Windows end between whole transactions, whatever the budgets.
#include "sqlserver/window.h"
#include "sqlserver/testing/lsn.h"

#include <gtest/gtest.h>

#include <random>

namespace tailrace::sqlserver {
namespace {

MappedTransaction transaction(std::uint32_t number) {
  return {lsn(number), std::string("\1\2", 2), 0, 0};
}
MappedTransaction marker(std::uint32_t number) {
  return {lsn(number), std::string(1, '\0'), 0, 0};
}

TEST(R02_Window, TakesEverythingWhenItIsLittle) {
  const std::vector<MappedTransaction> mapped{transaction(5), marker(6), transaction(7), marker(9)};
  const Window window = window_by_transactions(mapped, true, lsn(9), 10);
  EXPECT_EQ(window.upper, lsn(9));
  EXPECT_EQ(window.transactions, 2u);
}

TEST(R02_Window, CountsNoMarkers) {
  const std::vector<MappedTransaction> mapped{marker(1), transaction(2), marker(3), transaction(4),
                                              transaction(5)};
  const Window window = window_by_transactions(mapped, true, lsn(5), 2);
  EXPECT_EQ(window.upper, lsn(4));
  EXPECT_EQ(window.transactions, 2u);
}

// The rows were cut by TOP: behind the last of them nothing is known.
TEST(R02_Window, EndsWithWhatIsKnown) {
  const std::vector<MappedTransaction> mapped{marker(1), marker(2), marker(3)};
  EXPECT_EQ(window_by_transactions(mapped, false, lsn(100), 2).upper, lsn(3));
}

TEST(R02_Window, LowersToTheLastTransactionThatFits) {
  const std::vector<LsnRows> counts{{lsn(1), 10}, {lsn(3), 10}, {lsn(7), 10}};
  EXPECT_EQ(lower_to_budget(counts, lsn(9), 30), lsn(9));
  EXPECT_EQ(lower_to_budget(counts, lsn(9), 29), lsn(3));
  EXPECT_EQ(lower_to_budget(counts, lsn(9), 10), lsn(1));
  EXPECT_EQ(lower_to_budget(counts, lsn(9), 3), lsn(1)) << "one larger transaction comes alone";
}

TEST(R02_Window, TakesMoreRowsWhereTheyAreOfManyTables) {
  EXPECT_EQ(row_budget(1'000'000, 0), 1'000'000u);
  EXPECT_EQ(row_budget(1'000'000, 1'000), 1'000'000u);
  EXPECT_EQ(row_budget(1'000'000, 1'001), 1'001'000u);
  EXPECT_EQ(row_budget(1'000'000, 10'000), 10'000'000u);
  EXPECT_EQ(row_budget(1, 1'500), 1u);
  EXPECT_EQ(row_budget(100'000'000, 100'000), 10'000'000'000u);
}

// If a window ended anywhere else, the rest of a transaction would be skipped at the next start (R1b).
TEST(R01_Position, LiesBetweenTransactionsForAllBudgets) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 2000; ++round) {
    std::vector<MappedTransaction> mapped;
    std::vector<LsnRows> counts;
    std::uint32_t at = 0;
    const std::size_t length = 1 + random() % 20;
    for (std::size_t i = 0; i < length; ++i) {
      at += static_cast<std::uint32_t>(1 + random() % 3);
      if (random() % 4 == 0) {
        mapped.push_back(marker(at));
      } else {
        mapped.push_back(transaction(at));
        if (random() % 5 != 0) counts.push_back({lsn(at), 1 + random() % 30});
      }
    }
    const std::uint64_t limit = 1 + random() % 8;
    const Lsn upper = window_by_transactions(mapped, true, lsn(at), limit).upper;
    std::uint64_t transactions = 0;
    bool is_mapped = false;
    for (const MappedTransaction& row : mapped) {
      if (row.lsn <= upper && !row.is_marker()) ++transactions;
      is_mapped = is_mapped || row.lsn == upper;
    }
    EXPECT_TRUE(is_mapped);
    EXPECT_LE(transactions, limit);
    std::vector<LsnRows> inside;
    for (const LsnRows& count : counts) {
      if (count.lsn <= upper) inside.push_back(count);
    }
    if (inside.empty()) continue;
    const std::uint64_t budget = 1 + random() % 60;
    const Lsn lowered = lower_to_budget(inside, upper, budget);
    EXPECT_GE(lowered, inside.front().lsn) << "no progress";
    std::uint64_t rows = 0;
    std::size_t whole = 0;
    for (const LsnRows& count : inside) {
      if (count.lsn > lowered) continue;
      rows += count.rows;
      ++whole;
    }
    EXPECT_TRUE(rows <= budget || whole == 1);
  }
}

// A backlog is counted about as often as it is read, however little a commit takes of it.
TEST(LookAhead, FollowsWhatACommitTakes) {
  LookAhead look(10'000);
  EXPECT_EQ(look.transactions(), 1'000u);
  look.lowered_to(400);
  EXPECT_EQ(look.transactions(), 501u);
  look.lowered_to(1);
  EXPECT_EQ(look.transactions(), 2u);
  for (int doublings = 0; doublings < 20; ++doublings)
    look.too_short();
  EXPECT_EQ(look.transactions(), 10'000u);
  EXPECT_EQ(LookAhead(3).transactions(), 3u);
  EXPECT_EQ(LookAhead(0).transactions(), 1u);
}

}  // namespace
}  // namespace tailrace::sqlserver
