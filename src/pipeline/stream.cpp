// The stream: source thread -> queue in bytes -> apply.
#include "pipeline/stream.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/bounded_queue.h"
#include "base/log.h"
#include "pipeline/clock.h"
#include "pipeline/first_error.h"
#include "pipeline/pending.h"
#include "pipeline/signals.h"

namespace tailrace {
namespace {

using std::chrono::steady_clock;

class Stream {
 public:
  Stream(StreamTask task, Source& source, JoinerTask joins, std::stop_token drain, std::stop_token abandon)
      : task_(std::move(task)),
        source_(source),
        joins_(joins),
        sink_(joins.sink),
        progress_(joins.progress),
        on_drain_(std::move(drain), StopReading{*this}),
        on_abandon_(std::move(abandon), StopAll{*this}),
        queue_(task_.queue_bytes) {
    if (std::optional<SignalSettings> settings = sink_.signal_settings())
      signals_.emplace(signal_task(std::move(*settings)));
  }

  StreamEnd run() {
    source_.start_stream(task_.plan);
    handover_.moved(task_.plan.position->lsn);
    newest_end_ = *task_.plan.position;
    progress_.streaming = true;
    std::jthread reader([this] { read(); });
    StreamEnd end = StreamEnd::stopped;
    {
      Joiner joiner(joins_, handover_, error_);
      for (JoinJob& job : task_.jobs)
        joiner.add(std::move(job));
      try {
        end = apply(joiner);
      } catch (...) {
        error_.set_current();
      }
      joiner.drain();
      reading_.request_stop();
      queue_.close();
      reader.join();
      handover_.close();
      signals_.reset();
    }
    progress_.streaming = false;
    error_.rethrow();
    return end;
  }

 private:
  struct StopReading {
    Stream& stream;
    void operator()() const { stream.reading_.request_stop(); }
  };
  struct StopAll {
    Stream& stream;
    void operator()() const {
      stream.reading_.request_stop();
      stream.error_.request_stop();
    }
  };

  IncrementalTask signal_task(SignalSettings settings) {
    IncrementalTask out{joins_.settings, joins_.make_source, progress_};
    out.signals = std::move(settings);
    out.source_identity = task_.source_identity;
    for (const StreamTable& table : task_.plan.tables)
      out.tables.push_back(table.schema);
    out.stored = task_.memos[IncrementalSnapshots::memo_name];
    // An empty batch: the applying thread looks.
    out.wake = [this] {
      static_cast<void>(queue_.push(ChangeBatch{}, sizeof(ChangeBatch), reading_.get_token()));
    };
    return out;
  }

  void read() {
    const std::stop_callback on_error(error_.stop(), StopReading{*this});
    const std::stop_token stop = reading_.get_token();
    bool in_parts = false;
    try {
      while (std::optional<ChangeBatch> batch = source_.next(stop)) {
        if (!batch->empty()) {
          in_parts = !batch->end.has_value();
          if (batch->end) handover_.moved(batch->end->lsn);
          const std::size_t bytes = batch->bytes();
          if (!queue_.push(std::move(*batch), bytes, stop)) break;
        }
        if (!in_parts) {
          change_plan();
          watch();
        }
      }
    } catch (...) {
      error_.keep_current();
    }
    // What was read before is still applied: a source that fails again and again must not keep the position
    // from moving.
    queue_.close();
  }

  // Between two commit points a table may come or go.
  void change_plan() {
    const std::optional<Handover::Change> change = handover_.take();
    if (!change) return;
    try {
      if (change->join) source_.add_table(*change->join);
      if (change->leave) source_.remove_table(*change->leave);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::abandoned && reading_.stop_requested()) return;
      // What speaks against this table is no concern of the others.
      if (!concerns_one_table(error.kind()) && error.kind() != ErrorKind::conflict) throw;
      handover_.refuse();
    }
  }

  void watch() {
    if (!signals_) return;
    if (const std::optional<WatchedMark> watched = signals_->take_watch())
      source_.watch(watched->mark, watched->number);
  }

  // True at the end of a commit point. Nothing if stopped first.
  std::optional<bool> give(ChangeBatch& batch) {
    pending_.add(batch);  // The sink may keep the rows.
    if (signals_) {
      signals_->see(batch);
      if (batch.end) signals_->add_to(batch);
    }
    if (!sink_.write(batch, error_.stop())) return std::nullopt;
    for (const SchemaPtr& table : batch.joining)
      joining_.push_back(table->name);
    if (!batch.end) return false;
    newest_end_ = *batch.end;
    batch.tables.clear();
    batch.reads.clear();
    ended_.push_back(std::move(batch));
    return true;
  }

  // What signals have to say where the source says nothing.
  bool give_own_end() {
    if (!signals_ || !signals_->wants_end()) return true;
    ChangeBatch own;
    own.end = newest_end_;
    return give(own).has_value();
  }

  StreamEnd apply(Joiner& joiner) {
    auto next_beat = steady_clock::now() + joins_.settings.look_every;
    bool in_parts = false;  // Inside a commit point: no heartbeat, no leaving.
    std::optional<ChangeBatch> batch;
    for (;;) {
      const auto held_until = in_parts ? std::nullopt : sink_.holds_until();
      const QueueResult popped =
          queue_.pop_until(batch, held_until ? std::min(*held_until, next_beat) : next_beat, error_.stop());
      progress_.queue_bytes = queue_.held_bytes();
      if (popped == QueueResult::ended) {
        // A drain: what the sink holds is whole commit points.
        if (!in_parts && sink_.flush(error_.stop())) static_cast<void>(after_commits());
        return StreamEnd::stopped;
      }
      if (popped == QueueResult::done && !batch->empty()) {
        const std::optional<bool> is_end = give(*batch);
        if (!is_end) return StreamEnd::stopped;
        in_parts = !*is_end;
        if (!in_parts) {
          if (const std::optional<StreamEnd> end = after_commits()) return *end;
        }
      }
      if (!in_parts) {
        if (!give_own_end()) return StreamEnd::stopped;
        if (const std::optional<StreamEnd> end = after_commits()) return *end;
      }
      if (!in_parts && is_held_long_enough()) {
        if (!sink_.flush(error_.stop())) return StreamEnd::stopped;
        if (const std::optional<StreamEnd> end = after_commits()) return *end;
      }
      if (steady_clock::now() >= next_beat) {
        if (!in_parts) beat(joiner);
        next_beat = steady_clock::now() + joins_.settings.look_every;
      }
      if (!in_parts && is_caught_up(joiner)) return StreamEnd::caught_up;
    }
  }

  void beat(Joiner& joiner) {
    if (signals_) signals_->take(sink_.take_signals());
    for (const TableRequest& request : sink_.heartbeat()) {
      // A table of the first load is in the stream's hands: the request waits until it streams.
      if (!task_.catching_up.contains(request.table)) joiner.request(request);
    }
  }

  bool is_caught_up(const Joiner& joiner) const {
    return task_.until_caught_up && run_mark_reached_ && task_.catching_up.empty() && joiner.is_idle() &&
           !(signals_ && signals_->is_busy());
  }

  void tell_joined(const ChangeBatch& batch) {
    for (const TableName& table : joining_) {
      progress_.set_table(table, TableState::streaming, 0);
      log::info("table.streaming", {{"table", table.str()}, {"lsn", batch.end->lsn.hex()}});
    }
    if (!joining_.empty() || !batch.left.empty()) handover_.durable();
    joining_.clear();
  }

  // Also where one batch follows the other without a pause.
  bool is_held_long_enough() const {
    const auto held_until = sink_.holds_until();
    return held_until && steady_clock::now() >= *held_until;
  }

  // Commit points that the sink has taken count once they are durable (R16).
  std::optional<StreamEnd> after_commits() {
    if (sink_.holds_until()) return std::nullopt;
    pending_.settle(progress_);
    for (const ChangeBatch& ended : std::exchange(ended_, {})) {
      if (const std::optional<StreamEnd> end = after_commit(ended)) return end;
    }
    return std::nullopt;
  }

  std::optional<StreamEnd> after_commit(const ChangeBatch& batch) {
    progress_.add_dead_letters(sink_.take_dead_letters());
    ++progress_.commits;
    ++progress_.durable_steps;
    if (batch.end->commit_time_utc != 0) progress_.last_commit_time_utc = batch.end->commit_time_utc;
    progress_.last_durable_at_utc = now_ticks_utc();
    run_mark_reached_ = run_mark_reached_ || batch.run_mark_reached;
    tell_joined(batch);
    if (batch.ends_stream) return StreamEnd::again;
    if (!batch.caught_up.empty()) {
      if (!sink_.parked_keys().empty()) return StreamEnd::again;
      for (const TableName& table : batch.caught_up) {
        task_.catching_up.erase(table);
        progress_.set_table(table, TableState::streaming, 0);
        log::info("table.streaming", {{"table", table.str()}, {"lsn", batch.end->lsn.hex()}});
      }
      // Where a drain ends this the next run does it; what was read is applied all the same.
      if (!sink_.finish_constraints(reading_.get_token())) return std::nullopt;
    }
    return std::nullopt;
  }

  StreamTask task_;
  Source& source_;
  const JoinerTask joins_;
  Sink& sink_;
  Progress& progress_;
  FirstError error_;
  std::stop_source reading_;
  std::stop_callback<StopReading> on_drain_;
  std::stop_callback<StopAll> on_abandon_;
  BoundedQueue<ChangeBatch> queue_;
  Pending pending_;
  Handover handover_;
  std::vector<TableName> joining_;  // With the open commit point.
  std::vector<ChangeBatch> ended_;  // Taken by the sink, without their rows; not durable yet.
  Position newest_end_;             // That the sink has taken.
  std::optional<Signals> signals_;  // Its threads use the queue.
  bool run_mark_reached_ = false;
};

}  // namespace

StreamEnd run_stream(StreamTask task, Source& source, JoinerTask joins, std::stop_token drain,
                     std::stop_token abandon) {
  return Stream(std::move(task), source, joins, std::move(drain), std::move(abandon)).run();
}

}  // namespace tailrace
