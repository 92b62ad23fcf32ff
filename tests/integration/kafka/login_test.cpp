// Logins and TLS: which are taken, and what is said about those that are not.
#include "kafka/admin.h"
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Logins : public KafkaCase {
 protected:
  Settings login(SaslMechanism mechanism, const std::string& user, const std::string& password) {
    Settings out;
    out.bootstrap_servers = {broker().sasl_address()};
    out.security_protocol = SecurityProtocol::sasl_ssl;
    out.sasl_mechanism = mechanism;
    out.user = user;
    out.password = Secret(password);
    out.ca_file = broker().certificate("ca.pem");
    return out;
  }
  Settings certificate() {
    Settings out;
    out.bootstrap_servers = {broker().mtls_address()};
    out.security_protocol = SecurityProtocol::ssl;
    out.ca_file = broker().certificate("ca.pem");
    out.certificate_file = broker().certificate("client.pem");
    out.key_file = broker().certificate("client.key");
    return out;
  }
  // All three kinds of clients find the same out.
  void expect_kind(const Settings& given, ErrorKind kind) {
    Admin admin(given);
    const Error looking = thrown_by([&] { admin.cluster(never_); });
    EXPECT_EQ(looking.kind(), kind) << looking.what();
    Producer writer(given, {.transactional_id = "login", .transaction_timeout = 60s});
    const Error writing = thrown_by([&] { static_cast<void>(writer.init(never_)); });
    EXPECT_EQ(writing.kind(), kind) << writing.what();
    EXPECT_THAT(std::string(writing.what()), Not(HasSubstr("secret")));
    Consumer reader(given, {});
    reader.assign({{{"any", 0}, 0}});
    const Error reading = thrown_by([&] {
      Batch batch;
      const auto deadline = std::chrono::steady_clock::now() + 30s;
      while (std::chrono::steady_clock::now() < deadline)
        reader.poll(batch, {.wait = 100ms}, never_);
    });
    EXPECT_EQ(reading.kind(), kind) << reading.what();
  }
};

TEST_F(Logins, AreTakenByEveryMechanism) {
  for (const Settings& given :
       {login(SaslMechanism::plain, "alice", "alice-secret"),
        login(SaslMechanism::scram_sha_256, "carol", "carol-secret"),
        login(SaslMechanism::scram_sha_512, "carol", "carol-secret"), certificate()}) {
    Admin admin(given);
    EXPECT_FALSE(admin.cluster(never_).id.empty());
  }
}

// The spelling of Kafka's own clients leads to the same.
TEST_F(Logins, AreTakenInKafkasSpelling) {
  Settings given;
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"bootstrap.servers", broker().sasl_address()},
           {"security.protocol", "SASL_SSL"},
           {"sasl.mechanism", "SCRAM-SHA-512"},
           {"sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"carol\" "
            "password=\"carol-secret\";"},
           {"ssl.truststore.type", "PEM"},
           {"ssl.truststore.location", broker().certificate("ca.pem")}})
    given.properties.emplace(name, Secret(value));
  Admin admin(given);
  EXPECT_FALSE(admin.cluster(never_).id.empty());
}

TEST_F(Logins, WriteAndReadRecords) {
  const std::string topic = broker().create_topic();
  Producer writer(login(SaslMechanism::scram_sha_512, "carol", "carol-secret"),
                  {.transactional_id = "secured", .transaction_timeout = 60s});
  ASSERT_TRUE(writer.init(never_));
  writer.begin();
  put(writer, topic, "k", "v");
  ASSERT_TRUE(writer.commit(never_));
  EXPECT_THAT(broker().values(topic), ElementsAre("v"));
}

// A refused login must not look like a broker that is away: retried for ever, it locks the account.
TEST_F(Logins, AreRefusedAsSuch) {
  expect_kind(login(SaslMechanism::scram_sha_512, "carol", "wrong-secret"), ErrorKind::auth);
  expect_kind(login(SaslMechanism::plain, "alice", "wrong-secret"), ErrorKind::auth);
  expect_kind(login(SaslMechanism::scram_sha_256, "nobody", "wrong-secret"), ErrorKind::auth);
}

TEST_F(Logins, WantTheBrokersCertificateFromAnAuthorityThatIsKnown) {
  Settings given = login(SaslMechanism::scram_sha_512, "carol", "carol-secret");
  given.ca_file = broker().certificate("stranger.pem");
  expect_kind(given, ErrorKind::config);
}

TEST_F(Logins, WantACertificateWhereTheBrokerAsksForOne) {
  Settings given = certificate();
  given.certificate_file.clear();
  given.key_file.clear();
  expect_kind(given, ErrorKind::auth);
}

TEST_F(Logins, NameAFileThatIsNotThere) {
  Settings given = certificate();
  given.ca_file = "/not/there.pem";
  const Error error = thrown_by([&] { Admin admin(given); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_THAT(error.message(), HasSubstr("/not/there.pem"));
}

// A right that is missing is named with what it is missing on: nobody finds it otherwise.
TEST_F(Logins, NameTheTopicWhereARightIsMissing) {
  const std::string topic = broker().create_topic();
  broker().deny("carol", "WRITE", topic);
  Producer writer(login(SaslMechanism::scram_sha_512, "carol", "carol-secret"),
                  {.transactional_id = "denied", .transaction_timeout = 60s});
  ASSERT_TRUE(writer.init(never_));
  writer.begin();
  // Whichever comes first: what is known of the topic, or the broker's refusal.
  const Error error = thrown_by([&] {
    put(writer, topic, "k", "v");
    static_cast<void>(writer.commit(never_));
  });
  EXPECT_EQ(error.kind(), ErrorKind::config) << error.what();
  EXPECT_EQ(error.context("kafka"), "TOPIC_AUTHORIZATION_FAILED");
  EXPECT_EQ(error.context("topic"), topic);
  EXPECT_THAT(std::string(error.context("remedy")), HasSubstr("--operation Write --topic " + topic));
}

}  // namespace
}  // namespace tailrace::kafka
