// Windows, their reading, their ends.
#include "sqlserver/change_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/wait.h"
#include "model/key_text.h"
#include "sqlserver/capture_instances.h"
#include "sqlserver/catalog.h"
#include "sqlserver/identity.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t most_parameters = 2000;         // A statement has at most 2100.
constexpr std::size_t tables_a_count = 200;           // Of those with rows, two parameters each.
constexpr std::uint64_t most_mapped = 2'000'000'000;  // All there are.
constexpr auto idle_end_interval = 1s;

// The transactions in front of it: of those behind `position`.
Lsn last_before(const Lsn& start, const Lsn& position, std::span<const MappedTransaction> mapped) {
  Lsn last = position;
  for (const MappedTransaction& row : mapped) {
    if (row.lsn >= start) break;
    last = row.lsn;
  }
  return last;
}

Lsn next_behind(const Lsn& lsn, std::span<const MappedTransaction> mapped) {
  const auto next =
      std::find_if(mapped.begin(), mapped.end(), [&](const MappedTransaction& row) { return row.lsn > lsn; });
  TAILRACE_ASSERT(next != mapped.end());
  return next->lsn;
}

void tell_switch(const StreamTable& planned, const CapturedTable& found,
                 std::vector<InstanceSwitch>& switched) {
  if (planned.instance.name.empty() || planned.instance.same_as(found.instance)) return;
  switched.push_back({planned.schema->name, found.instance});
}

}  // namespace

CaptureHead read_head(Connection& connection) {
  Statement rows(connection, "read max_lsn",
                 "SELECT (SELECT MAX(m.[start_lsn]) FROM [cdc].[lsn_time_mapping] AS m), SYSDATETIME(), "
                 "DATEPART(TZOFFSET, "
                 "SYSDATETIMEOFFSET())");
  CaptureHead head;
  if (!rows.fetch()) throw Error(ErrorKind::protocol, "the server did not answer for max_lsn");
  head.max_lsn = rows.lsn(0);
  head.clock = rows.timestamp(1).value_or(0);
  head.offset_minutes = static_cast<std::int32_t>(rows.integer(2).value_or(0));
  return head;
}

std::optional<std::vector<ScanSession>> read_scan_sessions(Connection& connection) {
  try {
    Statement rows(
        connection, "read the log scans",
        "SELECT s.[session_id], CASE WHEN s.[end_time] IS NULL THEN 0 ELSE 1 END, s.[empty_scan_count] FROM "
        "sys.dm_cdc_log_scan_sessions AS s WHERE s.[session_id] > 0 ORDER BY s.[session_id]");
    std::vector<ScanSession> sessions;
    while (rows.fetch()) {
      ScanSession session;
      session.id = rows.integer(0).value_or(0);
      session.completed = rows.integer(1).value_or(0) != 0;
      session.empty_scans = rows.integer(2).value_or(0);
      sessions.push_back(session);
    }
    return sessions;
  } catch (const Error& error) {
    if (!is_missing_right(error) && !is_missing_object(error)) throw;
    return std::nullopt;
  }
}

std::vector<MappedTransaction> read_mapped(Connection& connection, const Lsn& lower, const Lsn& upper,
                                           std::uint64_t most_rows) {
  Statement rows(
      connection, "read the mapping of transactions",
      fmt::format("SELECT TOP ({}) m.[start_lsn], m.[tran_id], m.[tran_begin_time], m.[tran_end_time] FROM "
                  "[cdc].[lsn_time_mapping] AS m WHERE m.[start_lsn] > CONVERT(binary(10), ?) AND "
                  "m.[start_lsn] <= CONVERT(binary(10), ?) ORDER BY "
                  "m.[start_lsn]",
                  most_rows),
      {Parameter::of(lower), Parameter::of(upper)});
  std::vector<MappedTransaction> mapped;
  while (rows.fetch()) {
    MappedTransaction row;
    row.lsn = rows.lsn(0).value_or(Lsn{});
    row.tran_id = rows.bytes(1).value_or("");
    row.begin_time = rows.timestamp(2).value_or(0);
    row.end_time = rows.timestamp(3).value_or(0);
    mapped.push_back(std::move(row));
  }
  return mapped;
}

ChangeStream::ChangeStream(Connection& connection, const std::vector<CapturedTable>& tables,
                           const StreamPlan& plan, std::string server)
    : connection_(connection),
      server_(std::move(server)),
      reader_(connection),
      look_ahead_(connection.settings().commit_transactions),
      last_end_(steady_clock::now()),
      waiting_since_(last_end_),
      told_at_(last_end_) {
  TAILRACE_ASSERT(!plan.tables.empty() || plan.position);
  std::map<TableName, const CapturedTable*> captured;
  for (const CapturedTable& table : tables)
    captured.emplace(table.schema->name, &table);
  for (const StreamTable& planned : plan.tables) {
    const auto found = captured.find(planned.schema->name);
    TAILRACE_ASSERT(found != captured.end());
    const CapturedTable& table = *found->second;
    tables_.push_back({std::make_shared<const CapturedTable>(table), change_columns_of(table), planned.low});
    tell_switch(planned, table, switched_);
    if (planned.high_mark)
      marks_.push_back({Mark::parse(planned.high_mark->text), planned.schema->name, {}, false, 0});
  }
  if (plan.run_mark) marks_.push_back({Mark::parse(plan.run_mark->text), std::nullopt, {}, false, 0});
  if (plan.position) {
    position_ = *plan.position;
  } else {
    position_.lsn =
        std::min_element(tables_.begin(), tables_.end(), [](const Streamed& left, const Streamed& right) {
          return left.low < right.low;
        })->low;
  }
  follow_newer_instances(check_instances());
}

std::optional<ChangeBatch> ChangeStream::next(std::stop_token stop) {
  const Connection::StopScope scope(connection_, stop);
  try {
    while (!stop.stop_requested()) {
      if (reading_) return read_part();
      if (has_other_columns_ && switched_.empty()) return std::nullopt;
      if (!left_.empty() || has_other_columns_) {
        // Before anything else is read: up to here everything of the table was given away.
        ChangeBatch batch;
        attach_end(batch);
        return batch;
      }
      const Lsn before = position_.lsn;
      if (std::optional<ChangeBatch> batch = poll()) return batch;
      if (reading_ || position_.lsn != before) continue;
      if (wait_for(connection_.settings().poll_interval, stop)) return ChangeBatch{};
    }
  } catch (const Error& error) {
    if (is_missing_object(error)) check_instances();  // Says whose instance was switched off, if that is why.
    if (error.kind() != ErrorKind::abandoned || !stop.stop_requested()) throw;
  }
  return std::nullopt;
}

std::optional<ChangeBatch> ChangeStream::poll() {
  // First the scans, then max_lsn: what two scans have captured is at or below it.
  std::optional<std::vector<ScanSession>> sessions;
  if (has_unresolved_marks()) sessions = read_scan_sessions(connection_);
  const CaptureHead head = read_head(connection_);
  offset_minutes_ = head.offset_minutes;
  resolve_by_scans(sessions, head);
  if ((head.max_lsn && *head.max_lsn > position_.lsn) || has_behind()) open_window(head);
  if (has_unresolved_marks()) tell_waiting();
  if (reading_) return std::nullopt;
  const bool is_due = unreported_ && steady_clock::now() - last_end_ >= idle_end_interval;
  if (!is_due && !has_news()) return std::nullopt;
  ChangeBatch batch;
  announce(batch, position_.lsn);
  attach_end(batch);
  return batch;
}

void ChangeStream::add_table(const CapturedTable& table, const StreamTable& planned,
                             std::span<const CatalogInstance> instances) {
  TAILRACE_ASSERT(!reading_);
  const CatalogInstance* const newer = newer_instance(instances, table, position_.lsn);
  if (connection_.settings().events && newer != nullptr && *newer->start_lsn <= position_.lsn &&
      !reaches_back(*newer, planned.low)) {
    // No end in front of that can be had here any more.
    throw Error(ErrorKind::conflict,
                fmt::format("the capture instance {} of {} begins between where the table has come to and "
                            "where the stream is: the table has to go over to it by itself",
                            newer->name, table.schema->name.str()))
        .with("table", table.schema->name.str());
  }
  Streamed added{std::make_shared<const CapturedTable>(table), change_columns_of(table), planned.low, true,
                 false};
  tables_.push_back(std::move(added));
  tell_switch(planned, table, switched_);
}

void ChangeStream::remove_table(const TableName& table) {
  TAILRACE_ASSERT(!reading_);
  const auto removed =
      std::erase_if(tables_, [&](const Streamed& each) { return each.table->schema->name == table; });
  TAILRACE_ASSERT(removed == 1);
  std::erase_if(marks_, [&](const PendingMark& pending) { return pending.table == table; });
  left_.push_back(table);
}

void ChangeStream::watch(const HighMark& mark, std::uint64_t number) {
  std::erase_if(marks_, [](const PendingMark& pending) { return pending.watch != 0; });
  marks_.push_back({Mark::parse(mark.text), std::nullopt, {}, false, number});
  waiting_since_ = steady_clock::now();
}

// The sink must know a table before its first row, and lets it in at the end: `upper`.
void ChangeStream::announce(ChangeBatch& batch, const Lsn& upper) {
  for (Streamed& table : tables_) {
    if (!is_due(table, upper)) continue;
    table.announced = true;
    batch.joining.push_back(table.table->schema);
  }
}

bool ChangeStream::has_behind() const {
  return std::any_of(tables_.begin(), tables_.end(), [](const Streamed& table) { return table.behind; });
}

void ChangeStream::open_window(const CaptureHead& head) {
  const std::uint64_t limit = look_ahead_.transactions();
  // A table that comes in may be all that is to be read: then the window ends at the position.
  const Lsn newest = std::max(head.max_lsn.value_or(Lsn{}), position_.lsn);
  std::vector<MappedTransaction> mapped;
  if (newest > position_.lsn) mapped = read_mapped(connection_, position_.lsn, newest, limit + 1);
  const bool whole = mapped.size() <= limit;
  Lsn upper = window_by_transactions(mapped, whole, newest, limit).upper;
  for (PendingMark& pending : marks_) {
    if (!pending.reached_at) pending.reached_at = mapped_after(pending.mark, mapped, head.offset_minutes);
  }
  std::vector<std::uint64_t> counts = count_window(upper);
  const Lsn lowered = lower_window(upper, counts);
  if (lowered != upper) {
    upper = lowered;
    counts = count_window(upper);
    look_ahead_.lowered_to(transactions_up_to(mapped, upper));
  } else if (upper != newest) {
    look_ahead_.too_short();
  }
  std::vector<CatalogInstance> instances = check_instances();
  read_to_ = {};
  while (const std::optional<Lsn> start = next_start(instances, upper)) {
    upper = last_before(*start, position_.lsn, mapped);
    read_to_ = just_before(next_behind(upper, mapped));
    counts = count_window(upper);
    instances = check_instances();
  }
  check_ddl(upper);
  std::vector<TableWindow> windows;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (counts[i] != 0) windows.push_back({tables_[i].table.get(), lower_of(tables_[i]), counts[i]});
  }
  if (windows.empty()) {
    move_position(upper, mapped);
    return follow_newer_instances(instances);
  }
  std::vector<MappedTransaction> earlier;
  if (connection_.settings().events && has_behind()) earlier = mapped_behind();
  reader_.begin(std::move(windows), upper, std::move(mapped), std::move(earlier));
  reading_ = true;
}

// Of the transactions from before the position whose changes a table brings that comes in: events say when they were.
std::vector<MappedTransaction> ChangeStream::mapped_behind() {
  Lsn lower = position_.lsn;
  for (const Streamed& table : tables_)
    lower = std::min(lower, lower_of(table));
  return read_mapped(connection_, lower, position_.lsn, most_mapped);
}

std::vector<std::uint64_t> ChangeStream::count_window(const Lsn& upper) {
  std::vector<std::uint64_t> counts(tables_.size());
  std::size_t begin = 0;
  while (begin < tables_.size()) {
    std::vector<CountedTable> counted;
    std::vector<Parameter> parameters{Parameter::of(position_.lsn), Parameter::of(upper)};
    for (std::size_t i = begin; i < tables_.size() && parameters.size() < most_parameters; ++i) {
      const bool own_lower = lower_of(tables_[i]) != position_.lsn;
      counted.push_back({&tables_[i].columns, own_lower});
      if (own_lower) parameters.push_back(Parameter::of(lower_of(tables_[i])));
    }
    Statement rows(connection_, "count the changes", count_rows(counted), parameters);
    do {
      while (rows.fetch()) {
        const auto table = static_cast<std::size_t>(rows.integer(0).value_or(0));
        counts.at(begin + table) = static_cast<std::uint64_t>(rows.integer(1).value_or(0));
      }
    } while (rows.next_result());
    begin += counted.size();
  }
  return counts;
}

Lsn ChangeStream::lower_window(const Lsn& upper, std::span<const std::uint64_t> counts) {
  std::uint64_t sum = 0;
  std::vector<std::size_t> with_rows;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    if (counts[i] != 0) with_rows.push_back(i);
  }
  std::uint64_t budget = row_budget(connection_.settings().commit_rows, with_rows.size());
  if (connection_.settings().events) budget = std::min(budget, rows_of_a_part());
  if (sum <= budget) return upper;
  std::map<Lsn, std::uint64_t> by_lsn;
  for (std::size_t begin = 0; begin < with_rows.size(); begin += tables_a_count) {
    std::vector<ChangeColumns> columns;
    std::vector<Parameter> parameters;
    for (std::size_t i = begin; i < std::min(begin + tables_a_count, with_rows.size()); ++i) {
      columns.push_back(tables_[with_rows[i]].columns);
      parameters.push_back(Parameter::of(lower_of(tables_[with_rows[i]])));
      parameters.push_back(Parameter::of(upper));
    }
    Statement rows(connection_, "count the changes by transaction", count_rows_by_lsn(columns), parameters);
    while (rows.fetch()) {
      const Lsn lsn = rows.lsn(0).value_or(Lsn{});
      by_lsn[lsn] += static_cast<std::uint64_t>(rows.integer(1).value_or(0));
    }
  }
  std::vector<LsnRows> ordered;
  ordered.reserve(by_lsn.size());
  for (const auto& [lsn, rows] : by_lsn) {
    // What a table that comes in has behind the position belongs to this window, however long it is.
    if (lsn > position_.lsn) ordered.push_back({lsn, rows});
  }
  // Empty: cleanup has run in between, and check_instances() will say so.
  return ordered.empty() ? upper : lower_to_budget(ordered, upper, budget);
}

std::optional<ChangeBatch> ChangeStream::read_part() {
  ChangeBatch batch;
  batch.utc_offset_minutes = offset_minutes_;
  announce(batch, reader_.upper());
  const bool is_done = reader_.read_part(batch);
  if (const std::size_t rows = batch.rows(); rows != 0) row_bytes_ = 1 + batch.bytes() / rows;
  if (is_done) finish_window(batch);
  return batch;
}

// A window that is read at once needs no merging of pages.
std::uint64_t ChangeStream::rows_of_a_part() const {
  return std::max<std::uint64_t>(1, connection_.settings().part_bytes() / (row_bytes_ + row_bytes_ / 4));
}

void ChangeStream::finish_window(ChangeBatch& batch) {
  // Cleanup may have run between the pages: rows are then missing without an error (R2b).
  const std::vector<CatalogInstance> instances = check_instances();
  for (std::size_t i = 0; i < reader_.tables().size(); ++i) {
    const TableWindow& window = reader_.tables()[i];
    if (window.rows == reader_.rows_read()[i]) continue;
    throw Error(ErrorKind::protocol, "a change table gave another number of rows than it had counted")
        .with("table", window.table->schema->name.str())
        .with("counted", std::to_string(window.rows))
        .with("read", std::to_string(reader_.rows_read()[i]));
  }
  reading_ = false;
  move_position(reader_.upper(), reader_.mapped());
  follow_newer_instances(instances);
  attach_end(batch);
}

void ChangeStream::move_position(const Lsn& upper, std::span<const MappedTransaction> mapped) {
  transactions_ += transactions_up_to(mapped, upper);
  position_.lsn = upper;
  unreported_ = true;
  for (Streamed& table : tables_)
    table.behind = false;
  for (const MappedTransaction& row : mapped) {
    if (row.lsn > upper) break;
    position_.evidence = row.lsn == upper ? evidence_of(row) : std::string();
    position_.commit_time_utc = row.end_time - std::int64_t{offset_minutes_} * 60 * ticks_per_second;
  }
}

void ChangeStream::attach_end(ChangeBatch& batch) {
  const auto is_reached = [&](const PendingMark& pending) {
    return pending.reached_at && *pending.reached_at <= position_.lsn;
  };
  for (PendingMark& pending : marks_) {
    if (pending.reported || !is_reached(pending)) continue;
    pending.reported = true;
    if (pending.table) {
      batch.caught_up.push_back(*pending.table);
    } else if (pending.watch != 0) {
      batch.watch_reached = pending.watch;
    } else {
      batch.run_mark_reached = true;
    }
  }
  batch.left = std::exchange(left_, {});
  batch.switched = std::exchange(switched_, {});
  batch.ends_stream = has_other_columns_;
  batch.end = position_;
  batch.transactions = transactions_;
  transactions_ = 0;
  unreported_ = false;
  last_end_ = steady_clock::now();
}

bool ChangeStream::has_news() const {
  const bool has_joining = std::any_of(tables_.begin(), tables_.end(), [&](const Streamed& table) {
    return !table.behind && is_due(table, position_.lsn);
  });
  return has_joining || !switched_.empty() ||
         std::any_of(marks_.begin(), marks_.end(), [&](const PendingMark& pending) {
           return !pending.reported && pending.reached_at && *pending.reached_at <= position_.lsn;
         });
}

void ChangeStream::resolve_by_scans(const std::optional<std::vector<ScanSession>>& sessions,
                                    const CaptureHead& head) {
  if (!sessions) return;
  for (PendingMark& pending : marks_) {
    if (pending.reached_at) continue;
    // The first scan that was completed since may have begun before the mark; the second one has not.
    if (scans_since(pending.mark, server_, *sessions) < 2) continue;
    pending.reached_at = std::max(head.max_lsn.value_or(Lsn{}), position_.lsn);
  }
}

bool ChangeStream::has_unresolved_marks() const {
  return std::any_of(marks_.begin(), marks_.end(),
                     [](const PendingMark& pending) { return !pending.reached_at; });
}

void ChangeStream::tell_waiting() {
  const auto now = steady_clock::now();
  if (now - waiting_since_ < 10s || now - told_at_ < 60s) return;
  told_at_ = now;
  log::info(
      "source.mark.waiting",
      {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(now - waiting_since_).count()},
       {"reason",
        "no later transaction and no two log scans were seen yet; without VIEW DATABASE STATE this takes "
        "minutes on an idle database; with SQL Server Agent stopped it never ends"}});
}

}  // namespace tailrace::sqlserver
