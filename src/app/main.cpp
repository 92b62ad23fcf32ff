// The program: parses, runs one command, and is the one place where an error ends.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/failure.h"
#include "app/pipeline_file.h"
#include "app/terminal.h"

namespace {

using namespace tailrace;
using namespace tailrace::app;

// Before the command line is understood, its wish for JSON still counts.
std::string wished_format(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--log-format=json") return "json";
    if (arguments[i] == "--log-format" && i + 1 < arguments.size() && arguments[i + 1] == "json")
      return "json";
  }
  return "text";
}

ExitCode run(const std::vector<std::string>& arguments) {
  const Parsed parsed = parse_command_line(arguments, commands());
  if (parsed.command == nullptr) {
    print(parsed.text);
    return ExitCode::done;
  }
  return parsed.command->run(parsed.invocation);
}

}  // namespace

int main(int argc, char** argv) {
  // Batches of megabytes come and go on several threads: without this, each thread's arena keeps its largest one.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  // A peer that closes its socket is an error of the call, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  configure_log(wished_format(arguments), "info");
  try {
    return static_cast<int>(run(arguments));
  } catch (const Error& error) {
    return static_cast<int>(report_failure(error));
  } catch (const std::exception& error) {
    return static_cast<int>(report_failure(Error(ErrorKind::internal, error.what())));
  }
}
