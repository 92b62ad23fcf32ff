// The runner: one attempt opens both sides, loads, streams; the loop around it is in attempts.cpp.
#include "pipeline/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/log.h"
#include "pipeline/attempts.h"
#include "pipeline/joiner.h"
#include "pipeline/load.h"
#include "pipeline/parked.h"
#include "pipeline/retry.h"
#include "pipeline/stream.h"

namespace tailrace {
namespace {

// What is asked for once in the life of the process, whichever attempt it is that does it.
struct Wishes {
  // Cleared as soon as the sink has been opened with it: a runner that deposes again whoever deposed it would begin a fight.
  bool take_over = false;
  bool all = false;    // Load the tables of the stream again (snapshot.mode: always).
  bool fresh = false;  // Begin as if nothing were stored (when_needed, behind a gap).
};

class Attempt {
 public:
  Attempt(const RunSettings& settings, const SourceFactory& make_source, std::unique_ptr<Sink> sink,
          Progress& progress, RetryPolicy& retry)
      : settings_(settings),
        make_source_(make_source),
        source_(make_source()),
        sink_(std::move(sink)),
        progress_(progress),
        retry_(retry) {}

  // Nothing: start again with new instances. `wishes` are cleared as they come true.
  // `ending`: drained or abandoned.
  std::optional<RunEnd> run(Wishes& wishes, const std::stop_token& drain, const std::stop_token& abandon,
                            const std::stop_token& ending) {
    resume_ = sink_->open(wishes.take_over, ending);
    wishes.take_over = false;
    if (resume_.succeeded_before) retry_.succeeded_before();
    refuse_without_position();
    // What is stored is not held against a source that has lost it.
    info_ = source_->open(wishes.fresh ? ResumeState{} : resume_, ending);
    refuse_signals_of_nobody();
    sink_->use_tables(info_.tables);
    forget_unconfigured();
    const std::optional<HighMark> run_mark =
        settings_.until_caught_up ? std::optional(source_->take_mark()) : std::nullopt;
    if (wishes.fresh) {
      begin_fresh();
    } else {
      if (!sort_tables(ending)) return ended(RunEnd::drained);
      if (wishes.all) begin_all();
      begin_missing();
    }
    wishes.fresh = wishes.all = false;
    if (!load(drain, abandon, ending)) return ended(RunEnd::drained);
    if (settings_.snapshot_only || settings_.snapshot_mode == SnapshotMode::initial_only)
      return ended(load_jobs(ending, abandon) ? RunEnd::loaded : RunEnd::drained);
    if (!settle_parked_keys(*source_, *sink_, resume_, ending)) return ended(RunEnd::drained);
    switch (stream(run_mark, drain, abandon, ending)) {
      case StreamEnd::stopped: return ended(RunEnd::drained);
      case StreamEnd::caught_up: return ended(RunEnd::caught_up);
      case StreamEnd::again: return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  RunEnd ended(RunEnd end) {
    sink_->close();
    return end;
  }

  void refuse_without_position() const {
    if (!needs_position(settings_.snapshot_mode) || resume_.position) return;
    throw Error(ErrorKind::config, "nothing is stored of this pipeline: there is no position to go on from")
        .with("snapshot.mode", std::string(name_of(settings_.snapshot_mode)))
        .with("remedy", "snapshot.mode: initial loads the tables first, no_data begins where the source is");
  }

  // Its rows would never come.
  void refuse_signals_of_nobody() const {
    const std::optional<SignalSettings> signals = sink_->signal_settings();
    if (!signals || !signals->table) return;
    const auto is_it = [&](const SchemaPtr& schema) { return schema->name == *signals->table; };
    const bool is_known =
        std::any_of(info_.tables.begin(), info_.tables.end(), is_it) ||
        std::find(info_.unfit.begin(), info_.unfit.end(), *signals->table) != info_.unfit.end();
    if (is_known) return;
    throw Error(ErrorKind::config, "the signal table is not among the captured tables of the configuration")
        .with("table", signals->table->str())
        .with("remedy", "enable it for CDC, and see tables.include");
  }

  TableProgress* known(const TableName& table) {
    const auto found = resume_.tables.find(table);
    return found == resume_.tables.end() ? nullptr : &found->second;
  }

  void forget_unconfigured() {
    std::set<TableName> configured(info_.unfit.begin(), info_.unfit.end());
    for (const SchemaPtr& schema : info_.tables)
      configured.insert(schema->name);
    std::vector<TableName> gone;
    for (const auto& [name, progress] : resume_.tables) {
      if (!configured.contains(name)) gone.push_back(name);
    }
    if (gone.empty()) return;
    sink_->forget(gone);
    for (const TableName& name : gone)
      resume_.tables.erase(name);
  }

  // Who loads what: tables of the first load are loaded here, before the stream; what comes later, and what is outside the
  // stream already, is the joiner's, so that no table that streams waits for it (R12). False if stopped first.
  bool sort_tables(const std::stop_token& stop) {
    const bool streams = std::any_of(resume_.tables.begin(), resume_.tables.end(), [](const auto& each) {
      return each.second.state == TableState::streaming || each.second.outside;
    });
    for (const TableRequest& request : resume_.requests) {
      const TableProgress* const progress = known(request.table);
      if (progress == nullptr || progress->outside) {
        jobs_.push_back({request.table, request});
        continue;
      }
      if (!answer_at_start(request, *progress, stop)) return false;
    }
    for (const auto& [name, progress] : resume_.tables) {
      if (!progress.outside) continue;
      // Whoever left them between it and the others: a state of an older version, or somebody's hand.
      if (!sink_->set_keys_aside(name, stop)) return false;
      if (progress.state != TableState::paused) add_job(name);
    }
    for (const SchemaPtr& schema : info_.tables) {
      if (known(schema->name) != nullptr) continue;
      if (streams) {
        add_job(schema->name);
      } else {
        starting_.push_back(schema);
      }
    }
    return true;
  }

  void add_job(const TableName& table) {
    const bool is_there =
        std::any_of(jobs_.begin(), jobs_.end(), [&](const JoinJob& job) { return job.table == table; });
    if (!is_there) jobs_.push_back({table, {}});
  }

  // A table of the stream that is asked to go: before the stream starts, because it may be what keeps the stream from starting
  // (a gap). One whose first load has not ended has nothing to show, and begins anew where it is. False if stopped first.
  bool answer_at_start(const TableRequest& request, const TableProgress& progress,
                       const std::stop_token& stop) {
    const bool leaves = request.wanted == Wanted::resnapshot ||
                        (request.wanted == Wanted::pause && progress.state == TableState::streaming);
    if (!leaves) {
      jobs_.push_back({request.table, request});  // To be refused with its reason.
      return true;
    }
    if (progress.state == TableState::loading) {
      for (const SchemaPtr& schema : info_.tables) {
        if (schema->name == request.table) starting_.push_back(schema);
      }
      return true;
    }
    if (!sink_->set_keys_aside(request.table, stop)) return false;
    sink_->leave({request.table});
    TableProgress& left = resume_.tables.at(request.table);
    left.outside = true;
    left.low = std::max(left.low, resume_.position->lsn);
    if (left.state == TableState::streaming) left.state = TableState::paused;
    log::info("table.left", {{"table", request.table.str()}, {"lsn", left.low.hex()}});
    if (request.wanted == Wanted::resnapshot) jobs_.push_back({request.table, request});
    return true;
  }

  // Every table of the stream begins its load anew (snapshot.mode: always). Changes behind the stored position follow it, so
  // that none is passed over, also of rows that were deleted since.
  void begin_all() {
    if (!resume_.position || resume_.adopted) return;  // A first start loads them anyway.
    std::vector<TableStart> starts;
    for (const SchemaPtr& schema : info_.tables) {
      const TableProgress* const progress = known(schema->name);
      if (progress == nullptr || progress->outside) continue;
      const auto is_same = [&](const SchemaPtr& each) { return each->name == schema->name; };
      std::erase_if(starting_, is_same);
      std::erase_if(jobs_, [&](const JoinJob& job) { return job.table == schema->name; });
      const Lsn low = std::max(progress->low, resume_.position->lsn);
      starts.push_back({schema, low, /*shadow=*/false, /*loads=*/true});
    }
    if (starts.empty()) return;
    log::info("snapshot.again", {{"mode", name_of(settings_.snapshot_mode)},
                                 {"tables", starts.size()},
                                 {"position", resume_.position->lsn.hex()}});
    sink_->begin_load(info_.identity, starts, *resume_.position);
    tell_begun(starts);
  }

  // Everything from the beginning: what is stored means nothing at this source any more.
  void begin_fresh() {
    const std::vector<Lsn> lows = source_->take_low(info_.tables);
    std::vector<TableStart> starts;
    for (std::size_t i = 0; i < lows.size(); ++i)
      starts.push_back({info_.tables[i], lows[i], /*shadow=*/false, /*loads=*/true});
    TAILRACE_ASSERT(!starts.empty());
    resume_.position = Position{*std::min_element(lows.begin(), lows.end()), "", 0};
    sink_->begin_again(info_.identity, starts, *resume_.position);
    resume_.tables.clear();
    tell_begun(starts);
  }

  // The first load of tables that have nothing to show yet.
  void begin_missing() {
    if (starting_.empty()) return;
    // Only what has never been begun: a load that a command wants anew is a load.
    const bool loads =
        !resume_.adopted && (loads_first(settings_.snapshot_mode) || resume_.position.has_value());
    std::vector<Lsn> lows = source_->take_low(starting_);
    TAILRACE_ASSERT(lows.size() == starting_.size());
    if (resume_.adopted) {
      lows.assign(starting_.size(), resume_.position->lsn);
      log::info("pipeline.adopted",
                {{"position", resume_.position->lsn.hex()}, {"tables", starting_.size()}});
    } else if (!loads && (settings_.start.lsn || settings_.start.time_utc)) {
      resume_.position = source_->position_at(settings_.start, starting_);
      lows.assign(starting_.size(), resume_.position->lsn);
    }
    std::vector<TableStart> starts;
    for (std::size_t i = 0; i < starting_.size(); ++i)
      starts.push_back({starting_[i], lows[i], /*shadow=*/false, loads});
    if (!resume_.position) resume_.position = Position{*std::min_element(lows.begin(), lows.end()), "", 0};
    sink_->begin_load(info_.identity, starts, *resume_.position);
    tell_begun(starts);
  }

  // What a begun load means for the state that this attempt goes on with.
  void tell_begun(const std::vector<TableStart>& starts) {
    for (const TableStart& start : starts) {
      TableProgress& progress = resume_.tables[start.schema->name];
      progress = {};
      progress.table = start.schema->name;
      progress.low = start.low;
      progress.instance = start.schema->instance;
      if (!start.loads) {
        progress.chunks = {{Chunk{progress.table, 0, {}, {}, 0}, /*done=*/true, 0}};
        log::info("table.not_loaded", {{"table", progress.table.str()}, {"low", start.low.hex()}});
        continue;
      }
      progress_.begin_load(start.schema->name);
      log::info("table.loading", {{"table", start.schema->name.str()},
                                  {"low", start.low.hex()},
                                  {"estimated_rows", start.schema->estimated_rows},
                                  {"again", false}});
    }
  }

  // False if it was stopped first.
  bool load_jobs(const std::stop_token& drain, const std::stop_token& abandon) {
    const JoinerTask task{settings_, make_source_, *sink_, progress_};
    return std::all_of(jobs_.begin(), jobs_.end(),
                       [&](const JoinJob& job) { return load_outside(task, job, drain, abandon); });
  }

  // False if it was stopped before everything was loaded.
  bool load(const std::stop_token& drain, const std::stop_token& abandon, const std::stop_token& ending) {
    std::vector<LoadTable> tables;
    std::vector<SchemaPtr> schemas;
    for (const SchemaPtr& schema : info_.tables) {
      const TableProgress* const progress = known(schema->name);
      if (progress == nullptr) continue;
      progress_.set_table(schema->name, progress->state, schema->estimated_rows);
      if (progress->state != TableState::loading || progress->outside) continue;
      tables.push_back({schema, progress->chunks});
      schemas.push_back(schema);
    }
    if (tables.empty()) return true;
    if (!load_tables(settings_, tables, *source_, *sink_, progress_, drain, abandon)) return false;
    // After the last read, before anything else: what commits from here on is in the stream alone.
    const HighMark mark = source_->take_mark();
    if (!sink_->finish_load(schemas, mark, ending)) return false;
    for (const SchemaPtr& schema : schemas) {
      TableProgress& progress = resume_.tables.at(schema->name);
      progress.state = TableState::catching_up;
      progress.high_mark = mark;
      progress_.set_table(schema->name, progress.state, 0);
      log::info("table.loaded", {{"table", schema->name.str()}});
    }
    return true;
  }

  StreamEnd stream(const std::optional<HighMark>& run_mark, const std::stop_token& drain,
                   const std::stop_token& abandon, const std::stop_token& ending) {
    StreamTask task;
    task.plan.position = resume_.position;
    task.plan.run_mark = run_mark;
    task.until_caught_up = settings_.until_caught_up;
    task.queue_bytes = settings_.queue_bytes;
    for (const SchemaPtr& schema : info_.tables) {
      const TableProgress* const progress = known(schema->name);
      if (progress == nullptr || progress->outside) continue;
      StreamTable table{schema, progress->low, std::nullopt, progress->instance};
      if (progress->state == TableState::catching_up) {
        TAILRACE_ASSERT(progress->high_mark.has_value());
        table.high_mark = progress->high_mark;
        task.catching_up.insert(schema->name);
      }
      task.plan.tables.push_back(std::move(table));
    }
    // A crash may have come between a table's joining and its constraints.
    if (!sink_->finish_constraints(ending)) return StreamEnd::stopped;
    log::info("stream.start", {{"position", resume_.position ? resume_.position->lsn.hex() : "none"},
                               {"tables", task.plan.tables.size()},
                               {"catching_up", task.catching_up.size()},
                               {"joining", jobs_.size()}});
    task.jobs = std::move(jobs_);
    task.source_identity = info_.identity;
    task.memos = resume_.memos;
    return run_stream(std::move(task), *source_, {settings_, make_source_, *sink_, progress_}, drain,
                      abandon);
  }

  const RunSettings& settings_;
  const SourceFactory& make_source_;
  // The sink is closed first: its chunk writers and the source's readers are gone by then.
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  Progress& progress_;
  RetryPolicy& retry_;
  ResumeState resume_;
  SourceInfo info_;
  std::vector<SchemaPtr> starting_;  // Of the first load, from its beginning.
  std::vector<JoinJob> jobs_;
};

}  // namespace

RunEnd run_pipeline(const RunSettings& settings, const SourceFactory& make_source,
                    const SinkFactory& make_sink, Progress& progress, std::stop_token drain,
                    std::stop_token abandon) {
  Wishes wishes;
  wishes.take_over = settings.take_over;
  wishes.all = settings.snapshot_mode == SnapshotMode::always;
  const auto once = [&](RetryPolicy& retry, const std::stop_token& ending) -> std::optional<RunEnd> {
    Attempt attempt(settings, make_source, make_sink(), progress, retry);
    try {
      return attempt.run(wishes, drain, abandon, ending);
    } catch (const Error& error) {
      const bool is_mended = error.kind() == ErrorKind::gap &&
                             settings.snapshot_mode == SnapshotMode::when_needed && !wishes.fresh;
      if (!is_mended) throw;
      log::warn("snapshot.needed", {{"reason", error.what()}});
    }
    wishes.fresh = true;
    return std::nullopt;
  };
  return run_attempts(settings, progress, drain, abandon, once);
}

}  // namespace tailrace
