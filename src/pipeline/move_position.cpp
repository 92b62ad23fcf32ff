// Setting a position by hand.
#include "pipeline/move_position.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace {
namespace {

// What is stored of the instances is asked of the new position, not of the old one: a move may be the way out of a gap.
ResumeState without_gaps(ResumeState state) {
  state.position->lsn.bytes.fill(0xff);
  state.position->evidence.clear();
  return state;
}

// Of the stream; tables outside it have a position of their own.
std::vector<SchemaPtr> streamed(const ResumeState& state, const std::vector<SchemaPtr>& tables) {
  std::vector<SchemaPtr> out;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(out), [&](const SchemaPtr& table) {
    const auto known = state.tables.find(table->name);
    return known != state.tables.end() && !known->second.outside;
  });
  return out;
}

void refuse_unready(const ResumeState& state) {
  if (!state.position)
    throw Error(ErrorKind::config, "the pipeline has no position yet")
        .with("remedy", "a first start begins where snapshot.mode, start.lsn and start.time say");
  for (const auto& [name, progress] : state.tables) {
    if (progress.outside || progress.state != TableState::loading) continue;
    throw Error(ErrorKind::config,
                fmt::format("{} is being loaded: what it will hold belongs to the position that it began at",
                            name.str()))
        .with("table", name.str())
        .with("remedy", "let `tailrace run --snapshot-only` end first");
  }
}

void refuse_keyless(const std::vector<SchemaPtr>& tables) {
  for (const SchemaPtr& table : tables) {
    if (!table->key.empty()) continue;
    throw Error(ErrorKind::config,
                fmt::format("{} has no key: what is replayed would be there twice", table->name.str()))
        .with("table", table->name.str());
  }
}

std::string counts_text(const std::map<TableName, std::optional<std::uint64_t>>& counts) {
  std::string out;
  for (const auto& [table, count] : counts)
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", table.str(),
                       count ? std::to_string(*count) : "unknown, they are cleaned up already");
  return out.empty() ? "none" : out;
}

// Behind open(): whatever happens, the next runner need not wait for this one.
class Closing {
 public:
  explicit Closing(Sink& sink) : sink_(sink) {}
  ~Closing() {
    try {
      sink_.close();
    } catch (const Error&) {  // The connection is gone: so is the lock.
    }
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  Sink& sink_;
};

}  // namespace

std::optional<MoveResult> move_position(Source& source, Sink& sink, const MoveRequest& request,
                                        std::stop_token stop) {
  const ResumeState state = sink.open(/*take_over=*/false, stop);
  const Closing closing(sink);
  refuse_unready(state);
  const SourceInfo info = source.open(without_gaps(state), stop);
  const std::vector<SchemaPtr> tables = streamed(state, info.tables);
  MoveResult result;
  result.from = *state.position;
  result.to = source.position_at(request.point, tables);
  if (result.to.lsn == result.from.lsn) return result;
  PositionMove move{result.to, request.reason, request.by, std::nullopt, {}};
  if (result.to.lsn < result.from.lsn) {
    result.kind = MoveKind::back;
    refuse_keyless(tables);
    for (const SchemaPtr& table : tables)
      result.replayed.push_back(table->name);
    move.replay_until = source.take_mark();
  } else {
    result.kind = MoveKind::forward;
    for (auto& [table, count] : source.count_changes(tables, result.from.lsn, result.to.lsn)) {
      if (!count || *count != 0) result.skipped.emplace(table, count);
    }
    if (!request.skip)
      throw Error(ErrorKind::config, "forward of the position lie changes that would never be applied: " +
                                         counts_text(result.skipped))
          .with("position", result.from.lsn.hex())
          .with("wanted", result.to.lsn.hex())
          .with("remedy", "say --skip if that is meant");
    move.skipped = result.skipped;
  }
  sink.use_tables(info.tables);
  if (!sink.move_position(move, stop)) return std::nullopt;
  return result;
}

}  // namespace tailrace
