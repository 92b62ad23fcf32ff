// How an error ends the program: one log line, then the same for a person.
#pragma once

#include <string>

#include "base/error.h"

namespace tailrace::app {

// Message, context, and what to do, in lines.
std::string failure_text(const Error& error);
// Writes both to stderr and answers the exit code. With JSON logs the line alone, so that stderr stays parseable.
ExitCode report_failure(const Error& error);

}  // namespace tailrace::app
