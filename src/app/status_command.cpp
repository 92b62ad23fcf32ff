// tailrace status, tailrace table
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
// The runner brings one table after the other.
constexpr std::chrono::seconds longest_wait_for_an_answer{30};

void show(const Invocation& invocation, const std::string& name, const PipelineStatus& status, bool again) {
  const Terminal terminal = stdout_terminal();
  std::string text = invocation.value("format") == "json" ? status_json(name, status)
                                                          : status_text(name, status, terminal.colour);
  if (again && terminal.interactive) text = "\x1b[H\x1b[2J" + text;
  print(text);
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

// A new table is not among the pipeline's yet.
TableName parse_table(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size())
    throw Error(ErrorKind::config, fmt::format("--table {}: expected SCHEMA.NAME, such as dbo.orders", name));
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string what_is_done(Wanted wanted) {
  switch (wanted) {
    case Wanted::add: return "is being loaded and joins the stream then";
    case Wanted::pause: return "is paused";
    case Wanted::resume: return "catches up and joins the stream then";
    case Wanted::resnapshot: return "is being taken again and joins the stream then";
    case Wanted::nothing: break;
  }
  return "";
}

struct Asked {
  TableName table;
  std::int64_t id = 0;
};

// False where the runner has refused.
bool show_answer(const Invocation& invocation, const Asked& asked, Wanted wanted,
                 const RequestAnswer& answer) {
  const bool refused = answer.answered && !answer.refusal.empty();
  if (invocation.value("format") == "json") {
    nlohmann::ordered_json out;
    out["table"] = asked.table.str();
    out["asked"] = name_of(wanted);
    out["answer"] = refused ? "refused" : answer.answered ? "done" : "recorded";
    out["runner_alive"] = answer.runner_alive;
    out["reason"] = refused ? nlohmann::ordered_json(answer.refusal) : nlohmann::ordered_json(nullptr);
    print(out.dump() + "\n");
  } else if (refused) {
    print(fmt::format("{} was refused: {}\n", asked.table.str(), answer.refusal));
  } else if (answer.answered) {
    print(fmt::format("{} {}\n", asked.table.str(), what_is_done(wanted)));
  } else if (answer.runner_alive) {
    print(fmt::format("{}: {} is recorded; the live runner is still busy, see `tailrace status`\n",
                      asked.table.str(), name_of(wanted)));
  } else {
    print(fmt::format("{}: {} is recorded; no runner is alive, the next `tailrace run` does it\n",
                      asked.table.str(), name_of(wanted)));
  }
  return !refused;
}

ExitCode ask(const Invocation& invocation, const PipelineFile& pipeline) {
  const Wanted wanted = parse_wanted(invocation.action);
  TAILRACE_ASSERT(wanted != Wanted::nothing);
  if (invocation.values("table").empty())
    throw Error(ErrorKind::config, "say which table: --table SCHEMA.NAME; see `tailrace table --help`");
  std::vector<Asked> asked;
  for (const std::string& name : invocation.values("table")) {
    const TableName table = parse_table(name);
    asked.push_back({table, pipeline.target->request_table(*pipeline.document, table, wanted, {})});
  }
  bool all_done = true;
  for (const Asked& each : asked) {
    const RequestAnswer answer =
        pipeline.target->await_answer(*pipeline.document, each.id, longest_wait_for_an_answer, {});
    all_done = show_answer(invocation, each, wanted, answer) && all_done;
  }
  return all_done ? ExitCode::done : ExitCode::no;
}

}  // namespace

ExitCode run_status(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  const bool watch = invocation.flag("watch");
  PipelineStatus status = pipeline.target->status(*pipeline.document, {});
  show(invocation, pipeline.name, status, watch);
  if (!watch) return status.known ? ExitCode::done : ExitCode::no;
  for (;;) {
    wait_for(watch_interval, {});
    status = pipeline.target->status(*pipeline.document, {});
    show(invocation, pipeline.name, status, true);
  }
}

ExitCode run_table(const Invocation& invocation) {
  const PipelineFile pipeline = load_pipeline(invocation, "warn");
  refuse_partitions(pipeline, "table");
  PipelineStatus status = known_status(pipeline);
  if (invocation.action != "add") static_cast<void>(named_tables(invocation, status));
  if (invocation.action == "list") {
    const std::vector<TableName> named = named_tables(invocation, status);
    if (!named.empty()) {
      std::erase_if(status.tables, [&](const TableStatus& each) {
        return std::find(named.begin(), named.end(), each.table) == named.end();
      });
    }
    show(invocation, pipeline.name, status, false);
    return ExitCode::done;
  }
  return ask(invocation, pipeline);
}

}  // namespace tailrace::app
