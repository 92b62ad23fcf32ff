// What sys.dm_cdc_log_scan_sessions and sys.dm_cdc_errors show of one database's capture job.
#include "sim/cdc/scan_sessions_internal.h"

#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

constexpr std::size_t kept_sessions = 32;

Value time_value(std::int64_t datetime) {
  return datetime == 0 ? null_value() : int_value(datetime, Type::datetime);
}

// SQL Server's own text has a zero character behind the digits; clients compare with it.
Value lsn_text_value(const Lsn& lsn) {
  return text_value(lsn_text(lsn.empty() ? zero_lsn() : lsn) + '\0');
}

VirtualRow session_row(const ScanSession& session) {
  const std::int64_t seconds = (session.end_time - session.start_time) / 300;
  const std::int64_t latency =
      session.last_commit_time == 0 ? 0 : (session.end_time - session.last_commit_time) / 300;
  return {int_value(session.id),
          time_value(session.start_time),
          time_value(session.end_time),
          int_value(seconds, Type::bigint),
          text_value(session.id == 0 ? "" : "Done"),
          int_value(session.errors),
          lsn_text_value(session.first),
          lsn_text_value(session.last),
          lsn_text_value(session.last),
          int_value(session.tran_count, Type::bigint),
          lsn_text_value(session.last),
          time_value(session.last_commit_time),
          int_value(session.log_records, Type::bigint),
          int_value(session.schema_changes),
          int_value(session.commands, Type::bigint),
          lsn_text_value(session.first),
          lsn_text_value(session.last),
          time_value(session.last_commit_time),
          int_value(latency < 0 ? 0 : latency),
          int_value(session.empty_scans),
          int_value(session.failed_sessions)};
}

}  // namespace

ScanSessions::ScanSessions() {
  totals_.start_time = local_datetime_now();
}

void ScanSessions::record(const ScanReport& report) {
  const std::scoped_lock lock(mutex_);
  totals_.end_time = report.end_time;
  if (report.transactions.empty()) {
    ++totals_.empty_scans;
    if (sessions_.empty() || sessions_.back().tran_count != 0) add_session(report);
    ++sessions_.back().empty_scans;
    sessions_.back().end_time = report.end_time;
    return;
  }
  add_session(report);
  for (ScanSession* session : {&sessions_.back(), &totals_}) {
    session->end_time = report.end_time;
    session->tran_count += static_cast<std::int64_t>(report.transactions.size());
    session->commands += report.commands;
    session->log_records += report.commands + static_cast<std::int64_t>(report.transactions.size());
    session->schema_changes += report.schema_changes;
    if (session->first.empty()) session->first = report.transactions.front().commit_lsn;
    session->last = report.transactions.back().commit_lsn;
    session->last_commit_time = report.transactions.back().end_time;
  }
}

void ScanSessions::add_session(const ScanReport& report) {
  ScanSession session;
  session.id = ++last_session_;
  session.start_time = report.start_time;
  sessions_.push_back(session);
  if (sessions_.size() > kept_sessions) sessions_.pop_front();
}

void ScanSessions::fail(std::string text) {
  const std::scoped_lock lock(mutex_);
  ++totals_.errors;
  ++totals_.failed_sessions;
  errors_.push_back({last_session_, local_datetime_now(), std::move(text)});
  if (errors_.size() > kept_sessions) errors_.pop_front();
}

std::vector<VirtualRow> ScanSessions::session_rows() {
  const std::scoped_lock lock(mutex_);
  std::vector<VirtualRow> rows{session_row(totals_)};
  for (const ScanSession& session : sessions_)
    rows.push_back(session_row(session));
  return rows;
}

std::vector<VirtualRow> ScanSessions::error_rows() {
  const std::scoped_lock lock(mutex_);
  std::vector<VirtualRow> rows;
  for (const ScanError& error : errors_) {
    rows.push_back({int_value(error.session), int_value(1), time_value(error.time), int_value(22859),
                    int_value(16), int_value(1), text_value(error.text), lsn_text_value({}),
                    lsn_text_value({}), lsn_text_value({})});
  }
  return rows;
}

}  // namespace tailrace::sim
