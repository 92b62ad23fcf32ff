// The section `kafka`: defaults in one place, and faults at their lines.
#include "kafka/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace::kafka {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Settings filled(const std::string& yaml) {
  Settings out;
  config::fill(out, settings_bindings(), config::load_text(yaml, "shop.yaml", settings_table()));
  return out;
}

std::string mistake(const std::string& yaml) {
  try {
    filled(yaml);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.message();
  }
  return "loaded";
}

// A default that differs between table and struct would make the reference lie.
TEST(KafkaSettings, DefaultsAreThoseOfTheStruct) {
  const Settings usual;
  const Settings read = filled("kafka: {bootstrap_servers: ['k1:9092']}\n");
  EXPECT_THAT(read.bootstrap_servers, ElementsAre("k1:9092"));
  EXPECT_EQ(read.security_protocol, usual.security_protocol);
  EXPECT_EQ(read.sasl_mechanism, usual.sasl_mechanism);
  EXPECT_EQ(read.verify_host, usual.verify_host);
  EXPECT_EQ(read.compression, usual.compression);
  EXPECT_EQ(read.producer_memory_bytes, usual.producer_memory_bytes);
  EXPECT_EQ(read.consumer_memory_bytes, usual.consumer_memory_bytes);
  EXPECT_EQ(read.patience, usual.patience);
}

TEST(KafkaSettings, TakesEveryChoiceByItsName) {
  const Settings read = filled(R"(kafka:
  bootstrap_servers: [k1:9092]
  security_protocol: sasl_ssl
  sasl_mechanism: scram-sha-512
  user: u
  password: p
  compression: none
  properties: { client.rack: r1, linger.ms: 7 }
)");
  EXPECT_EQ(read.security_protocol, SecurityProtocol::sasl_ssl);
  EXPECT_EQ(read.sasl_mechanism, SaslMechanism::scram_sha_512);
  EXPECT_EQ(read.compression, Compression::none);
  EXPECT_EQ(read.properties.at("linger.ms").reveal(), "7");
}

// A pipeline without Kafka has no section, and nothing to be missing.
TEST(KafkaSettings, AreNotWantedWhereNoneIsSet) {
  EXPECT_TRUE(config::load_text("{}\n", "shop.yaml", settings_table()).entries().empty());
}

TEST(KafkaSettings, ReportFaultsAtTheirLinesAllTogether) {
  const std::string said = mistake(R"(kafka:
  bootstrap_servers: [k1:9092]
  user: u
  properties:
    acks: all
    sasl.password: hunter2
)");
  EXPECT_THAT(said, AllOf(HasSubstr("shop.yaml:4: kafka.properties: acks: tailrace sets it"),
                          HasSubstr("kafka.security_protocol: plaintext has no login, and one is set")));
  EXPECT_THAT(said, Not(HasSubstr("hunter2")));
  EXPECT_THAT(mistake("kafka: {user: u}\n"), HasSubstr("kafka.bootstrap_servers: is missing"));
}

}  // namespace
}  // namespace tailrace::kafka
