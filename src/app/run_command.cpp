// tailrace run
#include <unistd.h>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/progress_printer.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "app/text_table.h"
#include "base/log.h"

namespace tailrace::app {
namespace {

// At the end of a run; then they wait for the next one.
constexpr std::chrono::milliseconds time_for_last_letters{10'000};

const char* name_of(RunEnd end) {
  switch (end) {
    case RunEnd::drained: return "drained";
    case RunEnd::caught_up: return "caught_up";
    case RunEnd::loaded: return "loaded";
  }
  return "drained";
}

// For `status`. Recording is an extra: where the target is the trouble it cannot be done.
void record(const PipelineFile& pipeline, const Error& error) {
  if (error.kind() == ErrorKind::abandoned || error.kind() == ErrorKind::fenced) return;
  try {
    pipeline.target->record_failure(*pipeline.document, error, {});
  } catch (const Error& second) {
    log::debug("run.failure_not_recorded", {{"reason", second.what()}});
  }
}

RunEnd run_shown(const PipelineFile& pipeline, const RunSettings& settings, Progress& progress,
                 const Signals& signals, bool block) {
  const ProgressPrinter printer(progress, stderr_terminal(), block);
  try {
    if (pipeline.of_partitions()) {
      const std::unique_ptr<LetterForwarder> letters = pipeline.letter_forwarder();
      const RunEnd end =
          run_partitions(settings, pipeline.partition_source_factory(), pipeline.partition_sink_factory(),
                         progress, signals.drain(), signals.abandon());
      if (letters != nullptr) letters->finish(time_for_last_letters);
      return end;
    }
    return run_pipeline(settings, pipeline.source_factory(), pipeline.sink_factory(), progress,
                        signals.drain(), signals.abandon());
  } catch (const Error& error) {
    record(pipeline, error);
    throw;
  }
}

void log_end(const PipelineFile& pipeline, RunEnd end, const Progress& progress) {
  std::uint64_t loaded = 0;
  std::uint64_t changes = 0;
  for (const TableCount& count : progress.tables()) {
    loaded += count.snapshot_rows;
    changes += changes_of(count);
  }
  log::info("run.ended", {{"pipeline", pipeline.name},
                          {"end", name_of(end)},
                          {"snapshot_rows", loaded},
                          {"changes", changes},
                          {"transactions", progress.transactions.load()},
                          {"retries", progress.retries.load()},
                          {"dead_letters", dead_letters_of(progress.tables())}});
}

}  // namespace

ExitCode run_run(const Invocation& invocation) {
  if (invocation.flag("until-caught-up") && invocation.flag("snapshot-only")) {
    throw Error(ErrorKind::config,
                "--until-caught-up and --snapshot-only exclude each other; see `tailrace run --help`");
  }
  // Before any other thread, so that all of them leave the signals to the one that waits for them.
  const Signals signals;
  const PipelineFile pipeline = load_pipeline(invocation, "info");
  if (invocation.flag("snapshot-only")) refuse_partitions(pipeline, "run --snapshot-only");
  if (invocation.flag("take-over")) refuse_partitions(pipeline, "run --take-over");
  RunSettings settings = pipeline.run;
  settings.until_caught_up = invocation.flag("until-caught-up");
  settings.snapshot_only = invocation.flag("snapshot-only");
  settings.take_over = invocation.flag("take-over");
  const bool json = invocation.value("log-format") == "json" ||
                    (invocation.value("log-format").empty() &&
                     pipeline.document->read("observability.log_format").text == "json");
  log::info("run.started", {{"pipeline", pipeline.name}, {"pid", static_cast<int>(getpid())}});
  Progress progress;
  const RunEnd end = run_shown(pipeline, settings, progress, signals, stderr_terminal().interactive && !json);
  log_end(pipeline, end, progress);
  return ExitCode::done;
}

}  // namespace tailrace::app
