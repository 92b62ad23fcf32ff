// The high mark of a snapshot: a moment of the source that the stream must have passed (R3).
//
// Shape    The capture job lags behind the log, so max_lsn after the last read proves nothing. A mark is passed when
//          a mapping row is later than the mark's clock, or when two log scans were completed after it (the first may
//          have begun before it). Everything captured at that moment then contains everything before the mark.
// Units    The server's local time, 100 ns since 0001-01-01.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/lsn.h"
#include "sqlserver/window.h"

namespace tailrace::sqlserver {

struct Mark {
  std::int64_t clock = 0;           // SYSDATETIME() after the last read.
  std::int32_t offset_minutes = 0;  // The server's UTC offset then: a row of another one proves nothing.
  Lsn captured;        // max_lsn then: what is at or below is older than the mark, whatever its time says.
  std::string server;  // Whose scan counters these are, and since when it runs.
  std::int64_t session = -1;     // The newest scan session then; -1: not to be seen.
  std::int64_t empty_scans = 0;  // Its empty scans then.

  std::string text() const;
  static Mark parse(std::string_view text);  // Throws internal.
};

// A row of sys.dm_cdc_log_scan_sessions without the totals.
struct ScanSession {
  std::int64_t id = 0;
  bool completed = false;
  std::int64_t empty_scans = 0;
};

// Scans that are known to have been completed since the mark; never too many.
std::int64_t scans_since(const Mark& mark, const std::string& server, std::span<const ScanSession> sessions);

// The first mapping row that is later than the mark beyond the resolution of both clocks.
std::optional<Lsn> mapped_after(const Mark& mark, std::span<const MappedTransaction> mapped,
                                std::int32_t offset_minutes);

}  // namespace tailrace::sqlserver
