// A table's way into the stream: load, replay by itself, join.
#include "pipeline/join_attempt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.h"
#include "base/log.h"
#include "pipeline/load.h"
#include "pipeline/parked.h"

namespace tailrace {

bool JoinAttempt::run() {
  sink_ = task_.sink.outside(name_);
  state_ = sink_->open(/*take_over=*/false, stops_.early);
  request_ = open_request();
  Wanted wanted = request_.wanted;
  const std::optional<TableState> state = known() == nullptr ? std::nullopt : std::optional(known()->state);
  if (const std::string reason = refusal_of(name_, wanted, state); !reason.empty()) {
    log::warn("table.refused", {{"table", name_.str()}, {"asked", name_of(wanted)}, {"reason", reason}});
    sink_->answer(request_, reason);
    if (known() == nullptr) return true;
    wanted = Wanted::nothing;  // What was under way goes on.
  }
  if (wanted == Wanted::pause) {
    static_cast<void>(leave_stream());
    return true;
  }
  const bool is_at_rest = known() != nullptr && (!known()->outside || known()->state == TableState::paused);
  if (wanted == Wanted::nothing && is_at_rest) {
    if (!known()->outside) finish();
    return true;
  }
  if (!open_source()) return true;
  if (wanted == Wanted::resnapshot && !known()->outside && !leave_stream()) return true;
  if (wanted == Wanted::resume) {
    sink_->rejoin();
    set_state(TableState::joining);
    log::info("table.resumed", {{"table", name_.str()}, {"low", known()->low.hex()}});
  }
  sink_->use_tables({schema_});
  if (known() == nullptr || wanted == Wanted::resnapshot) begin_load();
  if (!load() || handover_ == nullptr) return true;
  const std::optional<bool> has_joined = join();
  if (!has_joined) return false;
  if (!*has_joined) return true;
  has_moved_ = true;
  finish();
  return true;
}

void JoinAttempt::let_go() {
  sink_.reset();
  source_.reset();
}

// Of a table that streams; the attempt that let it in may have failed here.
void JoinAttempt::finish() {
  // Foreign keys, whose validation takes as long as the table is large: not in the stream's way.
  if (sink_->finish_constraints(stops_.early)) sink_->record_error("");
}

TableRequest JoinAttempt::open_request() const {
  for (const TableRequest& request : state_.requests) {
    if (request.table == name_) return request;
  }
  return {0, name_, Wanted::nothing};
}

TableProgress* JoinAttempt::known() {
  const auto found = state_.tables.find(name_);
  return found == state_.tables.end() ? nullptr : &found->second;
}

void JoinAttempt::set_state(TableState state) {
  known()->state = state;
  task_.progress.set_table(name_, state, 0);
}

// False if stopped first.
bool JoinAttempt::leave_stream() {
  TAILRACE_ASSERT(handover_ != nullptr);
  if (!sink_->set_keys_aside(name_, stops_.early)) return false;
  crash_point("leave.before");
  if (!handover_->leave(name_, stops_.early)) return false;
  crash_point("leave.after");
  state_ = sink_->open(/*take_over=*/false, stops_.early);
  TAILRACE_ASSERT(known() != nullptr && known()->outside);
  set_state(TableState::paused);
  log::info("table.left", {{"table", name_.str()}, {"lsn", known()->low.hex()}});
  return true;
}

bool JoinAttempt::open_source() {
  source_ = task_.make_source();
  const SourceInfo info = source_->open(state_, stops_.early);
  const auto found = std::find_if(info.tables.begin(), info.tables.end(),
                                  [&](const SchemaPtr& schema) { return schema->name == name_; });
  if (found == info.tables.end())
    throw Error(ErrorKind::config,
                fmt::format("{} is not among the configured tables of the source", name_.str()))
        .with("table", name_.str())
        .with("remedy", "see tables.include, tables.exclude and `tailrace check`");
  schema_ = *found;
  return !stops_.early.stop_requested();
}

// A row that was deleted between the end at which the table left the stream and the load is in neither: where readers see changes, and
// the changes are still there, they follow.
Lsn JoinAttempt::low_of_load(bool again) {
  const Lsn low = source_->take_low({schema_}).front();
  if (!again || !sink_->is_log() || known()->low >= low) return low;
  const auto counts = source_->count_changes({schema_}, known()->low, low);
  const auto found = counts.find(name_);
  const bool are_there = found != counts.end() && found->second.has_value();
  if (!are_there)
    log::warn("table.changes_passed_over", {{"table", name_.str()},
                                            {"after", known()->low.hex()},
                                            {"upto", low.hex()},
                                            {"reason", "they are gone at the source"}});
  return are_there ? known()->low : low;
}

void JoinAttempt::begin_load() {
  const bool again = known() != nullptr && (known()->state != TableState::loading || known()->shadow);
  const TableStart start{schema_, low_of_load(again), again};
  sink_->begin_load({}, {start}, {});
  crash_point("join.after_begin");
  TableProgress& progress = state_.tables[name_];
  progress = {};
  progress.table = name_;
  progress.outside = true;
  progress.shadow = again;
  progress.low = start.low;
  progress.instance = schema_->instance;
  task_.progress.begin_load(name_);
  has_moved_ = true;
  log::info("table.loading", {{"table", name_.str()},
                              {"low", start.low.hex()},
                              {"estimated_rows", schema_->estimated_rows},
                              {"again", again}});
}

// False if stopped first.
bool JoinAttempt::load() {
  task_.progress.set_table(name_, known()->state, schema_->estimated_rows);
  if (known()->state != TableState::loading) return true;
  if (!load_tables(task_.settings, {{schema_, known()->chunks}}, *source_, *sink_, task_.progress,
                   stops_.early, stops_.over))
    return false;
  const HighMark mark = source_->take_mark();
  if (!sink_->finish_load({schema_}, mark, stops_.early)) return false;
  known()->high_mark = mark;
  set_state(TableState::catching_up);
  log::info("table.loaded", {{"table", name_.str()}});
  return true;
}

// False if stopped first.
std::optional<bool> JoinAttempt::join() {
  for (;;) {
    if (!settle_parked_keys(*source_, *sink_, state_, stops_.early)) return false;
    switch (replay()) {
      case Replay::stopped: return false;
      case Replay::again: continue;
      case Replay::anew: return std::nullopt;
      case Replay::close: break;
    }
    // Unique constraints while nobody else waits for the table; the replay then goes on.
    if (!constraints_made_) {
      if (!sink_->finish_constraints(stops_.early)) return false;
      constraints_made_ = true;
      continue;
    }
    crash_point("join.before_handover");
    return handover_->join({schema_, known()->low, std::nullopt, known()->instance}, stops_.early);
  }
}

// Until the table is exact and as far as the stream was before the last window: what the stream has read since is little.
JoinAttempt::Replay JoinAttempt::replay() {
  const bool catches_up = known()->state == TableState::catching_up;
  StreamPlan plan;
  plan.position = Position{known()->low, "", 0};
  plan.tables = {{schema_, known()->low, catches_up ? known()->high_mark : std::nullopt, known()->instance}};
  source_->start_stream(plan);
  for (;;) {
    const Lsn stream = handover_->position();
    if (known()->state == TableState::joining && known()->low >= stream) return Replay::close;
    std::optional<ChangeBatch> batch = source_->next(stops_.early);
    if (!batch) return Replay::stopped;
    if (batch->empty()) continue;
    if (!sink_->write(*batch, stops_.over)) return Replay::stopped;
    crash_point("join.in_replay");
    if (!batch->end) continue;
    has_moved_ = true;
    known()->low = std::max(known()->low, batch->end->lsn);
    for (const InstanceSwitch& change : batch->switched) {
      known()->instance = change.instance;
      known()->low = std::max(known()->low, change.low.value_or(Lsn{}));
    }
    if (batch->ends_stream) return Replay::anew;
    if (!batch->caught_up.empty()) {
      if (!sink_->parked_keys().empty()) return Replay::again;
      set_state(TableState::joining);
    }
    if (known()->state == TableState::joining && known()->low >= stream) return Replay::close;
  }
}

}  // namespace tailrace
