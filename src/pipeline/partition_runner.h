// A pipeline whose source is partitions: read, apply, commit at boundaries, and answer the group.
//
// Shape    The counterpart of runner.h for partitions.h (docs/decisions/017).
// Errors   As runner.h.
// Threads  The caller's.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "pipeline/partitions.h"
#include "pipeline/progress.h"
#include "pipeline/runner.h"

namespace tailrace {

using PartitionSourceFactory = std::function<std::unique_ptr<PartitionSource>()>;
using PartitionSinkFactory = std::function<std::unique_ptr<PartitionSink>()>;

// Of the settings: queue_bytes (what is held that is not at a boundary), first_contact, shortest_retry, look_every, until_caught_up
// (the ends of all partitions as they are at the start).
RunEnd run_partitions(const RunSettings& settings, const PartitionSourceFactory& make_source,
                      const PartitionSinkFactory& make_sink, Progress& progress, std::stop_token drain,
                      std::stop_token abandon);

}  // namespace tailrace
