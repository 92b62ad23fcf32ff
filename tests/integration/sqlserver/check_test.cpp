// What is said of servers, databases and tables that are not fit.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sqlserver/check.h"
#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::HasSubstr;

const Finding* find(const std::vector<Finding>& findings, std::string_view name, FindingLevel level) {
  for (const Finding& finding : findings) {
    if (finding.name == name && finding.level == level) return &finding;
  }
  return nullptr;
}

std::string said(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings)
    out += fmt::format("{} {} {}: {}\n", static_cast<int>(finding.level), finding.name, finding.subject,
                       finding.reason);
  return out;
}

TEST(Check, FindsAFitDatabaseFit) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v nvarchar(max) NULL");
  const Look look = check(database.settings(), {});
  for (const Finding& finding : look.findings)
    EXPECT_NE(finding.level, FindingLevel::failure) << said(look.findings);
  EXPECT_NE(find(look.findings, "source.cdc_enabled", FindingLevel::ok), nullptr) << said(look.findings);
  EXPECT_NE(find(look.findings, "source.isolation", FindingLevel::ok), nullptr) << said(look.findings);
  ASSERT_EQ(look.tables.size(), 1u);
}

TEST(Check, ListsEverythingThatIsWrongWithItsRemedy) {
  Database database;
  database.create("fit", "id int NOT NULL PRIMARY KEY");
  database.run("CREATE TABLE bare (id int NOT NULL PRIMARY KEY)");
  database.create("keyless", "id int NULL");
  database.create("lossy", "at datetime2(7) NOT NULL PRIMARY KEY");
  database.run("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF");
  Settings settings = database.settings();
  settings.include = {"dbo.*", "sales.*"};
  const Look look = check(settings, {});
  EXPECT_EQ(look.tables.size(), 1u);
  for (const char* name : {"table.capture_instance", "table.key", "key.lossy", "source.include"})
    EXPECT_NE(find(look.findings, name, FindingLevel::failure), nullptr) << name << "\n"
                                                                         << said(look.findings);
  EXPECT_NE(find(look.findings, "source.isolation", FindingLevel::warning), nullptr) << said(look.findings);

  // open() says the same in one error, and changes nothing.
  std::string message;
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }, &message), ErrorKind::config);
  for (const char* text : {"dbo.bare", "dbo.keyless", "dbo.lossy", "sales.*", "sp_cdc_enable_table"})
    EXPECT_THAT(message, HasSubstr(text));
}

TEST(Check, SaysThatCdcIsOff) {
  Database database;
  database.run("CREATE TABLE t (id int NOT NULL PRIMARY KEY)");
  database.run("EXEC sys.sp_cdc_disable_db");
  Settings settings = database.settings();
  settings.include = {"dbo.t"};
  const Look look = check(settings, {});
  const Finding* finding = find(look.findings, "source.cdc_enabled", FindingLevel::failure);
  ASSERT_NE(finding, nullptr) << said(look.findings);
  EXPECT_THAT(finding->remedy, HasSubstr("sys.sp_cdc_enable_db"));
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }), ErrorKind::config);
}

TEST(Check, TellsLoginsDatabasesAndServersApart) {
  Database database;
  Settings settings = database.settings();
  settings.password = Secret("wrong");
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }), ErrorKind::auth);
  EXPECT_NE(find(check(settings, {}).findings, "source.login", FindingLevel::failure), nullptr);
  settings = database.settings();
  settings.database = "no_such_database";
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }), ErrorKind::config);
  settings = database.settings();
  settings.port = 1;
  settings.login_timeout = std::chrono::seconds(1);  // Microsoft's driver asks again and again until then.
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }), ErrorKind::unavailable);
  EXPECT_NE(find(check(settings, {}).findings, "source.reachable", FindingLevel::failure), nullptr);
}

// A reader needs no more than SELECT on the tables and on schema cdc.
TEST(Check, NamesTheRightsThatAreMissing) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.new_login();
  settings.include = {"dbo.t"};
  EXPECT_EQ(kind_of([&] { Opened opened(settings); }), ErrorKind::config);
  database.run(fmt::format("GRANT SELECT ON [dbo].[t] TO {}", settings.user));
  const Look look = check(settings, {});
  const Finding* finding = find(look.findings, "source.rights", FindingLevel::failure);
  ASSERT_NE(finding, nullptr) << said(look.findings);
  EXPECT_THAT(finding->remedy, HasSubstr("GRANT SELECT ON SCHEMA::cdc"));
  database.run(fmt::format("GRANT SELECT ON SCHEMA::cdc TO {}", settings.user));
  Opened opened(settings);
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(opened.next_rows().size(), 1u);
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
