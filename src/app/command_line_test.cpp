// Parsing of command lines, and what wrong usage is told.
#include "app/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailrace::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<Command>& table() {
  static const std::vector<Command> commands{
      {.name = "run",
       .summary = "Run it.",
       .options = {{.name = "take-over", .help = "Depose the other runner."}},
       .exit_codes = {ExitCode::done, ExitCode::fenced}},
      {.name = "table",
       .summary = "Tables.",
       .actions = {{"list", "List them."}, {"resnapshot", "Take again."}},
       .options = {{.name = "table", .value = "SCHEMA.NAME", .help = "Only this table.", .repeat = true},
                   {.name = "format", .value = "text|json", .fallback = "text", .help = "Format."}}},
      {.name = "version", .summary = "The version.", .takes_config = false},
      {.name = "docs", .summary = "Documents.", .takes_config = false, .hidden = true},
  };
  return commands;
}

std::string usage_error(const std::vector<std::string>& arguments) {
  try {
    parse_command_line(arguments, table());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "no error";
}

TEST(CommandLine, TakesOptionsBeforeAndAfterTheConfiguration) {
  for (const auto& arguments : {std::vector<std::string>{"run", "shop.yaml", "--take-over"},
                                std::vector<std::string>{"run", "--take-over", "shop.yaml"}}) {
    const Parsed parsed = parse_command_line(arguments, table());
    ASSERT_NE(parsed.command, nullptr);
    EXPECT_EQ(parsed.command->name, "run");
    EXPECT_EQ(parsed.invocation.config, "shop.yaml");
    EXPECT_TRUE(parsed.invocation.flag("take-over"));
  }
}

TEST(CommandLine, TakesActionsRepeatsAndFallbacks) {
  const Parsed parsed = parse_command_line(
      {"table", "shop.yaml", "resnapshot", "--table", "dbo.a", "--table=dbo.b", "--log-level", "debug"},
      table());
  EXPECT_EQ(parsed.invocation.action, "resnapshot");
  EXPECT_EQ(parsed.invocation.values("table"), (std::vector<std::string>{"dbo.a", "dbo.b"}));
  EXPECT_EQ(parsed.invocation.value("format"), "text");
  EXPECT_EQ(parsed.invocation.value("log-level"), "debug");
  EXPECT_FALSE(parsed.invocation.flag("log-format"));
}

TEST(CommandLine, SaysWhatIsWrongAndWhatWasMeant) {
  EXPECT_EQ(usage_error({}), "no command given; see `tailrace --help`");
  EXPECT_EQ(usage_error({"rnu"}), "unknown command 'rnu'; did you mean run?; see `tailrace --help`");
  EXPECT_EQ(usage_error({"run", "c", "--takeover"}),
            "unknown option '--takeover'; did you mean --take-over?; see `tailrace run --help`");
  EXPECT_THAT(usage_error({"run"}), HasSubstr("`tailrace run` needs a configuration file"));
  EXPECT_THAT(usage_error({"run", "a", "b"}), HasSubstr("unexpected argument 'b'"));
  EXPECT_THAT(usage_error({"table", "a"}), HasSubstr("say what to do: list, resnapshot"));
  EXPECT_THAT(usage_error({"table", "a", "resnap"}), HasSubstr("unknown action 'resnap'"));
  EXPECT_THAT(usage_error({"table", "a", "list", "--format", "jsn"}),
              HasSubstr("--format: expected text or json, got 'jsn'; did you mean json?"));
  EXPECT_THAT(usage_error({"table", "a", "list", "--format", "json", "--format", "text"}),
              HasSubstr("given 2 times"));
  EXPECT_THAT(usage_error({"table", "a", "list", "--table"}), HasSubstr("tailrace table --help"));
}

TEST(CommandLine, HelpNamesOptionsAndExitCodes) {
  const Parsed parsed = parse_command_line({"run", "--help"}, table());
  EXPECT_EQ(parsed.command, nullptr);
  EXPECT_THAT(parsed.text, AllOf(HasSubstr("Usage: tailrace run CONFIG [options]"), HasSubstr("--take-over"),
                                 HasSubstr("  9    another runner holds")));
  EXPECT_THAT(parse_command_line({"--help"}, table()).text,
              AllOf(HasSubstr("  run "), Not(HasSubstr("  docs "))));
}

}  // namespace
}  // namespace tailrace::app
