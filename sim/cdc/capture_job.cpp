// The capture job of one database: a thread that scans its log, writes markers, and cleans up once a day.
#include "sim/cdc/capture_job_internal.h"

#include <algorithm>

#include "base/log.h"
#include "sim/cdc/cleanup_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

constexpr std::int64_t ticks_per_day = 864'000'000'000;
constexpr std::int64_t cleanup_at_ticks = 2 * ticks_per_day / 24;
// With an interval of 0 the scanner sleeps until a commit wakes it; an idle scan is counted at least so often.
constexpr std::chrono::milliseconds idle_scan{100};

}  // namespace

CaptureJob::CaptureJob(Server& server, const DatabasePtr& database, const JobFacts& facts,
                       Milliseconds marker_interval)
    : server_(server),
      work_(server.open(database, false)),
      scanner_(*work_),
      facts_(facts),
      marker_interval_(marker_interval) {
  cleanup_day_ = (local_ticks_now() - cleanup_at_ticks) / ticks_per_day;
  if (scanner_.newest_mapping()) last_mapping_ = std::chrono::steady_clock::now();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void CaptureJob::update(const JobFacts& facts) {
  {
    const std::scoped_lock lock(mutex_);
    if (!facts_.capture || !facts.capture) {
      facts_ = facts;
    } else {
      facts_.cleanup = facts.cleanup;
      facts_.retention = facts.retention;
    }
  }
  kick();
}

void CaptureJob::kick() {
  {
    const std::scoped_lock lock(wake_mutex_);
    kicked_ = true;
  }
  wake_.notify_all();
}

void CaptureJob::changed() {
  pending_.store(true);
  if (event_driven_.load()) kick();
}

CaptureJobs::ScanResult CaptureJob::scan_now() {
  const std::scoped_lock lock(mutex_);
  CaptureJobs::ScanResult result;
  for (;;) {
    const ScanReport report = scanner_.scan(facts_.limit, {});
    record(report);
    if (report.transactions.empty()) return result;
    result.transactions += static_cast<std::int64_t>(report.transactions.size());
    result.commands += report.commands;
  }
}

void CaptureJob::exclusively(const std::function<void()>& body) {
  const std::scoped_lock lock(mutex_);
  body();
  pending_.store(true);
}

void CaptureJob::marker_now() {
  const std::scoped_lock lock(mutex_);
  scanner_.write_marker({});
  last_mapping_ = std::chrono::steady_clock::now();
}

std::int64_t CaptureJob::cleanup(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark) {
  const std::scoped_lock lock(mutex_);
  return cleanup_locked(retention, mark, {});
}

void CaptureJob::tell_scanner(void (LogScanner::*what)()) {
  const std::scoped_lock lock(mutex_);
  (scanner_.*what)();
}

void CaptureJob::set_marker_interval(Milliseconds interval) {
  {
    const std::scoped_lock lock(mutex_);
    marker_interval_ = interval;
  }
  kick();
}

void CaptureJob::set_interval(Milliseconds interval) {
  {
    const std::scoped_lock lock(mutex_);
    facts_.interval = interval;
  }
  kick();
}

void CaptureJob::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Milliseconds wait{1000};
    {
      const std::scoped_lock lock(mutex_);
      event_driven_.store(facts_.interval.count() == 0);
      if (facts_.capture && server_.agent_running) wait = cycle(stop);
    }
    std::unique_lock lock(wake_mutex_);
    wake_.wait_for(lock, stop, wait, [&] { return kicked_; });
    kicked_ = false;
  }
}

CaptureJob::Milliseconds CaptureJob::cycle(const std::stop_token& stop) {
  const bool event_driven = facts_.interval.count() == 0;
  try {
    ScanReport report;
    // What is committed can be read before whoever has committed it tells us: a scan that is counted has looked at all of it.
    const std::int64_t version = scanner_.data_version();
    if (pending_.exchange(false) || version != seen_version_) {
      seen_version_ = version;
      report = scanner_.scan(facts_.limit, stop);
      if (static_cast<std::int64_t>(report.transactions.size()) >= facts_.limit || scanner_.interleaving()) {
        pending_.store(true);
      }
    } else {
      report.start_time = report.end_time = local_datetime_now();
    }
    record(report);
    if (report.transactions.empty()) idle(stop);
    if (!facts_.continuous && !pending_) facts_.capture = false;
  } catch (const Error& error) {
    work_->rollback();
    pending_.store(true);
    fail(error);
    return std::max(facts_.interval, Milliseconds(1000));
  }
  if (!event_driven) return facts_.interval;
  return pending_ && !scanner_.interleaving() ? Milliseconds(0) : idle_scan;
}

void CaptureJob::idle(const std::stop_token& stop) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!last_mapping_ || now - *last_mapping_ >= marker_interval_) {
    scanner_.write_marker(stop);
    last_mapping_ = now;
  }
  const std::int64_t day = (local_ticks_now() - cleanup_at_ticks) / ticks_per_day;
  if (day > cleanup_day_ && facts_.cleanup) {
    cleanup_day_ = day;
    cleanup_locked(facts_.retention, {}, stop);
  }
}

std::int64_t CaptureJob::cleanup_locked(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark,
                                        const std::stop_token& stop) {
  if (!scanner_.begin(stop)) return 0;
  const CleanupPlan plan =
      plan_cleanup(work_->connection(), retention ? retention : std::optional(facts_.retention), mark);
  apply_marks(work_->connection(), plan);
  work_->commit();
  if (!scanner_.begin(stop)) return 0;
  const std::int64_t deleted = delete_below_marks(work_->connection(), plan);
  work_->commit();
  return deleted;
}

void CaptureJob::record(const ScanReport& report) {
  if (!report.transactions.empty()) last_mapping_ = std::chrono::steady_clock::now();
  sessions_.record(report);
}

void CaptureJob::fail(const Error& error) {
  log::error("sim.capture.failed", {{"database", work_->file().name}, {"error", error.what()}});
  sessions_.fail(error.what());
}

}  // namespace tailrace::sim
