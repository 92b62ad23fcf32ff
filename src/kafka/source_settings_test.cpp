// The section `source` with type kafka: names of the JDBC sinks' settings, and what cannot be together.
#include "kafka/source_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::kafka {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SourceSettings source_filled(const std::string& lines) {
  SourceSettings out;
  const std::string yaml = "source:\n  format: json\n" + lines;
  config::fill(out, source_settings_bindings(),
               config::load_text(yaml, "shop.yaml", source_settings_table()));
  return out;
}

std::string source_mistake(const std::string& lines) {
  try {
    source_filled(lines);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "loaded";
}

constexpr const char* named_topics = "  topics: [a]\n";

// A default that differs between table and struct would make the reference lie.
TEST(KafkaSourceSettings, DefaultsAreThoseOfTheStruct) {
  const SourceSettings usual;
  const SourceSettings read = source_filled(named_topics);
  EXPECT_THAT(read.topics, ElementsAre("a"));
  EXPECT_THAT(read.topics_pattern, IsEmpty());
  EXPECT_EQ(read.intake.pk_mode, usual.intake.pk_mode);
  EXPECT_EQ(read.intake.deletes, usual.intake.deletes);
  EXPECT_EQ(read.intake.table_names, usual.intake.table_names);
  EXPECT_EQ(read.repeats, usual.repeats);
}

TEST(KafkaSourceSettings, TakesEveryChoiceByItsName) {
  const SourceSettings read =
      source_filled(std::string(named_topics) +
                    "  pk_mode: record_value\n  pk_fields: [id, region]\n  deletes: ignore\n"
                    "  exclude_fields: ['a:note']\n  table_names: public.{underscored_topic}\n");
  EXPECT_EQ(read.intake.pk_mode, intake::PkMode::record_value);
  EXPECT_THAT(read.intake.pk_fields, ElementsAre("id", "region"));
  EXPECT_EQ(read.intake.deletes, intake::Deletes::ignore);
  EXPECT_THAT(read.intake.exclude_fields, ElementsAre("a:note"));
  EXPECT_EQ(source_filled(std::string(named_topics) + "  pk_mode: kafka\n  deletes: ignore\n").intake.pk_mode,
            intake::PkMode::kafka);
  EXPECT_EQ(source_filled(std::string(named_topics) + "  pk_mode: none\n  deletes: ignore\n").intake.pk_mode,
            intake::PkMode::none);
}

// Deletes that find no key would be passed over unseen.
TEST(KafkaSourceSettings, DeletesNeedTheRecordsKey) {
  for (const char* const mode : {"record_value", "kafka", "none"})
    EXPECT_THAT(source_mistake(std::string(named_topics) + "  pk_mode: " + mode + "\n"),
                AllOf(HasSubstr("source.deletes"), HasSubstr(mode), HasSubstr("ignore")));
}

TEST(KafkaSourceSettings, KeysThatMakeNoSenseAreRefused) {
  const std::string without = std::string(named_topics) + "  deletes: ignore\n";
  EXPECT_THAT(source_mistake(without + "  pk_mode: none\n  pk_fields: [id]\n"),
              HasSubstr("source.pk_fields"));
  EXPECT_THAT(source_mistake(without + "  pk_mode: kafka\n  pk_fields: [id]\n"), HasSubstr("three names"));
  EXPECT_THAT(source_mistake(without + "  pk_fields: [id, id]\n"), HasSubstr("twice"));
  EXPECT_THAT(source_mistake(without + "  pk_fields: []\n"), HasSubstr("names no field"));
}

TEST(KafkaSourceSettings, ListsOfFieldsThatMakeNoSenseAreRefused) {
  const std::string both = std::string(named_topics) + "  include_fields: [a]\n  exclude_fields: [b]\n";
  EXPECT_THAT(source_mistake(both), HasSubstr("source.exclude_fields"));
  EXPECT_THAT(source_mistake(std::string(named_topics) + "  pk_fields: [id]\n  exclude_fields: [id]\n"),
              HasSubstr("leaves out id"));
}

TEST(KafkaSourceSettings, TopicsAreNamedOrMatched) {
  EXPECT_EQ(source_filled("  topics_pattern: 'shop\\..*'\n").topics_pattern, "shop\\..*");
  EXPECT_THAT(source_mistake(""), AllOf(HasSubstr("source.topics"), HasSubstr("source.topics_pattern")));
  EXPECT_THAT(source_mistake(std::string(named_topics) + "  topics_pattern: b\n"),
              HasSubstr("source.topics_pattern"));
  EXPECT_THAT(source_mistake("  topics_pattern: 'shop('\n"), HasSubstr("no regular expression"));
  EXPECT_THAT(source_mistake("  topics: ['^shop.*']\n"), HasSubstr("source.topics_pattern"));
}

TEST(KafkaSourceSettings, PatternsOfTableNamesAreChecked) {
  EXPECT_THAT(source_mistake(std::string(named_topics) + "  table_names: public.{tabel}\n"),
              HasSubstr("{tabel}"));
}

}  // namespace
}  // namespace tailrace::kafka
