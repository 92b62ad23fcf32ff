// One scan cycle of the capture job, and markers: what a thread of CaptureJobs does with its Work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/cdc/cdc_internal.h"
#include "sim/storage/work.h"

namespace tailrace::sim {

struct LoggedTransaction {
  std::int64_t commit_position = 0;
  std::int64_t transaction = 0;
  std::int64_t begin_time = 0;
  std::int64_t end_time = 0;
  Lsn commit_lsn;
  bool captured = false;  // Some row or history of it came through: it gets a mapping row.
};

struct ScanReport {
  std::vector<LoggedTransaction> transactions;
  std::int64_t commands = 0;
  std::int64_t log_records = 0;
  std::int64_t schema_changes = 0;
  std::int64_t start_time = 0;
  std::int64_t end_time = 0;
};

class LogScanner {
 public:
  // Registers SQL functions on the work's connection.
  explicit LogScanner(Work& work);

  // Reads at most `limit` transactions into the change tables, in one transaction. Empty: there was nothing, and
  // nothing was written, or `stop` came first.
  ScanReport scan(std::int64_t limit, const std::stop_token& stop);
  // Takes the writer's place. False where it was stopped first, or the database is not captured any more: it may have
  // been disabled since it was looked at.
  bool begin(const std::stop_token& stop);
  // A mapping row without changes; not while logged changes wait, which it would overtake.
  void write_marker(const std::stop_token& stop);
  // Another number than before: somebody has committed something since.
  std::int64_t data_version();
  // The end time of the newest mapping row.
  std::optional<std::int64_t> newest_mapping();
  // See CaptureJobs::interleave_next_two().
  void interleave_next_two();
  // See CaptureJobs::insert_first_next().
  void insert_first_next();
  bool interleaving() const { return interleave_after_.has_value(); }

 private:
  friend struct ScanFunctions;
  std::vector<LoggedTransaction> pending(std::int64_t limit);
  void interleave(LoggedTransaction& first, const LoggedTransaction& second);
  bool put_inserts_first(const LoggedTransaction& transaction);
  void copy_changes(ScanReport& report, const CaptureInstance& instance, std::int64_t last_position);
  void copy_history(ScanReport& report, std::int64_t last_position);
  void write_mapping(const ScanReport& report);
  void delete_log(std::int64_t last_position);

  Work& work_;
  std::optional<std::int64_t> interleave_after_;
  std::optional<std::int64_t> insert_first_after_;
  // While a scan runs: its transactions by name, and how the instance's mask is made.
  std::unordered_map<std::int64_t, LoggedTransaction*> by_name_;
  std::int64_t cached_name_ = -1;
  LoggedTransaction* cached_ = nullptr;
  struct Bit {
    std::int32_t column_id;
    std::int32_t ordinal;
  };
  std::vector<Bit> bits_;
  std::size_t mask_bytes_ = 0;
};

}  // namespace tailrace::sim
