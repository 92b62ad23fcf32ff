// The generated documents: configuration.md from the settings tables, cli.md from the commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/command.h"
#include "config/setting.h"

namespace tailrace::app {

// One line of docs/types.md: a SQL Server type and what becomes of it.
struct TypeLine {
  std::string source;
  std::string cell;
  std::string target;
  std::string keeps;
  std::string loses;
};

std::string configuration_document(const std::vector<config::Setting>& settings);
std::string cli_document(const std::vector<Command>& commands);
std::string types_document(const std::vector<TypeLine>& lines);

// The same commands for a shell: bash, zsh or fish. Throws config for any other.
std::string completion_script(std::string_view shell, const std::vector<Command>& commands);

}  // namespace tailrace::app
