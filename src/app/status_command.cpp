// tailrace status, tailrace position, tailrace table
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/status_view.h"
#include "app/terminal.h"
#include "base/wait.h"
#include "config/near_miss.h"

namespace tailrace::app {
namespace {

constexpr std::chrono::seconds watch_interval{1};

void show(const Invocation& invocation, const std::string& name, const PipelineStatus& status, bool again) {
  const Terminal terminal = stdout_terminal();
  std::string text = invocation.value("format") == "json" ? status_json(name, status)
                                                          : status_text(name, status, terminal.colour);
  if (again && terminal.interactive) text = "\x1b[H\x1b[2J" + text;
  print(text);
}

PipelineStatus known_status(const PipelineFile& pipeline) {
  PipelineStatus status = pipeline.target->status(*pipeline.document, {});
  if (!status.known) {
    throw Error(ErrorKind::config,
                fmt::format("pipeline {} has never run: the target holds nothing of it", pipeline.name))
        .with("remedy", "start it with `tailrace run`");
  }
  return status;
}

// The tables that the options name; each must be one of the pipeline's.
std::vector<TableName> named_tables(const Invocation& invocation, const PipelineStatus& status) {
  std::vector<std::string> known;
  for (const TableStatus& each : status.tables)
    known.push_back(each.table.str());
  std::vector<TableName> out;
  for (const std::string& name : invocation.values("table")) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      const auto near = config::near_miss(name, known);
      throw Error(ErrorKind::config, fmt::format("--table {}: the pipeline has no such table; {}", name,
                                                 near ? fmt::format("did you mean {}?", *near)
                                                      : fmt::format("it has {}", fmt::join(known, ", "))));
    }
    out.push_back(status.tables[static_cast<std::size_t>(found - known.begin())].table);
  }
  return out;
}

}  // namespace

ExitCode run_status(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  const bool watch = invocation.flag("watch");
  PipelineStatus status = pipeline.target->status(*pipeline.document, {});
  show(invocation, pipeline.name, status, watch);
  while (watch) {
    wait_for(watch_interval, {});
    status = pipeline.target->status(*pipeline.document, {});
    show(invocation, pipeline.name, status, true);
  }
  return status.known ? ExitCode::done : ExitCode::no;
}

ExitCode run_position(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
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

ExitCode run_table(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  PipelineStatus status = known_status(pipeline);
  const std::vector<TableName> named = named_tables(invocation, status);
  if (invocation.action == "list") {
    if (!named.empty()) {
      std::erase_if(status.tables, [&](const TableStatus& each) {
        return std::find(named.begin(), named.end(), each.table) == named.end();
      });
    }
    show(invocation, pipeline.name, status, false);
    return ExitCode::done;
  }
  if (named.empty()) {
    throw Error(ErrorKind::config, "say which table: --table SCHEMA.NAME; see `tailrace table --help`");
  }
  pipeline.target->request_resnapshot(*pipeline.document, named, {});
  for (const TableName& table : named) {
    print(fmt::format("{} will be taken again {}\n", table.str(),
                      status.runner_alive ? "by the live runner, at once" : "by the next `tailrace run`"));
  }
  return ExitCode::done;
}

}  // namespace tailrace::app
