// Names of tables, columns and databases as they may be written.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

using ::testing::ElementsAre;

// Names of databases compare as the server's do, mostly without regard to case: the settings may write one as they like.
TEST(Names, TheDatabaseMayBeWrittenInAnotherCase) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Settings settings = database.settings();
  for (char& c : settings.database)
    c = static_cast<char>(std::isupper(static_cast<unsigned char>(c)) != 0
                              ? std::tolower(static_cast<unsigned char>(c))
                              : std::toupper(static_cast<unsigned char>(c)));
  ASSERT_NE(settings.database, database.settings().database);
  Opened opened(settings);
  opened.stream();
  database.run("INSERT INTO t VALUES (1)");
  EXPECT_THAT(opened.next_rows(), ElementsAre("insert id=1"));
  // The same source, whatever it is called.
  EXPECT_EQ(opened.info.identity, Opened(database.settings()).info.identity);
}

TEST(Names, MayHoldAnything) {
  Database database;
  const std::string odd = "a]b.c [d] 'e' %_?";
  std::string quoted;
  for (const char c : odd)
    quoted += c == ']' ? std::string("]]") : std::string(1, c);
  database.run(
      fmt::format("CREATE TABLE [dbo].[{0}] ([{0}] int NOT NULL PRIMARY KEY, [start_lsn] int NULL)", quoted));
  std::string doubled;
  for (const char c : odd)
    doubled += c == '\'' ? std::string("''") : std::string(1, c);
  database.run(fmt::format(
      "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{}', @role_name = NULL",
      doubled));
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run(fmt::format("INSERT INTO [dbo].[{}] VALUES (1, 2)", quoted));
  EXPECT_THAT(opened.next_rows(), ElementsAre(fmt::format("insert {}=1 start_lsn=2", odd)));
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
