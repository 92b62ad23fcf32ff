// The capture job and the cleanup job of every database, as SQL Server Agent would run them.
//
// Shape    One capture thread for each database with CDC on: reads the log, writes change tables and
//          lsn_time_mapping, all tables in one transaction a scan cycle (maxtrans * maxscans transactions at
//          most), deletes what it read from the log. Commits wake it when the interval is 0, else it scans
//          every interval. The same thread cleans up, daily at 02:00 local time.
// Errors   A failed scan is a row of sys.dm_cdc_errors and is tried again.
// Threads  Everything may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/catalog/server.h"

namespace tailrace::sim {

struct JobSettings {
  std::chrono::milliseconds capture_interval{100};  // Of new databases; sp_cdc_change_job sets seconds.
  std::int64_t retention_minutes = 4320;
  std::chrono::milliseconds marker_interval{300'000};
};

class CaptureJobs {
 public:
  CaptureJobs(Server& server, const JobSettings& settings);
  ~CaptureJobs();

  // Starts or stops threads as agent_running, cdc_enabled and the jobs' own state say. Called by Cdc
  // (procedures that commit) and by the control procedure: after the commit of whatever changed it.
  void reconsider();

  // Scans now, on the caller's thread, until the log is empty. The caller must not be inside a write transaction.
  struct ScanResult {
    std::int64_t transactions = 0;
    std::int64_t commands = 0;
  };
  ScanResult scan_now(Database& database);
  void marker_now(Database& database);
  // Retention in minutes, or a low water mark; answers rows deleted.
  std::int64_t cleanup_now(Database& database, std::optional<std::int64_t> retention_minutes,
                           std::optional<std::string> low_water_mark);
  void set_marker_interval(std::chrono::milliseconds interval);
  void set_capture_interval(Database& database, std::chrono::milliseconds interval);
  // Runs `body` while the capture job of the database stands still, then looks at its state again.
  void exclusively(Database& database, const std::function<void()>& body);
  // From now on the next two transactions that log something are recorded and get interleaved seqvals, as if
  // they had run at the same time; they are captured when the second has committed.
  void interleave_next_two(Database& database);
  // The next transaction with a deferred update is captured as before KB3030352: the seqvals of its inserts come
  // before those of its deletes.
  void insert_first_next(Database& database);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tailrace::sim
