// tailrace position
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/signals.h"
#include "app/status_view.h"
#include "app/terminal.h"
#include "app/text_table.h"
#include "model/instant.h"
#include "pipeline/move_position.h"

namespace tailrace::app {
namespace {

ExitCode show_position(const Invocation& invocation, const PipelineFile& pipeline) {
  const PipelineStatus status = known_status(pipeline);
  if (invocation.value("format") == "json") {
    nlohmann::ordered_json out;
    out["pipeline"] = pipeline.name;
    out["lsn"] = nullptr;
    out["commit_time"] = nullptr;
    if (status.position) out["lsn"] = status.position->lsn.hex();
    if (status.position && status.position->commit_time_utc != 0) {
      out["commit_time"] = time_text(status.position->commit_time_utc);
    }
    print(out.dump(2) + "\n");
  } else {
    print(status.position ? fmt::format("{} {}\n", status.position->lsn.hex(),
                                        time_text(status.position->commit_time_utc))
                          : "none\n");
  }
  return status.position ? ExitCode::done : ExitCode::no;
}

// Whoever is logged in here; the database's own role is noted by the target.
std::string this_user() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found);
  return fmt::format("{}@{}", found != nullptr ? found->pw_name : std::to_string(getuid()), host.data());
}

MoveRequest request_of(const Invocation& invocation) {
  MoveRequest request;
  const std::string lsn = invocation.value("lsn");
  const std::string time = invocation.value("time");
  if (lsn.empty() == time.empty())
    throw Error(ErrorKind::config, "say where to: --lsn LSN or --time TIME, one of the two");
  if (!lsn.empty()) request.point.lsn = Lsn::parse(lsn);
  if (!time.empty()) request.point.time_utc = parse_instant(time);
  request.reason = invocation.value("reason");
  if (request.reason.find_first_not_of(' ') == std::string::npos)
    throw Error(ErrorKind::config, "say why: --reason TEXT; it is kept in tailrace.position_change");
  request.skip = invocation.flag("skip");
  request.by = this_user();
  return request;
}

std::string where(const Position& position) {
  return position.commit_time_utc == 0 ? position.lsn.hex()
                                       : fmt::format("{} (transactions up to {})", position.lsn.hex(),
                                                     time_text(position.commit_time_utc));
}

std::string moved_text(const MoveResult& moved) {
  if (moved.kind == MoveKind::none) return fmt::format("the position is {} already\n", where(moved.to));
  std::string out = fmt::format("from  {}\nto    {}\n", where(moved.from), where(moved.to));
  if (moved.kind == MoveKind::back) {
    out +=
        "The next run replays what lies behind it; until it has come to now again, these tables show older "
        "states:\n";
    for (const TableName& table : moved.replayed)
      out += "  " + table.str() + "\n";
  } else if (moved.skipped.empty()) {
    out += "Nothing lies in between.\n";
  } else {
    out += "Changes that are passed over, and never applied:\n";
    for (const auto& [table, count] : moved.skipped)
      out += fmt::format("  {}: {}\n", table.str(), count ? grouped(*count) : "unknown, they are cleaned up");
    out += "`tailrace table CONFIG resnapshot` makes such a table whole again.\n";
  }
  return out;
}

nlohmann::ordered_json position_json(const Position& position) {
  nlohmann::ordered_json out;
  out["lsn"] = position.lsn.hex();
  out["commit_time"] = nullptr;
  if (position.commit_time_utc != 0) out["commit_time"] = time_text(position.commit_time_utc);
  return out;
}

std::string moved_json(const std::string& pipeline, const MoveResult& moved) {
  nlohmann::ordered_json out;
  out["pipeline"] = pipeline;
  out["moved"] = moved.kind == MoveKind::none ? "nowhere" : moved.kind == MoveKind::back ? "back" : "forward";
  out["from"] = position_json(moved.from);
  out["to"] = position_json(moved.to);
  out["replayed"] = nlohmann::ordered_json::array();
  for (const TableName& table : moved.replayed)
    out["replayed"].push_back(table.str());
  out["skipped"] = nlohmann::ordered_json::object();
  for (const auto& [table, count] : moved.skipped)
    out["skipped"][table.str()] = count ? nlohmann::ordered_json(*count) : nlohmann::ordered_json(nullptr);
  return out.dump(2) + "\n";
}

Error alive(const std::string& pipeline) {
  return Error(ErrorKind::fenced, "a runner is alive and has the position of pipeline " + pipeline)
      .with("remedy", "stop it first: nothing was changed");
}

ExitCode set_position(const Invocation& invocation, const PipelineFile& pipeline, const Signals& signals) {
  const MoveRequest request = request_of(invocation);
  if (pipeline.target->newest_wins &&
      pipeline.target->status(*pipeline.document, signals.drain()).runner_alive)
    throw alive(pipeline.name);
  const std::unique_ptr<Source> source = pipeline.source_factory()();
  const std::unique_ptr<Sink> sink = pipeline.sink_factory()();
  try {
    const std::optional<MoveResult> moved = move_position(*source, *sink, request, signals.drain());
    if (!moved) throw Error(ErrorKind::abandoned, "stopped: the position is where it was");
    print(invocation.value("format") == "json" ? moved_json(pipeline.name, *moved) : moved_text(*moved));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::fenced) throw;
    throw alive(pipeline.name);
  }
  return ExitCode::done;
}

}  // namespace

ExitCode run_position(const Invocation& invocation) {
  const Signals signals;
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  refuse_partitions(pipeline, "position");
  return invocation.action == "set" ? set_position(invocation, pipeline, signals)
                                    : show_position(invocation, pipeline);
}

}  // namespace tailrace::app
