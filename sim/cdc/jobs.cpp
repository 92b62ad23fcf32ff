// The capture jobs of all databases: started, stopped and told what procedures and tests want of them.
#include "sim/cdc/jobs.h"

#include <map>
#include <mutex>

#include "base/error.h"
#include "sim/catalog/virtual_table.h"
#include "sim/cdc/capture_job_internal.h"

namespace tailrace::sim {

struct CaptureJobs::State {
  Server& server;
  std::mutex mutex;
  std::chrono::milliseconds marker_interval;
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
