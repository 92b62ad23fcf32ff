// Parsing by CLI11; the texts are ours, so that help and docs/cli.md say the same.
#include "app/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "app/version.h"
#include "config/near_miss.h"

namespace tailrace::app {
namespace {

Error usage(const std::string& message, const std::string& help) {
  return Error(ErrorKind::config, fmt::format("{}; see `{} --help`", message, help));
}

std::string did_you_mean(const std::string& written, const std::vector<std::string>& known) {
  const auto near = config::near_miss(written, known);
  return near ? fmt::format("; did you mean {}?", *near) : std::string{};
}

std::vector<Option> all_options(const Command& command) {
  std::vector<Option> out = command.options;
  out.insert(out.end(), common_options().begin(), common_options().end());
  return out;
}

std::vector<std::string> option_names(const Command& command) {
  std::vector<std::string> out{"--help"};
  for (const Option& option : all_options(command))
    out.push_back("--" + option.name);
  return out;
}

std::vector<std::string> action_names(const Command& command) {
  std::vector<std::string> out;
  for (const Action& action : command.actions)
    out.push_back(action.name);
  return out;
}

// What CLI11 fills for one command.
struct Slots {
  std::vector<std::string> positionals;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> flags;
};

void declare(CLI::App& parser, const Command& command, Slots& slots) {
  parser.set_help_flag();
  parser.add_flag("-h,--help", slots.flags["help"]);
  parser.add_option("positionals", slots.positionals);
  for (const Option& option : all_options(command)) {
    if (option.value.empty()) {
      parser.add_flag("--" + option.name, slots.flags[option.name]);
    } else {
      parser.add_option("--" + option.name, slots.values[option.name])->expected(1)->take_all();
    }
  }
}

void check_positionals(const Command& command, const std::vector<std::string>& positionals) {
  const std::string help = "tailrace " + command.name;
  const std::size_t expected = (command.takes_config ? 1u : 0u) + (command.actions.empty() ? 0u : 1u);
  if (command.takes_config && positionals.empty()) {
    throw usage(
        fmt::format("`tailrace {}` needs a configuration file: {}", command.name, synopsis_of(command)),
        help);
  }
  if (positionals.size() > expected) {
    throw usage(
        fmt::format("unexpected argument '{}'; expected {}", positionals[expected], synopsis_of(command)),
        help);
  }
  if (command.actions.empty()) return;
  const std::vector<std::string> actions = action_names(command);
  if (positionals.size() < expected) {
    throw usage(fmt::format("say what to do: {}", fmt::join(actions, ", ")), help);
  }
  if (std::find(actions.begin(), actions.end(), positionals.back()) == actions.end()) {
    throw usage(fmt::format("unknown action '{}'{}; expected {}", positionals.back(),
                            did_you_mean(positionals.back(), actions), fmt::join(actions, " or ")),
                help);
  }
}

void check_values(const Command& command, const Slots& slots) {
  const std::string help = "tailrace " + command.name;
  for (const Option& option : all_options(command)) {
    const auto found = slots.values.find(option.name);
    if (found == slots.values.end() || found->second.empty()) continue;
    if (!option.repeat && found->second.size() > 1) {
      throw usage(fmt::format("--{} is given {} times", option.name, found->second.size()), help);
    }
    const std::vector<std::string> choices = option.choices();
    for (const std::string& value : found->second) {
      if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
        throw usage(fmt::format("--{}: expected {}, got '{}'{}", option.name, fmt::join(choices, " or "),
                                value, did_you_mean(value, choices)),
                    help);
      }
    }
  }
}

Invocation invocation_of(const Command& command, Slots& slots) {
  check_positionals(command, slots.positionals);
  check_values(command, slots);
  Invocation out;
  if (command.takes_config) out.config = slots.positionals.front();
  if (!command.actions.empty()) out.action = slots.positionals.back();
  for (const Option& option : all_options(command)) {
    if (!option.fallback.empty()) out.fallbacks[option.name] = option.fallback;
    if (slots.flags.contains(option.name) && slots.flags[option.name]) out.given[option.name] = {};
    if (slots.values.contains(option.name) && !slots.values[option.name].empty()) {
      out.given[option.name] = slots.values[option.name];
    }
  }
  return out;
}

Parsed parse_command(const Command& command, std::vector<std::string> arguments) {
  CLI::App parser;
  Slots slots;
  declare(parser, command, slots);
  parser.allow_extras();
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 takes a vector.
  try {
    parser.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw usage(error.what(), "tailrace " + command.name);
  }
  if (slots.flags["help"]) return {nullptr, {}, command_help(command)};
  for (const std::string& extra : parser.remaining()) {
    throw usage(fmt::format("unknown option '{}'{}", extra, did_you_mean(extra, option_names(command))),
                "tailrace " + command.name);
  }
  return {&command, invocation_of(command, slots), {}};
}

std::string option_lines(const std::vector<Option>& options) {
  std::string out;
  for (const Option& option : options) {
    std::string head = "--" + option.name;
    if (!option.value.empty()) head += " " + option.value;
    std::string help = option.help;
    if (!option.fallback.empty()) help += fmt::format(" Default: {}.", option.fallback);
    if (option.repeat) help += " May be repeated.";
    out += fmt::format("  {:<32} {}\n", head, help);
  }
  return out;
}

}  // namespace

std::string synopsis_of(const Command& command) {
  std::string out = "tailrace " + command.name;
  if (command.takes_config) out += " CONFIG";
  if (!command.actions.empty()) out += fmt::format(" {}", fmt::join(action_names(command), "|"));
  if (!command.options.empty()) out += " [options]";
  return out;
}

std::string program_help(const std::vector<Command>& table) {
  std::string out =
      "tailrace replicates SQL Server databases to PostgreSQL by change data capture, exactly once.\n\n"
      "Usage: tailrace COMMAND CONFIG [options]\n\nCommands:\n";
  for (const Command& command : table) {
    if (!command.hidden) out += fmt::format("  {:<12} {}\n", command.name, command.summary);
  }
  return out + "\n`tailrace COMMAND --help` says more. Settings: docs/configuration.md.\n";
}

std::string command_help(const Command& command) {
  std::string out = fmt::format("{}\n\nUsage: {}\n", command.summary, synopsis_of(command));
  if (!command.details.empty()) out += "\n" + command.details + "\n";
  if (command.takes_config) out += "\n  CONFIG                           The pipeline's YAML file.\n";
  if (!command.actions.empty()) {
    out += "\nActions:\n";
    for (const Action& action : command.actions)
      out += fmt::format("  {:<32} {}\n", action.name, action.summary);
  }
  out += "\nOptions:\n" + option_lines(all_options(command));
  out += fmt::format("  {:<32} {}\n", "--help", "Show this and exit.");
  out += "\nExit codes:\n";
  for (const ExitCode code : command.exit_codes)
    out += fmt::format("  {:<4} {}\n", static_cast<int>(code), meaning_of(code));
  return out;
}

Parsed parse_command_line(const std::vector<std::string>& arguments, const std::vector<Command>& table) {
  if (arguments.empty()) {
    throw Error(ErrorKind::config, "no command given; see `tailrace --help`");
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") return {nullptr, {}, program_help(table)};
  if (name == "--version") return {nullptr, {}, version_text() + "\n"};
  std::vector<std::string> names;
  for (const Command& command : table) {
    if (command.name == name) return parse_command(command, {arguments.begin() + 1, arguments.end()});
    if (!command.hidden) names.push_back(command.name);
  }
  throw usage(fmt::format("unknown command '{}'{}", name, did_you_mean(name, names)), "tailrace");
}

}  // namespace tailrace::app
