// The capture job of one database: a thread that scans its log, writes markers, and cleans up once a day.
//
// Threads  Everything may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "sim/cdc/capture_internal.h"
#include "sim/cdc/jobs.h"
#include "sim/cdc/scan_sessions_internal.h"

namespace tailrace::sim {

// What the jobs of a database say of themselves, read from its file.
struct JobFacts {
  bool cdc = false;
  bool capture = false;
  bool cleanup = false;
  std::int64_t limit = 5000;
  bool continuous = true;
  std::chrono::milliseconds interval{100};
  std::int64_t retention = 4320;
};

JobFacts read_facts(const Database& database);

class CaptureJob {
 public:
  using Milliseconds = std::chrono::milliseconds;

  CaptureJob(Server& server, const DatabasePtr& database, const JobFacts& facts,
             Milliseconds marker_interval);

  // A running job keeps the numbers that it was started with, as SQL Server's does.
  void update(const JobFacts& facts);
  void kick();
  // After a commit with logged changes; cheap, on the committing session's thread.
  void changed();
  CaptureJobs::ScanResult scan_now();
  void exclusively(const std::function<void()>& body);
  void marker_now();
  std::int64_t cleanup(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark);
  void tell_scanner(void (LogScanner::*what)());
  void set_marker_interval(Milliseconds interval);
  void set_interval(Milliseconds interval);
  std::vector<VirtualRow> session_rows() { return sessions_.session_rows(); }
  std::vector<VirtualRow> error_rows() { return sessions_.error_rows(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void run(const std::stop_token& stop);
  // One turn of the job; answers how long to wait until the next.
  Milliseconds cycle(const std::stop_token& stop);
  void idle(const std::stop_token& stop);
  std::int64_t cleanup_locked(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark,
                              const std::stop_token& stop);
  void record(const ScanReport& report);
  void fail(const Error& error);

  Server& server_;
  std::mutex mutex_;  // The work, the scanner, the facts.
  std::unique_ptr<Work> work_;
  LogScanner scanner_;
  JobFacts facts_;
  Milliseconds marker_interval_;
  std::optional<SteadyTime> last_mapping_;
  std::int64_t cleanup_day_ = 0;
  std::atomic<bool> pending_{true};
  std::int64_t seen_version_ = 0;  // What was committed when the log was looked at last.
  std::atomic<bool> event_driven_{false};
  ScanSessions sessions_;

  std::mutex wake_mutex_;
  std::condition_variable_any wake_;
  bool kicked_ = false;
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace tailrace::sim
