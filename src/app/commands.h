// What each command does. The table of them is in commands.cpp.
#pragma once

#include "app/command.h"

namespace tailrace::app {

ExitCode run_check(const Invocation& invocation);
ExitCode run_schema(const Invocation& invocation);
ExitCode run_run(const Invocation& invocation);
ExitCode run_status(const Invocation& invocation);
ExitCode run_position(const Invocation& invocation);
ExitCode run_table(const Invocation& invocation);
ExitCode run_docs(const Invocation& invocation);
ExitCode run_completion(const Invocation& invocation);
ExitCode run_version(const Invocation& invocation);

}  // namespace tailrace::app
