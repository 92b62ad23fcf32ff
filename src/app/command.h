// A command of the program as data: parsing, `--help`, completion and docs/cli.md come from it.
//
// Shape    `tailrace NAME CONFIG [ACTION] [options]`. A command without a configuration has no CONFIG.
// Errors   What a command throws ends the program with the code of its kind (main.cpp).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailrace::app {

struct Option {
  std::string name;        // Without the dashes.
  std::string value = {};  // What the value is called, or its choices as text|json; empty: a flag.
  std::string fallback = {};
  std::string help = {};
  bool repeat = false;

  // The choices of a value written with |.
  std::vector<std::string> choices() const;
};

struct Action {
  std::string name;
  std::string summary;
};

// What the user asked for.
struct Invocation {
  std::string config;
  std::string action;
  std::map<std::string, std::vector<std::string>> given;
  std::map<std::string, std::string> fallbacks;

  bool flag(std::string_view name) const;
  std::string value(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;
};

struct Command {
  std::string name;
  std::string summary;
  std::string details = {};
  bool takes_config = true;
  std::vector<Action> actions = {};
  std::vector<Option> options = {};
  std::vector<ExitCode> exit_codes = {};
  bool hidden = false;
  std::function<ExitCode(const Invocation&)> run = {};
};

// Options of every command: log format and level.
const std::vector<Option>& common_options();
// Every command, in the order in which help shows them.
const std::vector<Command>& commands();

std::string_view meaning_of(ExitCode code);

}  // namespace tailrace::app
