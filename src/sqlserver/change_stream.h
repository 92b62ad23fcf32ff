// The stream: polls max_lsn, chooses windows of whole transactions, reads them, and knows when marks are passed.
//
// Shape    pipeline/source.h, Source::next. A window is read in parts; its last part carries the end, after the
//          instances' validity was looked at once more (R2b).
// Errors   gap: cleanup has overtaken the position, or a capture instance is another one (R2b, R4b). schema: DDL
//          changed a captured table.
// Threads  Belongs to its connection's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/source.h"
#include "sqlserver/change_reader.h"
#include "sqlserver/connection.h"
#include "sqlserver/diagnostics.h"
#include "sqlserver/mark.h"
#include "sqlserver/selection.h"

namespace tailrace::sqlserver {

struct CatalogInstance;

// What a look at the server's capture says.
struct CaptureHead {
  std::optional<Lsn> max_lsn;       // Nothing: nothing was captured yet, or all of it was cleaned up.
  std::int64_t clock = 0;           // The server's local time, 100 ns since 0001-01-01.
  std::int32_t offset_minutes = 0;  // Of its UTC offset.
};
CaptureHead read_head(Connection& connection);

// Nothing where the login may not see them.
std::optional<std::vector<ScanSession>> read_scan_sessions(Connection& connection);

std::vector<MappedTransaction> read_mapped(Connection& connection, const Lsn& lower, const Lsn& upper,
                                           std::uint64_t most_rows);

class ChangeStream {
 public:
  // Borrows `connection`. `tables` are all that were found; the plan names those that are streamed.
  ChangeStream(Connection& connection, const std::vector<CapturedTable>& tables, const StreamPlan& plan,
               std::string server);

  std::optional<ChangeBatch> next(std::stop_token stop);

  // Both between two windows (R12), as pipeline/source.h says. `instances` as they are now.
  void add_table(const CapturedTable& table, const StreamTable& planned,
                 std::span<const CatalogInstance> instances);
  void remove_table(const TableName& table);
  void watch(const HighMark& mark, std::uint64_t number);

 private:
  struct Streamed {
    std::shared_ptr<const CapturedTable> table;
    ChangeColumns columns;
    Lsn low;
    bool behind = false;    // Its changes between `low` and the position have not been read yet.
    bool announced = true;  // As joining.
  };
  struct PendingMark {
    Mark mark;
    std::optional<TableName> table;  // Nothing: the mark of the run, or a watched one.
    std::optional<Lsn> reached_at;
    bool reported = false;
    std::uint64_t watch = 0;  // The number of a watched one.
  };

  std::optional<ChangeBatch> poll();
  void open_window(const CaptureHead& head);
  std::vector<std::uint64_t> count_window(const Lsn& upper);
  Lsn lower_window(const Lsn& upper, std::span<const std::uint64_t> counts);
  std::optional<ChangeBatch> read_part();
  void finish_window(ChangeBatch& batch);
  void move_position(const Lsn& upper, std::span<const MappedTransaction> mapped);
  void attach_end(ChangeBatch& batch);
  bool has_news() const;
  bool has_behind() const;
  std::vector<MappedTransaction> mapped_behind();
  std::uint64_t rows_of_a_part() const;
  void announce(ChangeBatch& batch, const Lsn& upper);

  void resolve_by_scans(const std::optional<std::vector<ScanSession>>& sessions, const CaptureHead& head);
  bool has_unresolved_marks() const;
  void tell_waiting();

  std::vector<CatalogInstance> check_instances();
  // The nearest start of a newer instance inside of a window, whose rows it has with columns that the older one may lack.
  std::optional<Lsn> next_start(std::span<const CatalogInstance> instances, const Lsn& upper) const;
  void follow_newer_instances(std::span<const CatalogInstance> instances);
  void go_over(Streamed& table, const CapturedTable& found, const std::optional<Lsn>& low);
  bool is_set_aside(const CatalogInstance& instance) const;
  void set_aside(const CapturedTable& table, const CaptureInstance& other, const Selection& selection);
  void check_ddl(const Lsn& upper);
  Lsn lower_of(const Streamed& table) const {
    return table.behind ? table.low : std::max(position_.lsn, table.low);
  }
  // What is needed of it lies behind this.
  Lsn needed_behind(const Streamed& table) const { return std::max(lower_of(table), read_to_); }
  bool is_due(const Streamed& table, const Lsn& upper) const {
    return !table.announced && table.low <= std::max(upper, read_to_);
  }

  Connection& connection_;
  std::vector<Streamed> tables_;
  std::vector<TableName> left_;           // Not said yet.
  std::vector<InstanceSwitch> switched_;  // Not said yet.
  // By their object_id: newer instances that do not fit, and when they are looked at again.
  std::map<std::int32_t, std::chrono::steady_clock::time_point> set_aside_;
  std::vector<PendingMark> marks_;
  const std::string server_;

  Position position_;  // Everything up to here has been given away, or had no rows.
  // Behind a window that ends where a newer instance begins: no transaction lies between the position and this. Else zero.
  Lsn read_to_;
  bool has_other_columns_ = false;  // What is said next is the last.
  ChangeReader reader_;
  LookAhead look_ahead_;
  bool reading_ = false;
  std::size_t row_bytes_ = 512;  // Of the rows read last, on the average.
  std::int32_t offset_minutes_ = 0;
  std::uint64_t transactions_ = 0;  // Since the last end.
  bool unreported_ = false;         // The position moved since the last end.
  std::chrono::steady_clock::time_point last_end_;
  std::chrono::steady_clock::time_point waiting_since_;
  std::chrono::steady_clock::time_point told_at_;
};

}  // namespace tailrace::sqlserver
