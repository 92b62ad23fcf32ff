// Generated documents, completion, grants, and the texts of failures.
#include "app/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/failure.h"
#include "app/grants.h"

namespace tailrace::app {
namespace {

using config::Setting;
using config::SettingType;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Documents, ListsSettingsBySection) {
  const std::vector<Setting> settings{
      {.name = "pipeline", .help = "Its name.", .required = true},
      {.name = "source.port",
       .type = SettingType::integer,
       .help = "Port.",
       .fallback = "1433",
       .minimum = 1,
       .maximum = 65535},
      {.name = "source.wait",
       .type = SettingType::duration,
       .help = "Wait.",
       .fallback = "500ms",
       .minimum = 10,
       .maximum = 60'000},
      {.name = "source.password", .help = "Secret.", .secret = true},
      {.name = "tables.settings.*.key", .type = SettingType::list, .help = "Key."},
      {.name = "observability.metrics_listen", .refusal = "not yet"}};
  EXPECT_THAT(configuration_document(settings),
              AllOf(HasSubstr("| `pipeline` | text | required |  | Its name. |"), HasSubstr("## source"),
                    HasSubstr("| `source.port` | whole number | `1433` | 1 to 65535 | Port. |"),
                    HasSubstr("| `source.wait` | duration | `500ms` | 10ms to 1m | Wait. |"),
                    HasSubstr("| `source.password` | text, secret |  |  | Secret. |"),
                    HasSubstr("| `tables.settings.TABLE.key` | list |"), Not(HasSubstr("metrics_listen"))));
}

TEST(Documents, ListsCommandsWithTheirOptionsAndCodes) {
  const std::vector<Command> commands{
      {.name = "run",
       .summary = "Run it.",
       .options = {{.name = "format", .value = "text|json", .fallback = "text", .help = "Form."}},
       .exit_codes = {ExitCode::done, ExitCode::fenced}},
      {.name = "docs", .summary = "Hidden.", .hidden = true}};
  EXPECT_THAT(cli_document(commands),
              AllOf(HasSubstr("## run\n\n    tailrace run CONFIG [options]\n"),
                    HasSubstr("| `--format text\\|json` | `text` | Form. |"), HasSubstr("Exit codes: 0, 9."),
                    HasSubstr("| 9 | another runner"), Not(HasSubstr("Hidden"))));
  EXPECT_THAT(completion_script("bash", commands), AllOf(HasSubstr("run) words="), Not(HasSubstr("docs"))));
  EXPECT_THAT(completion_script("fish", commands), HasSubstr("-a run"));
  EXPECT_THROW(completion_script("tcsh", commands), Error);
}

TEST(Failure, SaysWhatWhereAndWhatToDo) {
  EXPECT_EQ(failure_text(Error(ErrorKind::config, "table dbo.x has no key")
                             .with("table", "dbo.x")
                             .with("database", "shop")
                             .with("remedy", "ALTER TABLE ...\nADD ...")),
            "tailrace: table dbo.x has no key\n"
            "  database: shop\n"
            "  what to do: ALTER TABLE ...\n"
            "  ADD ...\n");
  EXPECT_THAT(failure_text(Error(ErrorKind::fenced, "another runner")), HasSubstr("--take-over"));
}

TEST(Grants, QuoteNames) {
  TableSchema table;
  table.name = {"sales", "a]b"};
  const std::vector<SchemaPtr> tables{std::make_shared<const TableSchema>(table)};
  EXPECT_THAT(source_grants("shop", "reader", tables),
              AllOf(HasSubstr("GRANT SELECT ON [sales].[a]]b] TO [reader];"), HasSubstr("SCHEMA::cdc")));
  EXPECT_THAT(target_grants("postgresql://h:5/db1?sslmode=x", "wri\"ter", {{"dbo", "public"}}, tables),
              AllOf(HasSubstr("ON DATABASE \"db1\" TO \"wri\"\"ter\";"),
                    HasSubstr("CREATE SCHEMA IF NOT EXISTS \"sales\"")));
  EXPECT_EQ(database_of_url("host=h dbname=x user=u"), "x");
  EXPECT_EQ(database_of_url("postgresql://h"), "");
}

}  // namespace
}  // namespace tailrace::app
