// The source's settings: defaults in one place, and what contradicts what.
#include "sqlserver/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "sqlserver/connect_string.h"

namespace tailrace::sqlserver {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string head =
    "source: {host: h, databases: [shop], user: u, password: p, encrypt: {mode: require}}\n";

Settings filled(const std::string& yaml) {
  Settings out;
  config::fill(out, settings_bindings(), config::load_text(yaml, "shop.yaml", settings_table()));
  return out;
}

std::string mistakes_of(const std::string& yaml) {
  try {
    config::load_text(yaml, "shop.yaml", settings_table());
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

// A default that differs between table and struct would make the reference lie.
TEST(SourceSettings, DefaultsAreThoseOfTheStruct) {
  const Settings usual;
  const Settings read = filled("source: {host: h, databases: [shop], user: u, password: p}\n");
  EXPECT_EQ(read.port, usual.port);
  EXPECT_EQ(read.encrypt, usual.encrypt);
  EXPECT_EQ(read.driver, usual.driver);
  EXPECT_EQ(read.login_timeout, usual.login_timeout);
  EXPECT_EQ(read.query_timeout, usual.query_timeout);
  EXPECT_EQ(read.lock_timeout, usual.lock_timeout);
  EXPECT_EQ(read.keepalive, usual.keepalive);
  EXPECT_EQ(read.authentication, usual.authentication);
  EXPECT_EQ(read.application_intent, usual.application_intent);
  EXPECT_EQ(read.multi_subnet_failover, usual.multi_subnet_failover);
  EXPECT_EQ(read.expected_outage, usual.expected_outage);
  EXPECT_EQ(read.expected_rate, usual.expected_rate);
  EXPECT_EQ(read.poll_interval, usual.poll_interval);
  EXPECT_EQ(read.commit_rows, usual.commit_rows);
  EXPECT_EQ(read.commit_transactions, usual.commit_transactions);
  EXPECT_EQ(read.commit_bytes, usual.commit_bytes);
  EXPECT_EQ(read.max_value_bytes, usual.max_value_bytes);
  EXPECT_EQ(read.snapshot_batch_bytes, usual.snapshot_batch_bytes);
}

TEST(SourceSettings, FillsSelectionAndTables) {
  const Settings read = filled(head +
                               "tables:\n  include: [dbo.*]\n  exclude: ['dbo.log_?']\n  settings:\n"
                               "    dbo.orders: {key: [a, b], columns: {exclude: [c]}}\n");
  EXPECT_EQ(read.database, "shop");
  EXPECT_EQ(read.encrypt, EncryptMode::require);
  EXPECT_EQ(read.include, std::vector<std::string>{"dbo.*"});
  EXPECT_EQ(read.exclude, std::vector<std::string>{"dbo.log_?"});
  EXPECT_EQ(read.tables.at("dbo.orders").key, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read.tables.at("dbo.orders").exclude_columns, std::vector<std::string>{"c"});
}

TEST(SourceSettings, RefusesSeveralDatabasesByName) {
  EXPECT_THAT(mistakes_of("source: {host: h, databases: [a, b], user: u, password: p}\n"),
              AllOf(HasSubstr("shop.yaml:1: source.databases: names 2 databases (a, b)"),
                    HasSubstr("write one file for each")));
}

TEST(SourceSettings, TakesALoginOrATicket) {
  const std::string ticket = "source: {host: h, databases: [shop], authentication: integrated";
  EXPECT_EQ(filled(ticket + ", server_spn: 'MSSQLSvc/h:1433'}\n").server_spn, "MSSQLSvc/h:1433");
  EXPECT_THAT(mistakes_of(ticket + ", user: u, password: p}\n"),
              AllOf(HasSubstr("source.user: contradicts source.authentication: integrated"),
                    HasSubstr("source.password: contradicts source.authentication: integrated")));
  EXPECT_THAT(mistakes_of("source: {host: h, databases: [shop]}\n"),
              AllOf(HasSubstr("source.user: is missing"), HasSubstr("source.password: is missing")));
  EXPECT_THAT(mistakes_of("source: {host: h, databases: [shop], user: u, password: p, server_spn: x}\n"),
              HasSubstr("source.server_spn: belongs to source.authentication: integrated"));
}

// What a driver does not have must not be left out silently: the operator relies on it.
TEST(SourceSettings, RefusesWhatTheDriverDoesNotHave) {
  const std::string wanted = "encrypt: {mode: strict}, multi_subnet_failover: true";
  const std::string of_driver = "source: {host: h, databases: [shop], user: u, password: p, " + wanted;
  const auto refused = AllOf(HasSubstr("source.encrypt.mode: is strict, which FreeTDS does not speak"),
                             HasSubstr("source.multi_subnet_failover: is not known to FreeTDS"));
  EXPECT_THAT(mistakes_of(of_driver + ", driver: /usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so}\n"), refused);
  EXPECT_THAT(
      mistakes_of("source: {host: h, databases: [shop], authentication: integrated, " + wanted + "}\n"),
      refused)
      << "which goes to FreeTDS";
  for (const char* driver : {"", ", driver: tds", ", driver: 'ODBC Driver 18 for SQL Server'"}) {
    const Settings read = filled(of_driver + driver + "}\n");
    EXPECT_EQ(read.encrypt, EncryptMode::strict);
    EXPECT_TRUE(read.multi_subnet_failover);
  }
}

// A ticket needs a library that tailrace's own reader does not have.
TEST(SourceSettings, SendIntegratedAuthenticationToOdbc) {
  const std::string ticket = "source: {host: h, databases: [shop], authentication: integrated";
  const Settings by_default = filled(ticket + "}\n");
  EXPECT_FALSE(is_native(by_default));
  EXPECT_TRUE(is_freetds(driver_of(by_default)));
  EXPECT_THAT(mistakes_of(ticket + ", driver: tds}\n"),
              HasSubstr("source.driver: is tds, which knows logins"));
  EXPECT_TRUE(is_native(filled(head)));
  EXPECT_FALSE(is_native(
      filled("source: {host: h, databases: [a], user: u, password: p, driver: /x/libtdsodbc.so}\n")));
}

TEST(SourceSettings, NamesContradictions) {
  EXPECT_THAT(mistakes_of("source: {host: h, port: 1, instance: X, databases: [a], user: u, password: p}\n"),
              HasSubstr("source.port: contradicts source.instance"));
  EXPECT_THAT(mistakes_of("source:\n  host: h\n  databases: [a]\n  user: u\n  password: p\n"
                          "  encrypt: {mode: require, ca_file: /x}\n"),
              HasSubstr("shop.yaml:6: source.encrypt.ca_file: contradicts source.encrypt.mode: require"));
  EXPECT_THAT(mistakes_of("source:\n  host: h\n  databases: [a]\n  user: u\n  password: p\n"
                          "  encrypt: {mode: off, host_name_in_certificate: x}\n"),
              HasSubstr("host_name_in_certificate: contradicts source.encrypt.mode: off"));
  EXPECT_THAT(mistakes_of(head + "tables: {include: [dbo.a], exclude: [dbo.a]}\n"),
              HasSubstr("shop.yaml:2: tables.exclude: 'dbo.a' is in tables.include as well"));
  EXPECT_THAT(mistakes_of(head + "tables: {include: [orders]}\n"), HasSubstr("such as dbo.orders"));
  EXPECT_THAT(mistakes_of(head + "tables: {include: [dbo.a], settings: {dbo.b: {key: [x]}}}\n"),
              HasSubstr("tables.settings.dbo.b.key: belongs to a table that"));
  EXPECT_THAT(mistakes_of(head + "tables: {settings: {dbo.b: {key: [x], columns: {exclude: [x]}}}}\n"),
              HasSubstr("names column 'x', which columns.exclude leaves out"));
  EXPECT_THAT(mistakes_of(head + "stream: {max_value_bytes: 64MiB}\n"),
              HasSubstr("stream.max_value_bytes is larger than stream.commit_bytes"));
}

}  // namespace
}  // namespace tailrace::sqlserver
