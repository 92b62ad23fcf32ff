// Progress as text: pure functions over samples of the counters.
//
// Units    Rates are per second over the last samples kept (RateWindow::span).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "app/terminal.h"
#include "pipeline/progress.h"

namespace tailrace::app {

struct ProgressSample {
  std::chrono::steady_clock::time_point at;
  std::int64_t now_utc = 0;  // 100 ns since 0001-01-01.
  std::vector<TableCount> tables;
  std::uint64_t transactions = 0;
  std::uint64_t commits = 0;
  std::uint64_t retries = 0;
  std::uint64_t queue_bytes = 0;
  std::int64_t last_commit_time_utc = 0;
  std::int64_t last_durable_at_utc = 0;
  bool streaming = false;
};

ProgressSample sample_of(const Progress& progress);

std::uint64_t changes_of(const TableCount& count);
std::uint64_t dead_letters_of(const std::vector<TableCount>& tables);

struct Rates {
  std::map<TableName, double> snapshot_rows;
  double all_snapshot_rows = 0;
  double all_snapshot_bytes = 0;
  double changes = 0;
  double transactions = 0;
};

class RateWindow {
 public:
  static constexpr std::chrono::seconds span{10};
  // Keeps the sample, and answers the rates since the oldest one kept.
  Rates add(const ProgressSample& sample);

 private:
  std::deque<ProgressSample> samples_;
};

struct SnapshotTotal {
  std::size_t tables = 0;
  std::size_t loaded = 0;
  std::uint64_t rows = 0;
  std::uint64_t estimated_rows = 0;  // Never less than `rows`.
  std::uint64_t bytes = 0;
};
SnapshotTotal snapshot_total(const std::vector<TableCount>& tables);

// Between 0 and 100; below 100 until the table is loaded, because the estimate is one.
double percent_of(const TableCount& count);
// Nothing where no rate is known.
std::string eta_text(std::uint64_t rows, std::uint64_t estimated_rows, double rows_per_second);
// Commit at the source to durable in the target, of the newest position; "-" before the first one.
std::string lag_text(const ProgressSample& sample);

// The block that a terminal shows, refreshed in place; no line is wider than the terminal.
std::vector<std::string> progress_block(const ProgressSample& sample, const Rates& rates,
                                        const Terminal& terminal);

}  // namespace tailrace::app
