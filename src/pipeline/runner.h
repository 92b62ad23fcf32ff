// One pipeline from open() to its end: load what must be loaded, then stream; retry what can be retried.
//
// Errors   What ends the pipeline leaves run() as an Error; its kind is the exit code. unavailable and conflict are
//          retried: for ever once the pipeline has succeeded once, else for `first_contact`.
// Threads  run() owns every thread it starts and joins them before it returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "pipeline/clock.h"
#include "pipeline/progress.h"
#include "pipeline/sink.h"
#include "pipeline/snapshot_mode.h"
#include "pipeline/source.h"

namespace tailrace {

struct RunSettings {
  int readers = 4;  // Snapshot readers, each with a chunk writer.
  std::uint64_t chunk_rows = 50'000;
  std::size_t queue_bytes = 8u << 20;  // Decoded changes ahead of the sink.
  // How long an unreachable side is tried before the first success.
  std::chrono::milliseconds first_contact{30'000};
  std::chrono::milliseconds shortest_retry{100};  // The first wait; it doubles up to 30 s.
  // The stream looks after the sink, and after requests of commands, this often.
  std::chrono::milliseconds look_every = heartbeat_every;
  SnapshotMode snapshot_mode = SnapshotMode::initial;
  StartPoint start;  // Of a pipeline whose first start loads nothing; nothing: where the source is then.
  bool take_over = false;
  bool until_caught_up = false;  // End once a mark taken at the start is passed and every table streams.
  bool snapshot_only = false;    // End once every table is loaded.
};

enum class RunEnd { drained, caught_up, loaded };

// Makes a fresh, unconnected instance for each attempt; secrets are read again here.
using SourceFactory = std::function<std::unique_ptr<Source>()>;
using SinkFactory = std::function<std::unique_ptr<Sink>()>;

// `drain`: finish what is read and end (SIGTERM). `abandon`: drop what is in flight and end with Error abandoned.
RunEnd run_pipeline(const RunSettings& settings, const SourceFactory& make_source,
                    const SinkFactory& make_sink, Progress& progress, std::stop_token drain,
                    std::stop_token abandon);

}  // namespace tailrace
