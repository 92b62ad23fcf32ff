// Settings that find their members.
#include "config/binding.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/error.h"

namespace tailrace::config {
namespace {

using std::chrono::milliseconds;

enum class Mode { off, verify };

struct PerTable {
  std::vector<std::string> key;
};

struct Target {
  std::string host;
  int port = 0;
  Mode mode = Mode::off;
  std::size_t commit_bytes = 0;
  milliseconds wait{0};
  std::chrono::seconds lock{0};
  bool quiet = false;
  Secret password;
  std::optional<std::string> label;
  std::map<std::string, std::string> schemas;
  std::map<std::string, PerTable> tables;
};

const std::vector<Binding<Target>>& bindings() {
  static const std::vector<Binding<Target>> table{
      bind<Target>(
          {.name = "host", .required = true}, [](Target & t) -> auto& { return t.host; }),
      bind<Target>(
          {.name = "port", .type = SettingType::integer, .fallback = "1433"},
          [](Target & t) -> auto& { return t.port; }),
      bind<Target>(
          {.name = "mode", .type = SettingType::choice, .choices = {"off", "verify"}},
          [](Target & t) -> auto& { return t.mode; }),
      bind<Target>(
          {.name = "commit_bytes", .type = SettingType::bytes, .fallback = "32MiB"},
          [](Target & t) -> auto& { return t.commit_bytes; }),
      bind<Target>(
          {.name = "wait", .type = SettingType::duration, .fallback = "500ms"},
          [](Target & t) -> auto& { return t.wait; }),
      bind<Target>(
          {.name = "lock", .type = SettingType::duration, .fallback = "10s"},
          [](Target & t) -> auto& { return t.lock; }),
      bind<Target>(
          {.name = "quiet", .type = SettingType::boolean}, [](Target & t) -> auto& { return t.quiet; }),
      bind<Target>(
          {.name = "password", .secret = true}, [](Target & t) -> auto& { return t.password; }),
      bind<Target>(
          {.name = "label"}, [](Target & t) -> auto& { return t.label; }),
      bind<Target>(
          {.name = "schemas", .type = SettingType::map}, [](Target & t) -> auto& { return t.schemas; }),
      bind<Target>(
          {.name = "tables.*.key", .type = SettingType::list},
          [](Target & t, const std::string& key) -> auto& { return t.tables[key].key; }),
  };
  return table;
}

Target filled(const std::string& yaml) {
  Target target;
  fill(target, bindings(), load_text(yaml, "test.yaml", table_of(bindings())));
  return target;
}

TEST(Binding, PutsEachTypeIntoItsMember) {
  const Target target = filled(
      "host: h\nport: 14330\nmode: verify\ncommit_bytes: 1MiB\nwait: 2s\nlock: 1m\nquiet: true\npassword: "
      "pw\n"
      "label: l\nschemas: {dbo: public}\ntables: {dbo.orders: {key: [a, b]}}\n");
  EXPECT_EQ(target.host, "h");
  EXPECT_EQ(target.port, 14330);
  EXPECT_EQ(target.mode, Mode::verify);
  EXPECT_EQ(target.commit_bytes, 1'048'576u);
  EXPECT_EQ(target.wait, milliseconds(2'000));
  EXPECT_EQ(target.lock, std::chrono::seconds(60));
  EXPECT_TRUE(target.quiet);
  EXPECT_EQ(target.password.reveal(), "pw");
  EXPECT_EQ(target.label, "l");
  EXPECT_EQ(target.schemas.at("dbo"), "public");
  EXPECT_EQ(target.tables.at("dbo.orders").key, (std::vector<std::string>{"a", "b"}));
}

TEST(Binding, TakesTheDefaultOfTheTable) {
  const Target target = filled("host: h\n");
  EXPECT_EQ(target.port, 1433);
  EXPECT_EQ(target.commit_bytes, 33'554'432u);
  EXPECT_EQ(target.wait, milliseconds(500));
  EXPECT_EQ(target.label, std::nullopt);
  EXPECT_TRUE(target.tables.empty());
}

// The factory of a connection fills anew for each attempt: what a rotation has written must arrive.
TEST(Binding, SeesARotatedSecretAtTheNextFill) {
  setenv("TAILRACE_TEST_ROTATED", "old", 1);
  const Document document =
      load_text("host: h\npassword: ${env:TAILRACE_TEST_ROTATED}\n", "test.yaml", table_of(bindings()));
  Target target;
  fill(target, bindings(), document);
  EXPECT_EQ(target.password.reveal(), "old");
  setenv("TAILRACE_TEST_ROTATED", "new", 1);
  fill(target, bindings(), document);
  EXPECT_EQ(target.password.reveal(), "new");
  unsetenv("TAILRACE_TEST_ROTATED");
  EXPECT_THROW(fill(target, bindings(), document), Error);
}

}  // namespace
}  // namespace tailrace::config
