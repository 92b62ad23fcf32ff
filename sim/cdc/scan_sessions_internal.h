// What sys.dm_cdc_log_scan_sessions and sys.dm_cdc_errors show of one database's capture job.
//
// Shape    Consecutive empty scans share a row; the row of session 0 is the sum of all. The newest 32 are kept.
// Threads  Everything may be called from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "sim/catalog/virtual_table.h"
#include "sim/cdc/capture_internal.h"

namespace tailrace::sim {

struct ScanSession {
  std::int64_t id = 0;
  std::int64_t start_time = 0;
  std::int64_t end_time = 0;
  std::int64_t tran_count = 0;
  std::int64_t commands = 0;
  std::int64_t log_records = 0;
  std::int64_t schema_changes = 0;
  std::int64_t empty_scans = 0;
  std::int64_t errors = 0;
  std::int64_t failed_sessions = 0;
  Lsn first;
  Lsn last;
  std::int64_t last_commit_time = 0;
};

struct ScanError {
  std::int64_t session = 0;
  std::int64_t time = 0;
  std::string text;
};

class ScanSessions {
 public:
  ScanSessions();
  void record(const ScanReport& report);
  void fail(std::string text);
  std::vector<VirtualRow> session_rows();
  std::vector<VirtualRow> error_rows();

 private:
  void add_session(const ScanReport& report);

  std::mutex mutex_;
  ScanSession totals_;
  std::deque<ScanSession> sessions_;
  std::deque<ScanError> errors_;
  std::int64_t last_session_ = 0;
};

}  // namespace tailrace::sim
