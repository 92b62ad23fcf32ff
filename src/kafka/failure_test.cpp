// Codes of librdkafka and what they mean to the caller.
#include "kafka/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace tailrace::kafka {
namespace {

using testing::HasSubstr;

ErrorKind kind(rd_kafka_resp_err_t code, const std::string& text = {}) {
  return kind_of(Failure{code, text});
}

// The kind decides whether a pipeline stops, waits or repeats: each family once.
TEST(KafkaFailure, HasTheKindThatTheCallerNeeds) {
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__TRANSPORT), ErrorKind::unavailable);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN), ErrorKind::unavailable);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__TIMED_OUT), ErrorKind::unavailable);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), ErrorKind::unavailable);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), ErrorKind::unavailable);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED), ErrorKind::auth);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), ErrorKind::config);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED), ErrorKind::config);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), ErrorKind::config);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), ErrorKind::data);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_INVALID_RECORD), ErrorKind::data);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__FENCED), ErrorKind::fenced);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_PRODUCER_FENCED), ErrorKind::fenced);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET), ErrorKind::gap);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE), ErrorKind::gap);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID), ErrorKind::gap);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER), ErrorKind::conflict);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING), ErrorKind::conflict);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST), ErrorKind::conflict);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__BAD_MSG), ErrorKind::protocol);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__STATE), ErrorKind::internal);
  // One that this version does not know: trying again loses nothing.
  EXPECT_EQ(kind_of(Failure{999, "?"}), ErrorKind::unavailable);
}

// K3d: an abort is repeated; a record that is too large, or a right that is missing, would only fail again.
TEST(K3d_AbortableErrors, AreRepeatedUnlessTheCauseStays) {
  EXPECT_EQ(kind_of({RD_KAFKA_RESP_ERR__TIMED_OUT, "", false, false, true}), ErrorKind::conflict);
  EXPECT_EQ(kind_of({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "", false, false, true}), ErrorKind::data);
  EXPECT_EQ(kind_of({RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "", false, false, true}),
            ErrorKind::config);
  EXPECT_EQ(kind_of({RD_KAFKA_RESP_ERR__FENCED, "", true, false, true}), ErrorKind::fenced);
}

// A broker that restarts while somebody logs in refuses nobody.
TEST(KafkaFailure, TellsARefusedLoginFromALostOne) {
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__AUTHENTICATION,
                 "sasl_plaintext://b:1/bootstrap: SASL authentication error: Authentication failed during "
                 "authentication "
                 "due to invalid credentials with SASL mechanism SCRAM-SHA-512"),
            ErrorKind::auth);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__AUTHENTICATION,
                 std::string("SASL authentication error: SaslAuthenticateRequest failed: ") +
                     rd_kafka_err2str(RD_KAFKA_RESP_ERR__TRANSPORT)),
            ErrorKind::unavailable);
}

TEST(KafkaFailure, TellsWhoseCertificateIsRefused) {
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__SSL,
                 "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed"),
            ErrorKind::config);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__SSL,
                 "SSL transport error: tlsv13 alert certificate required: SSL alert number 116"),
            ErrorKind::auth);
  EXPECT_EQ(
      kind(RD_KAFKA_RESP_ERR__TRANSPORT,
           "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42"),
      ErrorKind::auth);
  EXPECT_EQ(kind(RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed: Disconnected"), ErrorKind::unavailable);
}

TEST(KafkaFailure, NamesWhatItIsAboutAndWhatToDo) {
  const Error error = error_of({RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                "Broker: Topic authorization failed", false, false, true},
                               "writing records", {"topic", "shop.dbo.orders", "Write"});
  EXPECT_EQ(error.context("kafka"), "TOPIC_AUTHORIZATION_FAILED");
  EXPECT_EQ(error.context("topic"), "shop.dbo.orders");
  EXPECT_THAT(std::string(error.context("remedy")), HasSubstr("--operation Write --topic shop.dbo.orders;"));
  EXPECT_TRUE(is_abortable(error));
  EXPECT_FALSE(is_fatal(error));
}

// Brokers say that a right is missing, never which: whoever has to grant it reads it here.
TEST(KafkaFailure, ARightThatIsMissingIsNamed) {
  const auto remedy = [](int code, Resource resource) {
    return std::string(error_of({code, "refused"}, "trying", resource).context("remedy"));
  };
  EXPECT_THAT(remedy(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, {"topic", "t"}),
              HasSubstr("--operation Describe --topic t;"));
  EXPECT_THAT(remedy(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, {"topic", "t, u", "Write"}),
              HasSubstr("--operation Write --topic t --topic u;"));
  EXPECT_THAT(remedy(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, {"group", "g"}),
              HasSubstr("--operation Read --group g;"));
  EXPECT_THAT(remedy(RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, {"transactional_id", "i"}),
              HasSubstr("--operation Write --operation Describe --transactional-id i;"));
  EXPECT_THAT(remedy(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, {}),
              HasSubstr("--operation IdempotentWrite --cluster;"));
}

}  // namespace
}  // namespace tailrace::kafka
