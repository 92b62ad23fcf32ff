// Every kind of mistake, with the line it is on.
#include "config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Table& table() {
  static const Table instance = [] {
    Table made;
    made.settings = {
        {.name = "pipeline", .example = "shop", .required = true},
        {.name = "source.type",
         .type = SettingType::choice,
         .choices = {"sqlserver"},
         .refused = {{"kafka", "Kafka mode is not built yet"}},
         .required = true},
        {.name = "source.host", .required = true},
        {.name = "source.port",
         .type = SettingType::integer,
         .fallback = "1433",
         .minimum = 1,
         .maximum = 65535},
        {.name = "source.password", .secret = true},
        {.name = "source.encrypt.mode", .type = SettingType::choice, .choices = {"off", "require", "verify"}},
        {.name = "source.encrypt.ca_file"},
        {.name = "target.schemas", .type = SettingType::map},
        {.name = "tables.include", .type = SettingType::list},
        {.name = "tables.settings.*.key", .type = SettingType::list},
        {.name = "snapshot.readers",
         .type = SettingType::integer,
         .fallback = "4",
         .minimum = 1,
         .maximum = 64},
        {.name = "stream.poll_interval",
         .type = SettingType::duration,
         .fallback = "500ms",
         .minimum = 10,
         .maximum = 60'000},
        {.name = "stream.commit_bytes", .type = SettingType::bytes, .fallback = "32MiB", .minimum = 1 << 20},
        {.name = "stream.paused", .type = SettingType::boolean},
        {.name = "observability.metrics_listen", .refusal = "there is no metrics endpoint yet"},
    };
    made.rules = {[](const Document& document, std::vector<Complaint>& complaints) {
      if (document.has("source.encrypt.ca_file") && document.read("source.encrypt.mode").text == "off") {
        complaints.push_back({"source.encrypt.ca_file", "has no meaning with encrypt.mode off", nullptr});
      }
    }};
    return made;
  }();
  return instance;
}

std::string mistakes_of(const std::string& yaml) {
  try {
    load_text(yaml, "shop.yaml", table());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "no mistake";
}

const std::string head = "pipeline: shop\nsource: {type: sqlserver, host: h}\n";  // Two lines.

TEST(Loader, TakesAGoodFile) {
  const Document document = load_text(head + "source2: 1\n", "x", [] {
    Table more = table();
    more.settings.push_back({.name = "source2", .type = SettingType::integer});
    return more;
  }());
  EXPECT_EQ(document.read("source.host").text, "h");
  EXPECT_EQ(document.read("source.port").number, 1433);
  EXPECT_EQ(document.read("source2").number, 1);
  EXPECT_EQ(document.where("source2"), "x:3");
}

TEST(Loader, NamesUnknownSettingsAndWhatWasMeant) {
  EXPECT_EQ(mistakes_of(head + "snapshot:\n  raeders: 4\n"),
            "shop.yaml:4: snapshot.raeders: unknown setting; did you mean snapshot.readers?");
  EXPECT_EQ(mistakes_of(head + "readers: 4\n"),
            "shop.yaml:3: readers: unknown setting; did you mean snapshot.readers?");
  EXPECT_EQ(
      mistakes_of(head + "snapshot.readers: 4\n"),
      "shop.yaml:3: snapshot.readers: unknown setting; settings are nested: write one level below the other");
  EXPECT_THAT(mistakes_of(head + "stream: {colour: red}\n"),
              HasSubstr("known here: poll_interval, commit_bytes, paused"));
}

TEST(Loader, NamesWrongTypes) {
  EXPECT_EQ(mistakes_of("pipeline: shop\nsource:\n  type: sqlserver\n  host: h\n  port: many\n"),
            "shop.yaml:5: source.port: expected a whole number, 1 to 65535, got 'many'");
  EXPECT_THAT(mistakes_of(head + "tables: {include: dbo.orders}\n"),
              HasSubstr("expected a list such as [a, b]"));
  EXPECT_THAT(mistakes_of(head + "target: {schemas: [dbo]}\n"),
              HasSubstr("expected a map such as { a: b }, got a list"));
  EXPECT_THAT(mistakes_of(head + "stream: {paused: perhaps}\n"),
              HasSubstr("expected true or false, got 'perhaps'"));
  EXPECT_THAT(mistakes_of(head + "stream: {poll_interval: 500}\n"),
              HasSubstr("expected a duration such as 500ms"));
  EXPECT_THAT(mistakes_of(head + "stream: {commit_bytes: 32MB}\n"),
              HasSubstr("expected a size such as 32MiB"));
  EXPECT_THAT(mistakes_of(head + "stream: 5\n"), HasSubstr("shop.yaml:3: stream: expected a section with"));
  EXPECT_THAT(mistakes_of(head + "stream:\n  poll_interval:\n"), HasSubstr("got nothing"));
  EXPECT_THAT(mistakes_of("- a\n- b\n"), HasSubstr("expected a section with pipeline, source"));
}

// A setting of a choice that is not made would be passed by in silence, and one that it needs be asked for in vain.
TEST(Loader, KeepsSettingsToTheChoiceTheyBelongTo) {
  Table choices = table();
  choices.settings.push_back({.name = "target.type", .type = SettingType::choice, .choices = {"one", "two"}});
  choices.settings.push_back({.name = "target.url", .belongs_to = {"target.type", "one"}, .required = true});
  choices.settings.push_back({.name = "target.topic", .belongs_to = {"target.type", "two"}});
  const auto mistakes = [&](const std::string& yaml) -> std::string {
    try {
      load_text(yaml, "x", choices);
    } catch (const Error& error) {
      return error.message();
    }
    return "no mistake";
  };
  EXPECT_EQ(mistakes(head + "target: {type: two, topic: t}\n"), "no mistake");
  EXPECT_THAT(mistakes(head + "target: {type: one}\n"), HasSubstr("target.url: is missing"));
  EXPECT_EQ(mistakes(head + "target:\n  type: two\n  url: u\n"),
            "x:5: target.url: belongs to target.type: one; it is two here");
}

TEST(Loader, HoldsBounds) {
  EXPECT_THAT(mistakes_of(head + "snapshot: {readers: 0}\n"), HasSubstr("a whole number, 1 to 64, got '0'"));
  EXPECT_THAT(mistakes_of(head + "stream: {poll_interval: 2m}\n"), HasSubstr("10ms to 1m, got '2m'"));
  EXPECT_THAT(mistakes_of(head + "stream: {commit_bytes: 1KiB}\n"), HasSubstr("at least 1MiB, got '1KiB'"));
}

TEST(Loader, NamesChoices) {
  EXPECT_THAT(
      mistakes_of("pipeline: p\nsource: {type: sqlservr, host: h}\n"),
      HasSubstr(
          "shop.yaml:2: source.type: expected one of sqlserver, got 'sqlservr'; did you mean sqlserver?"));
}

// A refused choice alone explains why the keys beside it are not known.
TEST(Loader, RefusesWhatIsNotServedYetWithItsReasonOnly) {
  EXPECT_EQ(mistakes_of("pipeline: p\nsource: {type: kafka, bootstrap_servers: b}\n"),
            "shop.yaml:2: source.type: 'kafka' is not served by this version: Kafka mode is not built yet");
  EXPECT_EQ(mistakes_of(head + "observability: {metrics_listen: 127.0.0.1:9187}\n"),
            "shop.yaml:3: observability.metrics_listen: is not served by this version: there is no metrics "
            "endpoint "
            "yet");
}

TEST(Loader, NamesWhatIsMissing) {
  EXPECT_EQ(mistakes_of("source:\n  type: sqlserver\n  host: h\n"),
            "shop.yaml:1: pipeline: is missing; expected text, for example shop");
  EXPECT_EQ(mistakes_of("pipeline: p\n\nsource:\n  type: sqlserver\n"),
            "shop.yaml:4: source.host: is missing; expected text");
}

// The second of two equal keys would silently win.
TEST(Loader, RefusesAKeyThatStandsThereTwice) {
  EXPECT_EQ(mistakes_of(head + "snapshot:\n  readers: 4\n  readers: 8\n"),
            "shop.yaml:5: snapshot.readers: stands here a second time; keep one");
  EXPECT_THAT(mistakes_of(head + "target: {schemas: {dbo: a, dbo: b}}\n"),
              HasSubstr("stands here a second time"));
}

TEST(Loader, ReportsContradictionsWithTheirLine) {
  EXPECT_EQ(mistakes_of("pipeline: p\nsource:\n  type: sqlserver\n  host: h\n  encrypt:\n    mode: off\n"
                        "    ca_file: /x\n"),
            "shop.yaml:7: source.encrypt.ca_file: has no meaning with encrypt.mode off");
}

TEST(Loader, ReportsEverythingTogetherInTheOrderOfLines) {
  EXPECT_EQ(mistakes_of("source:\n  type: sqlserver\n  prot: 1\n  encrypt: {mode: off, ca_file: /x}\n"
                        "snapshot: {readers: 99}\n"),
            "shop.yaml has 5 mistakes:\n"
            "  shop.yaml:1: pipeline: is missing; expected text, for example shop\n"
            "  shop.yaml:2: source.host: is missing; expected text\n"
            "  shop.yaml:3: source.prot: unknown setting; did you mean source.port?\n"
            "  shop.yaml:4: source.encrypt.ca_file: has no meaning with encrypt.mode off\n"
            "  shop.yaml:5: snapshot.readers: expected a whole number, 1 to 64, got '99'");
}

TEST(Loader, SaysWhereYamlIsBroken) {
  EXPECT_THAT(mistakes_of("pipeline: shop\nsource: {type: sqlserver\n"),
              AllOf(HasSubstr("shop.yaml:3:1: this is not valid YAML: "), Not(HasSubstr("\n"))));
  EXPECT_THAT(mistakes_of("pipeline: [a\nb: c\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(mistakes_of("pipeline: shop\n\tsource: x\n"), HasSubstr("shop.yaml:2:"));
  EXPECT_THAT(mistakes_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(mistakes_of(head + "---\npipeline: other\n"), HasSubstr("a second document"));
}

TEST(Loader, NeverShowsASecret) {
  const std::string message =
      mistakes_of("pipeline: p\nsource: {type: sqlserver, host: h, password: [geheim]}\n");
  EXPECT_THAT(message, AllOf(HasSubstr("source.password"), Not(HasSubstr("geheim"))));
}

TEST(Loader, ReportsReferencesThatLeadNowhere) {
  EXPECT_EQ(mistakes_of(
                "pipeline: p\nsource:\n  type: sqlserver\n  host: h\n  password: ${env:TAILRACE_NOT_SET}\n"),
            "shop.yaml:5: source.password: environment variable TAILRACE_NOT_SET is not set");
  EXPECT_THAT(mistakes_of("pipeline: p\nsource: {type: sqlserver, host: h, password: \"${vault:a#b}\"}\n"),
              HasSubstr("${vault:...} is not served by this version"));
}

// A table's name holds dots; it is one key all the same.
TEST(Loader, TakesDottedTableNamesAsOneKey) {
  const Document document =
      load_text(head + "tables: {settings: {dbo.orders: {key: [id]}}}\n", "shop.yaml", table());
  const std::vector<const Entry*> found = document.find("tables.settings.*.key");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front()->chosen_key(), "dbo.orders");
  EXPECT_THAT(mistakes_of(head + "tables: {settings: {dbo.orders: {keys: [id]}}}\n"),
              HasSubstr("did you mean tables.settings.dbo.orders.key?"));
}

TEST(Loader, SaysThatTheFileCannotBeRead) {
  try {
    load_file("/nowhere/shop.yaml", table());
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "the configuration file /nowhere/shop.yaml cannot be read: No such file or directory");
  }
}

}  // namespace
}  // namespace tailrace::config
