// The options of `sqlserver-sim`.
//
// Errors  config: every mistake of the command line in one message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

struct CommandLine {
  bool help = false;
  std::string host = "127.0.0.1";
  std::uint16_t port = 1433;
  std::string certificate_file;
  EngineSettings engine;
};

// The arguments without the program's name. Reads the password file.
CommandLine parse_command_line(std::span<const char* const> arguments);
std::string_view command_line_help();

}  // namespace tailrace::sim::tds
