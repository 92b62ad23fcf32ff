// Kafka's sasl.jaas.config: what its documentation shows, and what is not one login.
#include "kafka/jaas.h"

#include <gtest/gtest.h>

namespace tailrace::kafka {
namespace {

TEST(Jaas, ReadsTheLoginsOfTheDocumentation) {
  const auto scram = parse_jaas(
      "org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
      "    username=\"alice\" password=\"alice-secret\";");
  EXPECT_FALSE(scram) << "a backslash at a line's end belongs to the file of properties, not to the value";
  const auto login = parse_jaas(
      "org.apache.kafka.common.security.scram.ScramLoginModule required\n"
      "    username=\"alice\"\n  password=\"alice-secret\" ;");
  ASSERT_TRUE(login);
  EXPECT_FALSE(login->plain);
  EXPECT_EQ(login->user, "alice");
  EXPECT_EQ(login->password.reveal(), "alice-secret");
  const auto plain = parse_jaas(
      "org.apache.kafka.common.security.plain.PlainLoginModule required username=bob password='b\"b';");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->plain);
  EXPECT_EQ(plain->user, "bob");
  EXPECT_EQ(plain->password.reveal(), "b\"b");
}

TEST(Jaas, TakesEscapedQuotes) {
  const auto login = parse_jaas(
      "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\\\"b\" "
      "password=\"c\\\\d\";");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "a\"b");
  EXPECT_EQ(login->password.reveal(), "c\\d");
}

// Half of a login would log in as somebody else, or not at all, with no word about why.
TEST(Jaas, RefusesWhatIsNotOneWholeLogin) {
  for (const char* const text : {
           "",
           "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"b\"",
           "org.apache.kafka.common.security.plain.PlainLoginModule optional username=\"a\" password=\"b\";",
           "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"b;",
           "org.apache.kafka.common.security.plain.PlainLoginModule required password=\"b\";",
           "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" tokenauth=true;",
           "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=\"b\";c",
           "com.sun.security.auth.module.Krb5LoginModule required username=\"a\" password=\"b\";",
       })
    EXPECT_FALSE(parse_jaas(text)) << text;
}

}  // namespace
}  // namespace tailrace::kafka
