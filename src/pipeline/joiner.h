// Tables that are outside the stream while it runs (R12): a thread loads them, replays their changes, and brings them to where
// they can join; it also carries out what commands ask for a table.
//
// Shape    One table at a time; the others wait in a queue. Each attempt has a source of its own from the factory and a sink of
//          one table; where it stands is asked of that sink, so a crash anywhere goes on from there.
// Errors   What concerns one table alone (gap, data, schema, config) is recorded with the table, which stays as it is; with
//          `until_caught_up` it ends the run, which could not end otherwise. What can be retried is. The rest goes to `error`.
// Threads  request() and is_idle(): the applying thread. The destructor joins the thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include "pipeline/first_error.h"
#include "pipeline/handover.h"
#include "pipeline/retry.h"
#include "pipeline/runner.h"

namespace tailrace {

struct JoinJob {
  TableName table;
  TableRequest request;  // `nothing` where an earlier run left the table on its way.
};

struct JoinerTask {
  const RunSettings& settings;
  const SourceFactory& make_source;
  Sink& sink;  // Only outside() is called.
  Progress& progress;
};

// Errors of these kinds are one table's: the others go on.
bool concerns_one_table(ErrorKind kind);

// Loads a table that is outside the stream without joining it (`--snapshot-only`). False if stopped first.
[[nodiscard]] bool load_outside(const JoinerTask& task, const JoinJob& job, const std::stop_token& drain,
                                const std::stop_token& abandon);

class Joiner {
 public:
  Joiner(JoinerTask task, Handover& handover, FirstError& error);
  ~Joiner();

  // Requests that were taken before are passed by. A new one for the table that is being worked on ends that work first.
  void request(const TableRequest& request);
  void add(JoinJob job);
  // Nothing is under way or waits.
  bool is_idle() const;
  // Ends it at the next durable step; what is under way is dropped with `error`'s stop.
  void drain();

 private:
  void work();
  std::optional<JoinJob> next_job();
  void bring(const JoinJob& job);
  bool try_once(const JoinJob& job, RetryPolicy& retry);

  JoinerTask task_;
  Handover& handover_;
  FirstError& error_;
  std::stop_source ending_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<JoinJob> waiting_;
  std::optional<JoinJob> current_;
  std::stop_source interrupt_;  // Of the current job.
  std::set<std::int64_t> seen_;
  std::jthread thread_;
};

}  // namespace tailrace
