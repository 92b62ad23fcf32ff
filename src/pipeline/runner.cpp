// The runner: one attempt opens both sides, loads, streams; the loop around it retries what can be retried.
#include "pipeline/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "base/log.h"
#include "base/wait.h"
#include "pipeline/load.h"
#include "pipeline/retry.h"
#include "pipeline/stream.h"

namespace tailrace {
namespace {

using std::chrono::steady_clock;

// Parked keys whose rows are in memory together: rows with large values, for those alone get parked.
constexpr std::size_t keys_at_once = 100;

class Attempt {
 public:
  Attempt(const RunSettings& settings, std::unique_ptr<Source> source, std::unique_ptr<Sink> sink,
          Progress& progress, RetryPolicy& retry)
      : settings_(settings),
        source_(std::move(source)),
        sink_(std::move(sink)),
        progress_(progress),
        retry_(retry) {}

  // Nothing: start again with new instances. `take_over` is asked for once: cleared as soon as the sink has been opened
  // with it, because a runner that deposes again whoever deposed it would begin a fight.
  // `ending`: drained or abandoned.
  std::optional<RunEnd> run(bool& take_over, const std::stop_token& drain, const std::stop_token& abandon,
                            const std::stop_token& ending) {
    resume_ = sink_->open(take_over, ending);
    take_over = false;
    if (resume_.succeeded_before) retry_.succeeded_before();
    info_ = source_->open(resume_, ending);
    sink_->use_tables(info_.tables);
    const std::optional<HighMark> run_mark =
        settings_.until_caught_up ? std::optional(source_->take_mark()) : std::nullopt;
    begin_missing();
    if (!load(drain, abandon, ending)) return ended(RunEnd::drained);
    if (settings_.snapshot_only) return ended(RunEnd::loaded);
    if (!settle_parked(ending)) return ended(RunEnd::drained);
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

  // Tables that are not in the state, and those that a command wants taken again, begin to load. Whatever state they
  // are in: a gap may well have come while they loaded or caught up, and then this is the only way on. The target keeps
  // showing a table that was whole once; one of a first load that never ended has nothing to show.
  void begin_missing() {
    std::vector<SchemaPtr> schemas;
    std::vector<bool> shadow;
    for (const SchemaPtr& schema : info_.tables) {
      const auto known = resume_.tables.find(schema->name);
      const bool is_known = known != resume_.tables.end();
      if (is_known && known->second.desired != "resnapshot") continue;
      schemas.push_back(schema);
      shadow.push_back(is_known && (known->second.state != TableState::loading || known->second.shadow));
    }
    if (schemas.empty()) return;
    const std::vector<Lsn> lows = source_->take_low(schemas);
    TAILRACE_ASSERT(lows.size() == schemas.size());
    std::vector<TableStart> starts;
    for (std::size_t i = 0; i < schemas.size(); ++i)
      starts.push_back({schemas[i], lows[i], shadow[i]});
    if (!resume_.position) resume_.position = Position{*std::min_element(lows.begin(), lows.end()), "", 0};
    sink_->begin_load(info_.identity, starts, *resume_.position);
    for (const TableStart& start : starts) {
      TableProgress& progress = resume_.tables[start.schema->name];
      progress = {};
      progress.table = start.schema->name;
      progress.shadow = start.shadow;
      progress.low = start.low;
      progress.instance = start.schema->instance;
      progress_.begin_load(start.schema->name);
      log::info("table.loading", {{"table", start.schema->name.str()},
                                  {"low", start.low.hex()},
                                  {"estimated_rows", start.schema->estimated_rows},
                                  {"again", start.shadow}});
    }
  }

  // False if it was stopped before everything was loaded.
  bool load(const std::stop_token& drain, const std::stop_token& abandon, const std::stop_token& ending) {
    std::vector<LoadTable> tables;
    std::vector<SchemaPtr> schemas;
    for (const SchemaPtr& schema : info_.tables) {
      const TableProgress& progress = resume_.tables.at(schema->name);
      progress_.set_table(schema->name, progress.state, schema->estimated_rows);
      if (progress.state != TableState::loading) continue;
      tables.push_back({schema, progress.chunks});
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

  // False if it was stopped before every key was settled.
  bool settle_parked(const std::stop_token& stop) {
    for (const ParkedKeys& parked : sink_->parked_keys()) {
      const std::unique_ptr<SnapshotReader> reader = source_->snapshot_reader();
      std::size_t found = 0;
      for (std::size_t begin = 0; begin < parked.keys.size(); begin += keys_at_once) {
        const auto some =
            std::span(parked.keys).subspan(begin, std::min(keys_at_once, parked.keys.size() - begin));
        const std::optional<RowBatch> rows = reader->read_keys(parked.schema, some, stop);
        if (!rows) return false;
        const HighMark mark = source_->take_mark();
        sink_->settle_parked({parked.schema, {some.begin(), some.end()}}, *rows, mark);
        resume_.tables.at(parked.schema->name).high_mark = mark;
        found += rows->rows();
      }
      log::warn("table.keys_read_again",
                {{"table", parked.schema->name.str()}, {"parked", parked.keys.size()}, {"found", found}});
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
      const TableProgress& progress = resume_.tables.at(schema->name);
      StreamTable table{schema, progress.low, std::nullopt};
      if (progress.state == TableState::catching_up) {
        TAILRACE_ASSERT(progress.high_mark.has_value());
        table.high_mark = progress.high_mark;
        task.catching_up.insert(schema->name);
        if (progress.shadow) task.plan.one_commit_until_marks = true;
      }
      task.plan.tables.push_back(std::move(table));
    }
    // A crash may have come between a table's joining and its constraints.
    if (!sink_->finish_constraints(ending)) return StreamEnd::stopped;
    log::info("stream.start", {{"position", resume_.position ? resume_.position->lsn.hex() : "none"},
                               {"tables", info_.tables.size()},
                               {"catching_up", task.catching_up.size()}});
    return run_stream(std::move(task), *source_, *sink_, progress_, drain, abandon);
  }

  const RunSettings& settings_;
  // The sink is closed first: its chunk writers and the source's readers are gone by then.
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  Progress& progress_;
  RetryPolicy& retry_;
  ResumeState resume_;
  SourceInfo info_;
};

}  // namespace

RunEnd run_pipeline(const RunSettings& settings, const SourceFactory& make_source,
                    const SinkFactory& make_sink, Progress& progress, std::stop_token drain,
                    std::stop_token abandon) {
  RetryPolicy retry(settings.first_contact, settings.shortest_retry, steady_clock::now());
  std::uint64_t steps_seen = 0;
  std::stop_source ending;
  const auto wake = [&] { ending.request_stop(); };
  const std::stop_callback on_drain(drain, wake);
  const std::stop_callback on_abandon(abandon, wake);
  bool take_over = settings.take_over;
  for (;;) {
    try {
      Attempt attempt(settings, make_source(), make_sink(), progress, retry);
      const std::optional<RunEnd> end = attempt.run(take_over, drain, abandon, ending.get_token());
      if (abandon.stop_requested())
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      if (end) return *end;
      continue;
    } catch (const Error& error) {
      if (abandon.stop_requested()) {
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      }
      // The drain came while one side was asked something that need not be answered any more.
      if (error.kind() == ErrorKind::abandoned && drain.stop_requested()) return RunEnd::drained;
      if (progress.durable_steps != steps_seen) {
        steps_seen = progress.durable_steps;
        retry.made_progress();
      }
      const auto wait = retry.after(error.kind(), steady_clock::now());
      if (!wait) throw;
      ++progress.retries;
      log::warn("pipeline.retry",
                {{"kind", name_of(error.kind())}, {"wait_ms", wait->count()}, {"error", error.what()}});
      wait_for(*wait, ending.get_token());
      if (abandon.stop_requested())
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      if (drain.stop_requested())
        return RunEnd::drained;  // Nothing is lost: the position names what is durable.
    }
  }
}

}  // namespace tailrace
