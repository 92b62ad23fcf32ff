// Names: globs, quoting, connection strings.
#include <gtest/gtest.h>

#include <utility>

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
      "DATABASE=shop;APP=tailrace;ConnectRetryCount=0;KeepAlive=30;KeepAliveInterval=10;UID=reader;PWD={a}};"
      "b};");
}

Settings of_microsoft() {
  Settings settings;
  settings.driver = "ODBC Driver 18 for SQL Server";
  settings.host = "sql01";
  settings.database = "shop";
  settings.user = "reader";
  settings.password = Secret("p");
  return settings;
}

// A keyword that is left out is a server that is trusted too much, or another replica.
TEST(ConnectString, GivesMicrosoftsDriverEverySetting) {
  Settings settings = of_microsoft();
  settings.encrypt = EncryptMode::strict;
  settings.host_name_in_certificate = "sql.example.com";
  settings.application_intent = ApplicationIntent::read_only;
  settings.multi_subnet_failover = true;
  settings.keepalive = std::chrono::seconds(60);
  EXPECT_EQ(
      connect_string(settings, ""),
      "DRIVER={ODBC Driver 18 for SQL Server};SERVER={tcp:sql01,1433};Encrypt=strict;"
      "HostnameInCertificate=sql.example.com;DATABASE=shop;APP=tailrace;ApplicationIntent=ReadOnly;"
      "MultiSubnetFailover=yes;ConnectRetryCount=0;KeepAlive=60;KeepAliveInterval=20;UID=reader;PWD=p;");
  settings.encrypt = EncryptMode::off;
  EXPECT_NE(connect_string(settings, "").find(";Encrypt=no;"), std::string::npos);
  settings.encrypt = EncryptMode::verify;
  EXPECT_EQ(connect_string(settings, "").find("TrustServerCertificate"), std::string::npos);
  settings.instance = "SALES";
  EXPECT_NE(connect_string(settings, "").find(";SERVER=sql01\\SALES;"), std::string::npos);
  settings.ca_file = "/etc/ssl/ca.pem";
  EXPECT_THROW(connect_string(settings, ""), Error);
}

// With Kerberos neither name nor password may be sent: an empty one would be a login of its own.
TEST(ConnectString, TakesNoLoginWithIntegratedAuthentication) {
  Settings settings = of_microsoft();
  settings.authentication = Authentication::integrated;
  settings.server_spn = "MSSQLSvc/sql01:1433";
  for (const char* driver : {"ODBC Driver 18 for SQL Server", "/lib/libtdsodbc.so"}) {
    settings.driver = driver;
    const std::string text = connect_string(settings, "");
    EXPECT_NE(text.find("Trusted_Connection=yes;ServerSPN=MSSQLSvc/sql01:1433;"), std::string::npos) << text;
    EXPECT_EQ(text.find("UID="), std::string::npos) << text;
    EXPECT_EQ(text.find("PWD="), std::string::npos) << text;
  }
}

TEST(ConnectString, TellsFreeTdsOfInstancesAndReplicas) {
  Settings settings = of_microsoft();
  settings.driver = "/lib/libtdsodbc.so";
  settings.instance = "SALES";
  settings.application_intent = ApplicationIntent::read_only;
  const std::string text = connect_string(settings, "");
  EXPECT_NE(text.find(";SERVER=sql01\\SALES;"), std::string::npos) << text;
  EXPECT_EQ(text.find("PORT="), std::string::npos) << text;
  EXPECT_NE(text.find(";ApplicationIntent=ReadOnly;"), std::string::npos) << text;
}

TEST(ConnectString, ChecksCertificatesByTheDriversOwnFile) {
  Settings settings;
  EXPECT_EQ(freetds_section(settings, "x"), "") << "tailrace itself needs none";
  settings.driver = "/lib/libtdsodbc.so";
  settings.host = "sql01";
  settings.ca_file = "/etc/ssl/ca.pem";
  settings.encrypt = EncryptMode::verify;
  const std::string section = freetds_section(settings, "tailrace_0");
  EXPECT_NE(section.find("ca file = /etc/ssl/ca.pem\n"), std::string::npos);
  EXPECT_NE(section.find("check certificate hostname = yes\n"), std::string::npos);
  EXPECT_NE(section.find("encryption = require\n"), std::string::npos);
  settings.host_name_in_certificate = "sql.example.com";
  EXPECT_NE(freetds_section(settings, "x").find("certificate hostname = sql.example.com\n"),
            std::string::npos);
  for (std::string* value : {&settings.host, &settings.host_name_in_certificate, &settings.ca_file}) {
    const std::string before = std::exchange(*value, "sql01\n\tca file = /dev/null");
    EXPECT_THROW(freetds_section(settings, "x"), Error);
    *value = before;
  }
}

}  // namespace
}  // namespace tailrace::sqlserver
