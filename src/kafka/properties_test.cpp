// Properties of a client: both spellings, contradictions, and what a user may not touch.
#include "kafka/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace tailrace::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Settings with(const std::map<std::string, std::string>& properties) {
  Settings out;
  out.bootstrap_servers = {"a:9092", "b:9092"};
  for (const auto& [name, value] : properties)
    out.properties.emplace(name, Secret(value));
  return out;
}

std::map<std::string, std::string> made_of(const Settings& settings) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : client_properties(settings))
    out.emplace(name, value.reveal());
  return out;
}

std::vector<std::string> complaints(const Settings& settings) {
  std::vector<std::string> out;
  for (const PropertyFault& fault : faults_of(settings))
    out.push_back(fault.setting + ": " + fault.message);
  return out;
}

TEST(ClientProperties, NeedNoMoreThanBrokers) {
  EXPECT_EQ(made_of(with({})), (std::map<std::string, std::string>{{"bootstrap.servers", "a:9092,b:9092"},
                                                                   {"client.id", "tailrace"},
                                                                   {"compression.codec", "lz4"},
                                                                   {"enable.metrics.push", "false"},
                                                                   {"fetch.queue.backoff.ms", "20"},
                                                                   {"fetch.wait.max.ms", "100"},
                                                                   {"security.protocol", "plaintext"}}));
  EXPECT_THAT(complaints({}), ElementsAre(HasSubstr("kafka.bootstrap_servers: is missing")));
}

// A configuration of a Java client must mean the same here.
TEST(ClientProperties, TakeKafkasSpelling) {
  const auto made = made_of(with({{"security.protocol", "SASL_SSL"},
                                  {"sasl.mechanism", "SCRAM-SHA-512"},
                                  {"sasl.jaas.config",
                                   "org.apache.kafka.common.security.scram.ScramLoginModule required "
                                   "username=\"u\" password=\"p\";"},
                                  {"ssl.truststore.type", "PEM"},
                                  {"ssl.truststore.location", "/ca.pem"},
                                  {"ssl.keystore.type", "PEM"},
                                  {"ssl.keystore.location", "/me.pem"},
                                  {"ssl.key.password", "k"},
                                  {"ssl.endpoint.identification.algorithm", ""},
                                  {"compression.type", "zstd"},
                                  {"fetch.max.wait.ms", "7"},
                                  {"linger.ms", "3"}}));
  EXPECT_EQ(made.at("security.protocol"), "sasl_ssl");
  EXPECT_EQ(made.at("sasl.mechanisms"), "SCRAM-SHA-512");
  EXPECT_EQ(made.at("sasl.username"), "u");
  EXPECT_EQ(made.at("sasl.password"), "p");
  EXPECT_EQ(made.at("ssl.ca.location"), "/ca.pem");
  EXPECT_EQ(made.at("ssl.certificate.location"), "/me.pem");
  EXPECT_EQ(made.at("ssl.key.location"), "/me.pem");
  EXPECT_EQ(made.at("ssl.endpoint.identification.algorithm"), "none");
  EXPECT_EQ(made.at("compression.codec"), "zstd");
  EXPECT_EQ(made.at("fetch.wait.max.ms"), "7");
  EXPECT_EQ(made.at("queue.buffering.max.ms"), "3");
}

TEST(ClientProperties, TakeLibrdkafkasSpelling) {
  const auto made = made_of(with({{"security.protocol", "sasl_plaintext"},
                                  {"sasl.mechanisms", "PLAIN"},
                                  {"sasl.username", "u"},
                                  {"sasl.password", "p"},
                                  {"queue.buffering.max.ms", "3"}}));
  EXPECT_EQ(made.at("sasl.mechanisms"), "PLAIN");
  EXPECT_EQ(made.at("queue.buffering.max.ms"), "3");
}

TEST(ClientProperties, TakeTheFilesOwnSettings) {
  Settings settings = with({});
  settings.security_protocol = SecurityProtocol::sasl_ssl;
  settings.sasl_mechanism = SaslMechanism::scram_sha_256;
  settings.user = "u";
  settings.password = Secret("p");
  settings.ca_file = "/ca.pem";
  settings.certificate_file = "/me.pem";
  settings.key_file = "/me.key";
  settings.verify_host = false;
  const auto made = made_of(settings);
  EXPECT_EQ(made.at("security.protocol"), "sasl_ssl");
  EXPECT_EQ(made.at("sasl.mechanisms"), "SCRAM-SHA-256");
  EXPECT_EQ(made.at("ssl.key.location"), "/me.key");
  EXPECT_EQ(made.at("ssl.endpoint.identification.algorithm"), "none");
}

TEST(ClientProperties, MaySayOneThingTwiceButNotTwoThings) {
  EXPECT_THAT(complaints(with({{"linger.ms", "3"}, {"queue.buffering.max.ms", "3"}})), IsEmpty());
  EXPECT_THAT(complaints(with({{"linger.ms", "3"}, {"queue.buffering.max.ms", "4"}})),
              ElementsAre(HasSubstr("queue.buffering.max.ms contradicts linger.ms")));
  EXPECT_THAT(complaints(with({{"bootstrap.servers", "elsewhere:9092"}})),
              ElementsAre(HasSubstr("bootstrap.servers contradicts kafka.bootstrap_servers")));
}

// One of these in a file and records would come twice, not at all, or in other partitions.
TEST(ClientProperties, RefuseWhatExactlyOnceRestsOnInEitherSpelling) {
  for (const char* const name : {"transactional.id",
                                 "enable.idempotence",
                                 "acks",
                                 "request.required.acks",
                                 "retries",
                                 "message.send.max.retries",
                                 "max.in.flight",
                                 "max.in.flight.requests.per.connection",
                                 "partitioner",
                                 "isolation.level",
                                 "enable.auto.commit",
                                 "auto.commit.enable",
                                 "auto.offset.reset",
                                 "enable.auto.offset.store",
                                 "partition.assignment.strategy",
                                 "group.protocol",
                                 "delivery.timeout.ms",
                                 "transaction.timeout.ms",
                                 "plugin.library.paths",
                                 "ssl.engine.location",
                                 "buffer.memory",
                                 "queue.buffering.max.kbytes",
                                 "sasl.kerberos.service.name",
                                 "sasl.oauthbearer.config",
                                 "dr_msg_cb",
                                 "test.mock.num.brokers",
                                 "max.request.size"})
    EXPECT_THAT(complaints(with({{name, "1"}})), ElementsAre(HasSubstr(std::string(name) + ": "))) << name;
}

TEST(ClientProperties, NameWhatNobodyKnows) {
  EXPECT_THAT(complaints(with({{"linger.msec", "3"}})),
              ElementsAre(HasSubstr("linger.msec: neither Kafka's clients")));
  EXPECT_THAT(complaints(with({{"linger.ms", "soon"}})), ElementsAre(HasSubstr("queue.buffering.max.ms: ")));
}

TEST(ClientProperties, WantAWholeLogin) {
  Settings settings = with({});
  settings.security_protocol = SecurityProtocol::sasl_ssl;
  EXPECT_THAT(complaints(settings), ElementsAre(HasSubstr("sasl_ssl needs a login"),
                                                HasSubstr("kafka.sasl_mechanism: is missing")));
  settings.user = "u";
  settings.sasl_mechanism = SaslMechanism::plain;
  EXPECT_THAT(complaints(settings), ElementsAre(HasSubstr("kafka.password: is missing")));
  settings.password = Secret("p");
  EXPECT_THAT(complaints(settings), IsEmpty());
  // In the clear by mistake: a login that is set and not used must not go unsaid.
  settings.security_protocol.reset();
  settings.sasl_mechanism.reset();
  EXPECT_THAT(complaints(settings), ElementsAre(HasSubstr("plaintext has no login, and one is set")));
}

TEST(ClientProperties, WantTlsWhereCertificatesAreSet) {
  Settings settings = with({});
  settings.ca_file = "/ca.pem";
  EXPECT_THAT(complaints(settings),
              ElementsAre(HasSubstr("plaintext uses no TLS, and certificates are set")));
  settings.security_protocol = SecurityProtocol::ssl;
  EXPECT_THAT(complaints(settings), IsEmpty());
  settings.certificate_file = "/me.pem";
  EXPECT_THAT(complaints(settings), ElementsAre(HasSubstr("a certificate and its key go together")));
}

TEST(ClientProperties, SayWhatToDoAboutJavasStores) {
  EXPECT_THAT(complaints(with({{"security.protocol", "SSL"}, {"ssl.truststore.location", "/ca.jks"}})),
              ElementsAre(HasSubstr("ssl.truststore.type: expected PEM")));
  EXPECT_THAT(
      complaints(with(
          {{"security.protocol", "SSL"}, {"ssl.keystore.type", "JKS"}, {"ssl.keystore.location", "/k"}})),
      ElementsAre(HasSubstr("ssl.keystore.type: expected PEM or PKCS12")));
}

// No secret in an error: neither ours nor librdkafka's.
TEST(ClientProperties, NeverShowAValue) {
  for (const std::string& said : complaints(with({{"sasl.jaas.config", "hunter2"},
                                                  {"ssl.key.pem", "hunter2"},
                                                  {"sasl.password", "hunter2"},
                                                  {"sasl.username", "hunter2"},
                                                  {"ssl.keystore.type", "hunter2"}})))
    EXPECT_THAT(said, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace tailrace::kafka
