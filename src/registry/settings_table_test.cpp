// The registry's settings: defaults in one place, choices in the order of their enumerators, and what contradicts itself.
#include "registry/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "registry/client.h"

namespace tailrace::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string group = "target.schema_registry";

Settings filled(const std::string& inside) {
  const auto bindings = settings_bindings(group);
  Settings out;
  config::fill(out, bindings,
               config::load_text("target: {schema_registry: {" + inside + "}}\n", "shop.yaml",
                                 config::table_of(bindings, settings_rules(group))));
  return out;
}

std::string complaint(const std::string& inside) {
  try {
    filled(inside);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "loaded";
}

// A default that differs between table and struct would make the reference lie.
TEST(RegistrySettings, DefaultsAreThoseOfTheStruct) {
  const Settings usual;
  const Settings read = filled("urls: ['http://h:1', 'https://h:2/path']");
  EXPECT_EQ(read.urls, (std::vector<std::string>{"http://h:1", "https://h:2/path"}));
  EXPECT_EQ(read.verify, usual.verify);
  EXPECT_EQ(read.connect_timeout, usual.connect_timeout);
  EXPECT_EQ(read.request_timeout, usual.request_timeout);
  EXPECT_EQ(read.auto_register, usual.auto_register);
  EXPECT_EQ(read.compatibility, usual.compatibility);
  EXPECT_EQ(read.key_subject, usual.key_subject);
  EXPECT_EQ(read.value_subject, usual.value_subject);
}

TEST(RegistrySettings, ChoicesAreTheEnumerators) {
  for (const auto compatibility :
       {Compatibility::forward_transitive, Compatibility::forward, Compatibility::backward,
        Compatibility::backward_transitive, Compatibility::full, Compatibility::full_transitive,
        Compatibility::none}) {
    EXPECT_EQ(filled("compatibility: " + std::string(name_of(compatibility))).compatibility, compatibility);
  }
  EXPECT_EQ(filled("compatibility: leave").compatibility, Compatibility::leave);
  EXPECT_EQ(filled("key_subject: record").key_subject, SubjectStrategy::record);
  EXPECT_EQ(filled("value_subject: topic_record").value_subject, SubjectStrategy::topic_record);
}

TEST(RegistrySettings, WhatContradictsItselfIsSaid) {
  EXPECT_THAT(complaint("urls: ['registry:8081']"), HasSubstr("neither with http://"));
  EXPECT_THAT(complaint("urls: ['http://me:secret@h']"),
              AllOf(HasSubstr("credentials"), Not(HasSubstr("secret"))));
  EXPECT_THAT(complaint("key_file: k"), HasSubstr("without target.schema_registry.certificate_file"));
  EXPECT_THAT(complaint("certificate_file: c"), HasSubstr("without target.schema_registry.key_file"));
}

TEST(Subject, NamesByStrategy) {
  const record::SchemaPtr value = record::struct_of("shop.shop.dbo.orders.Envelope", {});
  EXPECT_EQ(subject_of(SubjectStrategy::topic, "shop.orders", Part::key, *value), "shop.orders-key");
  EXPECT_EQ(subject_of(SubjectStrategy::topic, "shop.orders", Part::value, *value), "shop.orders-value");
  EXPECT_EQ(subject_of(SubjectStrategy::record, "shop.orders", Part::value, *value),
            "shop.shop.dbo.orders.Envelope");
  EXPECT_EQ(subject_of(SubjectStrategy::topic_record, "t", Part::value, *value),
            "t-shop.shop.dbo.orders.Envelope");
  EXPECT_EQ(subject_of(SubjectStrategy::record, "t", Part::value, *record::struct_of("", {})),
            "io.confluent.connect.avro.ConnectDefault");
  EXPECT_THROW(
      subject_of(SubjectStrategy::record, "t", Part::key, *record::schema_of(record::SchemaType::int32)),
      Error);
}

}  // namespace
}  // namespace tailrace::registry
