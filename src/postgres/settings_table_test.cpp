// The target's settings: defaults in one place, and where its own schema is.
#include "postgres/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

using testing::HasSubstr;

// With a setting of the pipeline that the target's rules read.
Settings filled(const std::string& yaml) {
  Settings out;
  config::Table table = settings_table();
  table.settings.push_back({.name = "snapshot.mode", .fallback = "initial"});
  config::fill(out, settings_bindings(), config::load_text(yaml, "shop.yaml", table));
  return out;
}

// A default that differs between table and struct would make the reference lie.
TEST(TargetSettings, DefaultsAreThoseOfTheStruct) {
  const Settings usual;
  const Settings read = filled("target: {url: 'postgresql://h/d'}\n");
  EXPECT_EQ(read.url, "postgresql://h/d");
  EXPECT_EQ(read.schemas, usual.schemas);
  EXPECT_EQ(read.char_as_char, usual.char_as_char);
  EXPECT_EQ(read.connect_timeout, usual.connect_timeout);
  EXPECT_EQ(read.heartbeat_stale, usual.heartbeat_stale);
  EXPECT_EQ(read.takeover_grace, usual.takeover_grace);
  EXPECT_EQ(read.ddl_lock_timeout, usual.ddl_lock_timeout);
  EXPECT_EQ(read.fillfactor, usual.fillfactor);
  EXPECT_EQ(read.statement_bytes, usual.statement_bytes);
  EXPECT_EQ(read.statement_rows, usual.statement_rows);
}

TEST(TargetSettings, MapsSchemasOverTheDefault) {
  const Settings read = filled("target: {url: x, schemas: {sales: crm}}\n");
  EXPECT_EQ(read.schemas, (std::map<std::string, std::string>{{"dbo", "public"}, {"sales", "crm"}}));
  EXPECT_EQ(filled("target: {url: x, schemas: {dbo: dbo}}\n").schemas.at("dbo"), "dbo");
}

TEST(TargetSettings, ModesOfALogAreRefused) {
  for (const char* const mode : {"always", "when_needed"}) {
    try {
      filled(std::string("target: {url: x}\nsnapshot: {mode: ") + mode + "}\n");
      FAIL() << mode;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(),
                  HasSubstr("snapshot.mode: " + std::string(mode) + " is for a Kafka target"));
    }
  }
}

// Replicated tables among the sink's own state could overwrite it.
TEST(TargetSettings, KeepsItsOwnSchemaFree) {
  try {
    filled("target:\n  url: x\n  schemas: {dbo: tailrace}\n");
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("shop.yaml:3: target.schemas: maps dbo to schema tailrace"));
  }
}

}  // namespace
}  // namespace tailrace::postgres
