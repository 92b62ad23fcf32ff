// Orders of changes that tests ask for: two transactions interleaved, inserts of a deferred update before its deletes.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/cdc/capture_internal.h"

namespace tailrace::sim {

void LogScanner::interleave_next_two() {
  interleave_after_ = work_.connection().single_number("SELECT next_position FROM log_state");
}

void LogScanner::insert_first_next() {
  insert_first_after_ = work_.connection().single_number("SELECT next_position FROM log_state");
}

// The delete and the insert of each row of a deferred update exchange their positions. False: there is none.
bool LogScanner::put_inserts_first(const LoggedTransaction& transaction) {
  Connection& connection = work_.connection();
  std::vector<std::string> logs;
  Statement sources = connection.prepare("SELECT DISTINCT c3 FROM t1001");
  while (sources.next())
    logs.push_back(log_table(static_cast<std::int32_t>(sources.number(0))));
  bool found = false;
  for (const std::string& log : logs) {
    // A deferred update deletes in one command and inserts in the next.
    const std::string side = fmt::format(
        "(SELECT n, k, row_number() OVER (PARTITION BY k ORDER BY n) AS nth FROM {} WHERE t = ?1 AND o = ",
        log);
    Statement pairs = connection.prepare(
        fmt::format("SELECT d.n, i.n FROM {0}1) d JOIN {0}2) i ON i.k = d.k + 1 AND i.nth = d.nth", side));
    pairs.bind(1, transaction.transaction);
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;
    while (pairs.next())
      rows.emplace_back(pairs.number(0), pairs.number(1));
    Statement move = connection.prepare(fmt::format("UPDATE {} SET s = ? WHERE n = ?", log));
    for (const auto& [deleted, inserted] : rows) {
      move.bind(1, inserted).bind(2, deleted).run();
      move.bind(1, deleted).bind(2, inserted).run();
    }
    found = found || !rows.empty();
  }
  return found;
}

void LogScanner::interleave(LoggedTransaction& first, const LoggedTransaction& second) {
  // The positions of both, and that of the first commit, are dealt out anew: rows by turns, then the first commit.
  // The second commit stays where it is, behind all.
  Connection& connection = work_.connection();
  std::string rows;
  Statement logs = connection.prepare(
      "SELECT DISTINCT 'l' || c3 FROM t1001 WHERE EXISTS(SELECT 1 FROM sqlite_schema WHERE name = 'l' || "
      "c3)");
  while (logs.next()) {
    if (!rows.empty()) rows += " UNION ALL ";
    rows +=
        fmt::format("SELECT '{0}' AS log, n, t, ifnull(s, n) AS seqval FROM {0} WHERE n BETWEEN {1} AND {2}",
                    logs.text(0), first.transaction, second.commit_position);
  }
  struct Row {
    std::string log;
    std::int64_t n;
    std::int64_t seqval;
  };
  std::vector<Row> sides[2];
  std::vector<std::int64_t> positions{first.commit_position};
  Statement read = connection.prepare(rows + " ORDER BY 2");
  while (read.next()) {
    const std::size_t side = read.number(2) == first.transaction ? 0 : 1;
    sides[side].push_back({std::string(read.text(0)), read.number(1), read.number(3)});
    if (read.number(1) == read.number(3)) positions.push_back(read.number(1));  // Others share a seqval.
  }
  std::sort(positions.begin(), positions.end());
  std::size_t taken[2] = {0, 0};
  std::size_t next = 0;
  const auto deal = [&](std::size_t side) {
    std::int64_t position = 0;
    while (taken[side] < sides[side].size()) {
      const Row& row = sides[side][taken[side]];
      const bool own = row.n == row.seqval;
      if (own && position != 0) return;
      if (own) position = positions[next++];
      ++taken[side];
      connection.prepare(fmt::format("UPDATE {} SET s = ? WHERE n = ?", row.log))
          .bind(1, position)
          .bind(2, row.n)
          .run();
    }
  };
  while (taken[0] < sides[0].size() || taken[1] < sides[1].size()) {
    deal(0);
    deal(1);
  }
  first.commit_position = positions.back();
  first.commit_lsn = lsn_of_position(first.commit_position);
}

}  // namespace tailrace::sim
