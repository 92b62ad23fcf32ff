// Threads of the capture jobs, what sys.dm_cdc_log_scan_sessions shows of them, and the daily cleanup.
#include "sim/cdc/jobs.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "sim/catalog/virtual_table.h"
#include "sim/cdc/capture_internal.h"
#include "sim/cdc/cleanup_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

using Milliseconds = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kept_sessions = 32;
constexpr std::int64_t ticks_per_day = 864'000'000'000;
constexpr std::int64_t cleanup_at_ticks = 2 * ticks_per_day / 24;
// With an interval of 0 the scanner sleeps until a commit wakes it; an idle scan is counted at least so often.
constexpr Milliseconds idle_scan{100};

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

// What the jobs of a database say of themselves, read from its file.
struct JobFacts {
  bool cdc = false;
  bool capture = false;
  bool cleanup = false;
  std::int64_t limit = 5000;
  bool continuous = true;
  Milliseconds interval{100};
  std::int64_t retention = 4320;
};

JobFacts read_facts(const Database& database) {
  JobFacts facts;
  Connection connection(database.path, database.durable);
  facts.cdc = connection.single_number("SELECT cdc_enabled FROM cat_state") != 0;
  if (!facts.cdc) return facts;
  Statement rows = connection.prepare(
      "SELECT job_type, running, maxtrans * maxscans, continuous, interval_ms, retention FROM cat_jobs");
  while (rows.next()) {
    if (rows.text(0) == "capture") {
      facts.capture = rows.number(1) != 0;
      facts.limit = rows.number(2);
      facts.continuous = rows.number(3) != 0;
      facts.interval = Milliseconds(rows.number(4));
    } else {
      facts.cleanup = rows.number(1) != 0;
      facts.retention = rows.number(5);
    }
  }
  return facts;
}

// The capture job of one database.
class CaptureJob {
 public:
  CaptureJob(Server& server, const DatabasePtr& database, const JobFacts& facts, Milliseconds marker_interval)
      : server_(server),
        work_(server.open(database, false)),
        scanner_(*work_),
        facts_(facts),
        marker_interval_(marker_interval) {
    totals_.start_time = local_datetime_now();
    cleanup_day_ = (local_ticks_now() - cleanup_at_ticks) / ticks_per_day;
    if (scanner_.newest_mapping()) last_mapping_ = std::chrono::steady_clock::now();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  // A running job keeps the numbers that it was started with, as SQL Server's does.
  void update(const JobFacts& facts) {
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

  void kick() {
    {
      const std::scoped_lock lock(wake_mutex_);
      kicked_ = true;
    }
    wake_.notify_all();
  }

  // After a commit with logged changes; cheap, on the committing session's thread.
  void changed() {
    pending_.store(true);
    if (event_driven_.load()) kick();
  }

  CaptureJobs::ScanResult scan_now() {
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

  void exclusively(const std::function<void()>& body) {
    const std::scoped_lock lock(mutex_);
    body();
    pending_.store(true);
  }

  void marker_now() {
    const std::scoped_lock lock(mutex_);
    scanner_.write_marker({});
    last_mapping_ = std::chrono::steady_clock::now();
  }

  std::int64_t cleanup(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark) {
    const std::scoped_lock lock(mutex_);
    return cleanup_locked(retention, mark, {});
  }

  void tell_scanner(void (LogScanner::*what)()) {
    const std::scoped_lock lock(mutex_);
    (scanner_.*what)();
  }
  void set_marker_interval(Milliseconds interval) {
    {
      const std::scoped_lock lock(mutex_);
      marker_interval_ = interval;
    }
    kick();
  }

  void set_interval(Milliseconds interval) {
    {
      const std::scoped_lock lock(mutex_);
      facts_.interval = interval;
    }
    kick();
  }

  std::vector<VirtualRow> session_rows() {
    const std::scoped_lock lock(rows_mutex_);
    std::vector<VirtualRow> rows{session_row(totals_)};
    for (const ScanSession& session : sessions_)
      rows.push_back(session_row(session));
    return rows;
  }

  std::vector<VirtualRow> error_rows() {
    const std::scoped_lock lock(rows_mutex_);
    std::vector<VirtualRow> rows;
    for (const ScanError& error : errors_) {
      rows.push_back({int_value(error.session), int_value(1), time_value(error.time), int_value(22859),
                      int_value(16), int_value(1), text_value(error.text), lsn_text_value({}),
                      lsn_text_value({}), lsn_text_value({})});
    }
    return rows;
  }

 private:
  void run(const std::stop_token& stop) {
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

  // One turn of the job; answers how long to wait until the next.
  Milliseconds cycle(const std::stop_token& stop) {
    const bool event_driven = facts_.interval.count() == 0;
    try {
      ScanReport report;
      if (pending_.exchange(false)) {
        report = scanner_.scan(facts_.limit, stop);
        if (static_cast<std::int64_t>(report.transactions.size()) >= facts_.limit ||
            scanner_.interleaving()) {
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

  void idle(const std::stop_token& stop) {
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

  std::int64_t cleanup_locked(std::optional<std::int64_t> retention, const std::optional<Lsn>& mark,
                              const std::stop_token& stop) {
    if (work_->before_write({}, stop)) return 0;
    const CleanupPlan plan =
        plan_cleanup(work_->connection(), retention ? retention : std::optional(facts_.retention), mark);
    apply_marks(work_->connection(), plan);
    work_->commit();
    if (work_->before_write({}, stop)) return 0;
    const std::int64_t deleted = delete_below_marks(work_->connection(), plan);
    work_->commit();
    return deleted;
  }

  void record(const ScanReport& report) {
    const std::scoped_lock lock(rows_mutex_);
    totals_.end_time = report.end_time;
    if (report.transactions.empty()) {
      ++totals_.empty_scans;
      if (sessions_.empty() || sessions_.back().tran_count != 0) add_session(report);
      ++sessions_.back().empty_scans;
      sessions_.back().end_time = report.end_time;
      return;
    }
    last_mapping_ = std::chrono::steady_clock::now();
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

  void add_session(const ScanReport& report) {
    ScanSession session;
    session.id = ++last_session_;
    session.start_time = report.start_time;
    sessions_.push_back(session);
    if (sessions_.size() > kept_sessions) sessions_.pop_front();
  }

  void fail(const Error& error) {
    log::error("sim.capture.failed", {{"database", work_->file().name}, {"error", error.what()}});
    const std::scoped_lock lock(rows_mutex_);
    ++totals_.errors;
    ++totals_.failed_sessions;
    errors_.push_back({last_session_, local_datetime_now(), error.what()});
    if (errors_.size() > kept_sessions) errors_.pop_front();
  }

  Server& server_;
  std::mutex mutex_;  // The work, the scanner, the facts.
  std::unique_ptr<Work> work_;
  LogScanner scanner_;
  JobFacts facts_;
  Milliseconds marker_interval_;
  std::optional<SteadyTime> last_mapping_;
  std::int64_t cleanup_day_ = 0;
  std::atomic<bool> pending_{true};
  std::atomic<bool> event_driven_{false};

  std::mutex rows_mutex_;
  ScanSession totals_;
  std::deque<ScanSession> sessions_;
  std::deque<ScanError> errors_;
  std::int64_t last_session_ = 0;

  std::mutex wake_mutex_;
  std::condition_variable_any wake_;
  bool kicked_ = false;
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace

struct CaptureJobs::State {
  Server& server;
  std::mutex mutex;
  Milliseconds marker_interval;
  std::map<std::int32_t, std::shared_ptr<CaptureJob>> jobs;

  std::shared_ptr<CaptureJob> find(std::int32_t id) {
    const std::scoped_lock lock(mutex);
    const auto found = jobs.find(id);
    return found == jobs.end() ? nullptr : found->second;
  }

  std::shared_ptr<CaptureJob> need(const Database& database) {
    std::shared_ptr<CaptureJob> job = find(database.id);
    if (job == nullptr)
      throw Error(ErrorKind::config, "the database has no CDC").with("database", database.name);
    return job;
  }

  void reconsider(const DatabasePtr& database) {
    const JobFacts facts = read_facts(*database);
    database->cdc_enabled = facts.cdc;
    std::shared_ptr<CaptureJob> ended;  // Ends outside of the lock: its thread is joined.
    const std::scoped_lock lock(mutex);
    const auto found = jobs.find(database->id);
    if (!facts.cdc) {
      if (found == jobs.end()) return;
      ended = std::move(found->second);
      jobs.erase(found);
    } else if (found == jobs.end()) {
      jobs.emplace(database->id, std::make_shared<CaptureJob>(server, database, facts, marker_interval));
    } else {
      found->second->update(facts);
    }
  }

  void watch(Database& database) {
    database.committed = [this, id = database.id](const LogNews& news) {
      if (news.jobs) {
        if (const DatabasePtr changed = server.find(id)) reconsider(changed);
      }
      if (!news.changes) return;
      if (const std::shared_ptr<CaptureJob> job = find(id)) job->changed();
    };
  }
};

CaptureJobs::CaptureJobs(Server& server, const JobSettings& settings)
    : state_(new State{server, {}, settings.marker_interval, {}}) {
  server.default_capture_interval_ms = settings.capture_interval.count();
  server.default_retention_minutes = settings.retention_minutes;
  server.on_database_created = [this](Database& database) { state_->watch(database); };
  server.on_database_dropped = [this](Database& database) {
    std::shared_ptr<CaptureJob> ended;
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->jobs.find(database.id);
    if (found == state_->jobs.end()) return;
    ended = std::move(found->second);
    state_->jobs.erase(found);
  };
  const auto rows_of = [this](const DatabaseFile& file, auto method) {
    const auto& database = static_cast<const Database&>(file);
    const std::shared_ptr<CaptureJob> job = state_->find(database.id);
    return job == nullptr ? std::vector<VirtualRow>{} : ((*job).*method)();
  };
  server.virtual_tables().add("sys_dm_cdc_log_scan_sessions", [rows_of](const DatabaseFile& file) {
    return rows_of(file, &CaptureJob::session_rows);
  });
  server.virtual_tables().add("sys_dm_cdc_errors", [rows_of](const DatabaseFile& file) {
    return rows_of(file, &CaptureJob::error_rows);
  });
  for (const DatabasePtr& database : server.databases()) {
    state_->watch(*database);
    if (database->cdc_enabled) state_->reconsider(database);
  }
}

CaptureJobs::~CaptureJobs() {
  for (const DatabasePtr& database : state_->server.databases())
    database->committed = nullptr;
  state_->server.on_database_created = nullptr;
  state_->server.on_database_dropped = nullptr;
}

void CaptureJobs::reconsider() {
  for (const DatabasePtr& database : state_->server.databases()) {
    if (database->cdc_enabled) state_->reconsider(database);
    if (const auto job = state_->find(database->id)) job->kick();
  }
}

CaptureJobs::ScanResult CaptureJobs::scan_now(Database& database) {
  return state_->need(database)->scan_now();
}
void CaptureJobs::marker_now(Database& database) {
  state_->need(database)->marker_now();
}

std::int64_t CaptureJobs::cleanup_now(Database& database, std::optional<std::int64_t> retention_minutes,
                                      std::optional<std::string> low_water_mark) {
  return state_->need(database)->cleanup(retention_minutes, low_water_mark);
}

void CaptureJobs::set_marker_interval(std::chrono::milliseconds interval) {
  std::vector<std::shared_ptr<CaptureJob>> all;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->marker_interval = interval;
    for (const auto& [id, job] : state_->jobs)
      all.push_back(job);
  }
  for (const auto& job : all)
    job->set_marker_interval(interval);
}

void CaptureJobs::set_capture_interval(Database& database, std::chrono::milliseconds interval) {
  state_->need(database)->set_interval(interval);
}

void CaptureJobs::interleave_next_two(Database& database) {
  state_->need(database)->tell_scanner(&LogScanner::interleave_next_two);
}

void CaptureJobs::insert_first_next(Database& database) {
  state_->need(database)->tell_scanner(&LogScanner::insert_first_next);
}

void CaptureJobs::exclusively(Database& database, const std::function<void()>& body) {
  if (const std::shared_ptr<CaptureJob> job = state_->find(database.id)) {
    job->exclusively(body);
  } else {
    body();
  }
  if (const DatabasePtr changed = state_->server.find(database.id)) state_->reconsider(changed);
}

}  // namespace tailrace::sim
