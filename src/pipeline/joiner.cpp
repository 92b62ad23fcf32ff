// The joiner's queue, thread and retries.
#include "pipeline/joiner.h"

#include <algorithm>

#include "base/log.h"
#include "base/wait.h"
#include "pipeline/join_attempt.h"

namespace tailrace {
namespace {

using std::chrono::steady_clock;

// The table stays as it is; whoever asked for what was tried is told, and `status` shows it. A request that came since then is
// not answered by that: it is still to be tried.
void hold(const JoinerTask& task, const TableRequest& tried, const Error& error,
          const std::stop_token& stop) {
  log::error("table.held",
             {{"table", tried.table.str()}, {"kind", name_of(error.kind())}, {"error", error.what()}});
  const std::unique_ptr<Sink> sink = task.sink.outside(tried.table);
  const ResumeState state = sink->open(/*take_over=*/false, stop);
  if (!state.tables.empty()) sink->record_error(error.what());
  for (const TableRequest& request : state.requests) {
    if (request.id == tried.id) sink->answer(request, error.what());
  }
}

}  // namespace

bool concerns_one_table(ErrorKind kind) {
  return kind == ErrorKind::gap || kind == ErrorKind::data || kind == ErrorKind::schema ||
         kind == ErrorKind::config;
}

bool load_outside(const JoinerTask& task, const JoinJob& job, const std::stop_token& drain,
                  const std::stop_token& abandon) {
  // Without a stream to join nothing is replayed that could ask for another beginning.
  const bool is_done = JoinAttempt(task, job.table, nullptr, {drain, abandon}).run();
  TAILRACE_ASSERT(is_done);
  return !drain.stop_requested();
}

Joiner::Joiner(JoinerTask task, Handover& handover, FirstError& error)
    : task_(task), handover_(handover), error_(error), thread_([this] { work(); }) {}

Joiner::~Joiner() {
  drain();
}

void Joiner::drain() {
  const std::lock_guard lock(mutex_);
  ending_.request_stop();
  interrupt_.request_stop();
}

void Joiner::add(JoinJob job) {
  const std::lock_guard lock(mutex_);
  if (job.request.id != 0) seen_.insert(job.request.id);
  waiting_.push_back(std::move(job));
  changed_.notify_all();
}

void Joiner::request(const TableRequest& request) {
  const std::lock_guard lock(mutex_);
  if (!seen_.insert(request.id).second) return;
  waiting_.push_back({request.table, request});
  if (current_ && current_->table == request.table) {
    interrupt_.request_stop();
    waiting_.push_back(
        {request.table, {}});  // It goes on with what was under way, should the request be refused.
  }
  changed_.notify_all();
}

bool Joiner::is_idle() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty() && !current_;
}

std::optional<JoinJob> Joiner::next_job() {
  std::unique_lock lock(mutex_);
  current_.reset();
  if (!changed_.wait(lock, ending_.get_token(), [&] { return !waiting_.empty(); })) return std::nullopt;
  if (ending_.stop_requested()) return std::nullopt;
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  interrupt_ = {};
  return current_;
}

void Joiner::work() {
  try {
    while (const std::optional<JoinJob> job = next_job())
      bring(*job);
  } catch (...) {
    error_.set_current();
  }
}

void Joiner::bring(const JoinJob& job) {
  RetryPolicy retry(task_.settings.first_contact, task_.settings.shortest_retry, steady_clock::now());
  retry.succeeded_before();  // The pipeline has.
  while (!try_once(job, retry)) {
  }
}

// False: to be tried again.
bool Joiner::try_once(const JoinJob& job, RetryPolicy& retry) {
  std::stop_token early;
  {
    const std::lock_guard lock(mutex_);
    early = interrupt_.get_token();
  }
  JoinAttempt attempt(task_, job.table, &handover_, {early, error_.stop()});
  try {
    try {
      return attempt.run();
    } catch (const Error& error) {
      if (early.stop_requested()) return true;
      if (!concerns_one_table(error.kind())) throw;
      attempt.let_go();
      hold(task_, attempt.request(), error, early);
      if (task_.settings.until_caught_up) throw;
      return true;
    }
  } catch (const Error& error) {
    if (early.stop_requested() && error.kind() != ErrorKind::fenced) return true;
    if (attempt.has_moved()) retry.made_progress();
    const std::optional<std::chrono::milliseconds> wait = retry.after(error.kind(), steady_clock::now());
    if (!wait) throw;
    ++task_.progress.retries;
    log::warn("table.retry", {{"table", job.table.str()},
                              {"kind", name_of(error.kind())},
                              {"wait_ms", wait->count()},
                              {"error", error.what()}});
    wait_for(*wait, early);
    return early.stop_requested();
  }
}

}  // namespace tailrace
