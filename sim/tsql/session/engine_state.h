// What all sessions of an engine share.
#pragma once

#include <atomic>
#include <cstdint>

#include "sim/catalog/server.h"
#include "sim/cdc/jobs.h"
#include "sim/faults/faults.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tsql {

// What all sessions share.
struct EngineState {
  explicit EngineState(const EngineSettings& settings);
  Server server;
  CaptureJobs jobs;
  Faults faults;
  std::atomic<std::int32_t> next_spid{51};
  std::atomic<std::uint64_t> next_transaction{1};
};

}  // namespace tailrace::sim::tsql
