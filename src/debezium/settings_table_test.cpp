// The settings of events: defaults in one place, choices in the order of their enumerators, and what makes no sense.
#include "debezium/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::debezium {
namespace {

using ::testing::HasSubstr;

const std::string events_group = "target.events";

EventSettings loaded(const std::string& inside) {
  const auto bindings = settings_bindings(events_group);
  EventSettings out;
  config::fill(out, bindings,
               config::load_text("target: {events: {" + inside + "}}\n", "shop.yaml",
                                 config::table_of(bindings, settings_rules(events_group))));
  return out;
}

std::string complaint(const std::string& inside) {
  try {
    loaded(inside);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "loaded";
}

// A default that differs between table and struct would make the reference lie.
TEST(EventSettingsTable, DefaultsAreThoseOfTheStruct) {
  const EventSettings usual;
  const EventSettings read = loaded("topic_prefix: shop");
  EXPECT_EQ(read.topic_prefix, "shop");
  EXPECT_EQ(read.topic_format, usual.topic_format);
  EXPECT_EQ(read.decimals, usual.decimals);
  EXPECT_EQ(read.times, usual.times);
  EXPECT_EQ(read.binary, usual.binary);
  EXPECT_EQ(read.objects, usual.objects);
  EXPECT_EQ(read.schema_names, usual.schema_names);
  EXPECT_EQ(read.field_names, usual.field_names);
  EXPECT_EQ(read.source_time, usual.source_time);
  EXPECT_EQ(read.tombstones, usual.tombstones);
  EXPECT_EQ(read.transaction_metadata, usual.transaction_metadata);
  EXPECT_EQ(read.unavailable_value, usual.unavailable_value);
  EXPECT_EQ(read.extended_headers, usual.extended_headers);
  EXPECT_EQ(read.converter, usual.converter);
  EXPECT_EQ(read.json_schemas, usual.json_schemas);
  EXPECT_EQ(read.json_decimals, usual.json_decimals);
  EXPECT_EQ(read.nulls, usual.nulls);
  EXPECT_EQ(read.schema_changes, usual.schema_changes);
  EXPECT_EQ(read.conversion_failures, usual.conversion_failures);
}

TEST(EventSettingsTable, ChoicesAreTheEnumerators) {
  EXPECT_EQ(loaded("decimals: double").decimals, DecimalMode::double_);
  EXPECT_EQ(loaded("times: connect").times, TimePrecision::connect);
  EXPECT_EQ(loaded("times: nanoseconds").times, TimePrecision::nanoseconds);
  EXPECT_EQ(loaded("binary: base64-url-safe").binary, BinaryMode::base64_url_safe);
  EXPECT_EQ(loaded("binary: hex").binary, BinaryMode::hex);
  EXPECT_EQ(loaded("objects: raw").objects, ObjectMode::raw);
  EXPECT_EQ(loaded("schema_names: avro_unicode").schema_names, NameAdjustment::avro_unicode);
  EXPECT_EQ(loaded("field_names: avro").field_names, NameAdjustment::avro);
  EXPECT_EQ(loaded("source_time: committed").source_time, SourceTime::committed);
  EXPECT_EQ(loaded("nulls: replace_by_default").nulls, record::NullPolicy::replace_by_default);
  EXPECT_EQ(loaded("conversion_failures: warn").conversion_failures, ConversionFailure::warn);
  EXPECT_EQ(loaded("format: json").converter, Converter::json);
  EXPECT_EQ(loaded("json_decimals: numeric").json_decimals, record::DecimalFormat::numeric);
}

TEST(EventSettingsTable, KeysAndSkippedOperationsAreLists) {
  const EventSettings read =
      loaded("key_columns: {'dbo.orders': 'customer, number', 'dbo.x.*': id}, skipped_operations: [u, d]");
  ASSERT_EQ(read.key_columns.size(), 2U);
  EXPECT_EQ(read.key_columns[0].tables, "dbo.orders");
  EXPECT_EQ(read.key_columns[0].columns, (std::vector<std::string>{"customer", "number"}));
  EXPECT_EQ(read.key_columns[1].columns, std::vector<std::string>{"id"});
  EXPECT_FALSE(read.skipped.create);
  EXPECT_TRUE(read.skipped.update && read.skipped.delete_);
}

TEST(EventSettingsTable, ColumnsAreNamedByPatterns) {
  const EventSettings read = loaded(
      "masked_columns: {'dbo.a.b': 3}, truncated_columns: {'.*': 0}, typed_columns: ['.*'], "
      "typed_data_types: ['.*int'], "
      "hashed_columns: {emails: {columns: ['.*email'], salt: pepper}, old: {columns: [x], salt: s, "
      "algorithm: MD5, form: v1}}");
  ASSERT_EQ(read.masked.size(), 1U);
  EXPECT_EQ(read.masked[0].columns, "dbo.a.b");
  EXPECT_EQ(read.masked[0].characters, 3);
  EXPECT_EQ(read.truncated.at(0).characters, 0);
  EXPECT_EQ(read.typed_columns, std::vector<std::string>{".*"});
  EXPECT_EQ(read.typed_data_types, std::vector<std::string>{".*int"});
  const ColumnHash& emails = read.hashed.at("emails");
  EXPECT_EQ(emails.columns, std::vector<std::string>{".*email"});
  EXPECT_EQ(emails.salt.reveal(), "pepper");
  EXPECT_EQ(emails.algorithm, "SHA-256");
  EXPECT_EQ(emails.form, HashForm::v2);
  EXPECT_EQ(read.hashed.at("old").algorithm, "MD5");
  EXPECT_EQ(read.hashed.at("old").form, HashForm::v1);
}

// A mask that was mistyped must not be no mask.
TEST(EventSettingsTable, AMaskThatIsNoneIsSaid) {
  EXPECT_THAT(complaint("masked_columns: {'dbo.(': 3}"), HasSubstr("no regular expression"));
  EXPECT_THAT(complaint("masked_columns: {'dbo.a': many}"), HasSubstr("no number of characters"));
  EXPECT_THAT(complaint("truncated_columns: {'dbo.a': -1}"), HasSubstr("no number of characters"));
  EXPECT_THAT(complaint("typed_columns: ['(']"), HasSubstr("no regular expression"));
  EXPECT_THAT(complaint("hashed_columns: {e: {columns: ['('], salt: s}}"),
              HasSubstr("no regular expression"));
  EXPECT_THAT(complaint("hashed_columns: {e: {columns: [x]}}"), HasSubstr("is missing for e"));
  EXPECT_THAT(complaint("hashed_columns: {e: {salt: s}}"), HasSubstr("is missing for e"));
  EXPECT_THAT(complaint("hashed_columns: {e: {columns: [x], salt: s, algorithm: SHA}}"),
              HasSubstr("no hash"));
}

TEST(EventSettingsTable, WhatMakesNoSenseIsSaid) {
  EXPECT_THAT(complaint("key_columns: {'dbo.(': id}"), HasSubstr("no regular expression"));
  EXPECT_THAT(complaint("skipped_operations: [x]"), HasSubstr("c, u or d"));
  EXPECT_THAT(complaint("topic_format: '{prefix}.all'"), HasSubstr("{table}"));
}

}  // namespace
}  // namespace tailrace::debezium
