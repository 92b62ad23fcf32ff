// EXEC sp_sim_control @command, @argument ...: the control procedure of tests. Its commands: sim/README.md.
//
// Shape    The engine gives the arguments as text, in order; an answer may have rows. Only for sysadmin. The caller
//          is not inside a transaction.
// Errors   50000 for a command or argument that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/catalog/server.h"
#include "sim/cdc/cdc.h"
#include "sim/cdc/jobs.h"
#include "sim/faults/faults.h"

namespace tailrace::sim {

struct ControlContext {
  Server& server;
  CaptureJobs& jobs;
  Faults& faults;
  DatabasePtr database;  // The session's.
  std::uint64_t session = 0;
};

[[nodiscard]] Outcome run_control(ControlContext& context, std::string_view command,
                                  const std::vector<std::string>& arguments, CdcResult& result);

}  // namespace tailrace::sim
