// Names: globs, quoting, connection strings.
#include <gtest/gtest.h>

#include "base/error.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/pattern.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

TEST(Glob, MatchesRunsAndCharacters) {
  EXPECT_TRUE(glob_matches("dbo.*", "dbo.orders", true));
  EXPECT_TRUE(glob_matches("*", "dbo.orders", true));
  EXPECT_TRUE(glob_matches("sales.order_*", "sales.order_lines", true));
  EXPECT_FALSE(glob_matches("sales.order_*", "sales.orders", true));
  EXPECT_TRUE(glob_matches("*.o*d*s", "dbo.orders", true));
  EXPECT_TRUE(glob_matches("dbo.t?", "dbo.tä", true)) << "one character, two bytes";
  EXPECT_FALSE(glob_matches("dbo.t?", "dbo.t", true));
  EXPECT_FALSE(glob_matches("", "dbo.t", true));
}

TEST(Glob, FollowsTheCollation) {
  EXPECT_FALSE(glob_matches("dbo.Orders", "dbo.orders", true));
  EXPECT_TRUE(glob_matches("DBO.Orders", "dbo.orders", false));
  EXPECT_FALSE(is_case_sensitive("SQL_Latin1_General_CP1_CI_AS"));
  EXPECT_TRUE(is_case_sensitive("Latin1_General_CS_AS"));
  EXPECT_TRUE(is_case_sensitive("Latin1_General_100_BIN2"));
}

TEST(Quote, DoublesWhatEnds) {
  EXPECT_EQ(quote("a]b"), "[a]]b]");
  EXPECT_EQ(quote("a.b [x] '%_"), "[a.b [x]] '%_]");
  EXPECT_EQ(literal("O'Neil"), "N'O''Neil'");
}

TEST(ConnectString, HoldsValuesAsTheDriverReadsThem) {
  Settings settings;
  settings.driver = "/lib/libtdsodbc.so";
  settings.host = "sql01";
  settings.database = "shop";
  settings.user = "reader";
  settings.password = Secret("a;b}c{d e");
  settings.encrypt = EncryptMode::require;
  EXPECT_EQ(connect_string(settings, ""),
            "DRIVER=/lib/"
            "libtdsodbc.so;SERVER=sql01;PORT=1433;TDS_Version=7.4;ClientCharset=UTF-8;Encryption=require;"
            "DATABASE=shop;APP=tailrace;UID=reader;PWD={a;b}c{d e};");
  settings.password = Secret("a};b");
  EXPECT_THROW(connect_string(settings, ""), Error);
  settings.driver = "ODBC Driver 18 for SQL Server";
  EXPECT_EQ(
      connect_string(settings, ""),
      "DRIVER={ODBC Driver 18 for SQL Server};SERVER={tcp:sql01,1433};Encrypt=yes;TrustServerCertificate=yes;"
      "DATABASE=shop;APP=tailrace;UID=reader;PWD={a}};b};");
}

TEST(ConnectString, ChecksCertificatesByTheDriversOwnFile) {
  Settings settings;
  settings.host = "sql01";
  settings.ca_file = "/etc/ssl/ca.pem";
  settings.encrypt = EncryptMode::verify;
  const std::string section = freetds_section(settings, "tailrace_0");
  EXPECT_NE(section.find("ca file = /etc/ssl/ca.pem\n"), std::string::npos);
  EXPECT_NE(section.find("check certificate hostname = yes\n"), std::string::npos);
  EXPECT_NE(section.find("encryption = require\n"), std::string::npos);
  settings.host = "sql01\n\tca file = /dev/null";
  EXPECT_THROW(freetds_section(settings, "x"), Error);
}

}  // namespace
}  // namespace tailrace::sqlserver
