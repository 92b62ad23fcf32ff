// Kinds of errors by SQLSTATE and number.
#include "sqlserver/diagnostics.h"

#include <gtest/gtest.h>

namespace tailrace::sqlserver {
namespace {

ErrorKind kind(std::vector<Diagnostic> diagnostics) {
  return error_of(diagnostics, "test").kind();
}

TEST(Diagnostics, AreJudgedByNumber) {
  EXPECT_EQ(kind({{"28000", 18456, "[FreeTDS][SQL Server]Login failed"}, {"08001", 0, "Unable to connect"}}),
            ErrorKind::auth);
  EXPECT_EQ(kind({{"08001", 20002, "connection failed"}, {"42000", 4060, "Cannot open database"}}),
            ErrorKind::config);
  EXPECT_EQ(kind({{"28000", 18456, "Login failed"}, {"42000", 4060, "Cannot open database"}}),
            ErrorKind::config);
  EXPECT_EQ(kind({{"42000", 229, "x"}}), ErrorKind::config);
  EXPECT_EQ(kind({{"42S02", 208, "x"}}), ErrorKind::schema);
  EXPECT_EQ(kind({{"40001", 1205, "x"}}), ErrorKind::conflict);
  EXPECT_EQ(kind({{"HY000", 1222, "x"}}), ErrorKind::conflict);
  EXPECT_EQ(kind({{"HY000", 3960, "x"}}), ErrorKind::conflict);
  EXPECT_EQ(kind({{"HY000", 40613, "x"}}), ErrorKind::unavailable);
  EXPECT_EQ(kind({{"08S01", 20004, "Read from the server failed"}}), ErrorKind::unavailable);
  EXPECT_EQ(kind({{"HYT00", 0, "Timeout"}}), ErrorKind::unavailable);
  EXPECT_EQ(kind({{"42000", 102, "Incorrect syntax"}}), ErrorKind::internal);
  EXPECT_EQ(kind({{"IM002", 0, "no driver"}}), ErrorKind::config);
  EXPECT_EQ(kind({{"HY000", 0, "something at the driver"}}), ErrorKind::unavailable);
  EXPECT_EQ(kind({}), ErrorKind::unavailable);
}

// A call or a buffer of ours that is wrong must not be tried for ever as if the server were away.
TEST(Diagnostics, OurOwnMistakesAreInternal) {
  for (const char* state : {"07009", "01004", "22003", "24000", "HY010", "HYC00"})
    EXPECT_EQ(kind({{state, 0, "x"}}), ErrorKind::internal) << state;
}

// Kinds never hang on words: a French server says the same number.
TEST(Diagnostics, DoNotReadTexts) {
  EXPECT_EQ(kind({{"42S02", 208, "Nom d'objet incorrect"}}), ErrorKind::schema);
  EXPECT_EQ(kind({{"HY000", 50000, "Login failed, deadlock victim, Invalid object name"}}),
            ErrorKind::internal);
}

TEST(Diagnostics, TruncationIsNeverHarmless) {
  EXPECT_TRUE(harmless({{"01000", 5701, "Changed database context"}}));
  EXPECT_FALSE(harmless({{"01004", 0, "String data, right truncation"}}));
  EXPECT_FALSE(harmless({{"01000", 5701, "x"}, {"40001", 1205, "y"}})) << "an error behind the first rows";
}

TEST(Diagnostics, SayWhatMends) {
  const Error error = error_of({{"42000", 229, "[a][b]The SELECT permission was denied"}}, "read dbo.t");
  EXPECT_EQ(error.message(), "SQL Server: read dbo.t: The SELECT permission was denied");
  EXPECT_FALSE(error.context("remedy").empty());
  EXPECT_TRUE(is_missing_right(error));
}

}  // namespace
}  // namespace tailrace::sqlserver
