// Runs a script in sessions of an engine of its own, over small tables with CDC on, and tells what should not have
// happened.
#pragma once

#include <string>

#include "sim/fuzz/findings.h"
#include "sim/fuzz/script.h"
#include "sim/fuzz/watchdog.h"

namespace tailrace::sim::fuzz {

class Statements {
 public:
  Statements();
  // The finding, with the number of its batch (from 0); empty: none. Crashes and hangs end the process.
  std::string run(const Script& script);

 private:
  ErrorLines errors_;
  Watchdog watchdog_;
};

}  // namespace tailrace::sim::fuzz
