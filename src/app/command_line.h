// From argv to a command and its invocation; help and usage texts from the command table.
//
// Errors   config: wrong usage, with the nearest name and where help is.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"

namespace tailrace::app {

struct Parsed {
  const Command* command = nullptr;  // None: `text` is the answer (help, version).
  Invocation invocation;
  std::string text;
};

// `arguments` without the program's name.
Parsed parse_command_line(const std::vector<std::string>& arguments, const std::vector<Command>& table);

std::string program_help(const std::vector<Command>& table);
std::string command_help(const Command& command);
// tailrace table CONFIG list|resnapshot [options]
std::string synopsis_of(const Command& command);

}  // namespace tailrace::app
