// What is asked once is not asked again, and a new subject gets its level, while nobody's own is written over.
#include "registry/schemas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "net/testing/scripted_server.h"

namespace tailrace::registry {
namespace {

using net::testing::Script;
using net::testing::ScriptedServer;
using ::testing::HasSubstr;

Settings settings_for(const ScriptedServer& server) {
  Settings settings;
  settings.urls = {server.url()};
  return settings;
}

constexpr const char* no_subject = R"({"error_code":40401,"message":"Subject 's' not found."})";
constexpr const char* no_level = R"({"error_code":40408,"message":"Subject 's' has no level"})";

TEST(Schemas, NewSubjectGetsItsLevelBeforeItsSchema) {
  ScriptedServer server(Script{{.status = 404, .body = no_subject},
                               {.status = 404, .body = no_level},
                               {.body = R"({"compatibility":"FORWARD_TRANSITIVE"})"},
                               {.body = R"({"id":7})"},
                               {.body = "[1]"},
                               {.body = R"({"id":8})"}});
  Schemas schemas(settings_for(server));
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);
  EXPECT_EQ(schemas.id_of("s", "\"long\"", {}), 8);
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 6U);
  EXPECT_THAT(requests[2], HasSubstr("PUT /config/s HTTP"));
  EXPECT_THAT(requests[2], HasSubstr("FORWARD_TRANSITIVE"));
  EXPECT_THAT(requests[3], HasSubstr("POST /subjects/s/versions HTTP"));
}

TEST(Schemas, LevelFollowsTheSchemaWhereItMustNotComeBefore) {
  ScriptedServer server(Script{{.status = 404, .body = no_subject},
                               {.status = 404, .body = no_subject},
                               {.status = 404, .body = no_subject},
                               {.body = R"({"id":7})"},
                               {.body = R"({"compatibility":"FORWARD_TRANSITIVE"})"}});
  Schemas schemas(settings_for(server));
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);
  ASSERT_EQ(server.requests().size(), 5U);
  EXPECT_THAT(server.requests()[4], HasSubstr("PUT /config/s HTTP"));
}

TEST(Schemas, LevelThatSomebodySetStays) {
  ScriptedServer server(Script{{.status = 404, .body = no_subject},
                               {.body = R"({"compatibilityLevel":"NONE"})"},
                               {.body = R"({"id":7})"}});
  Schemas schemas(settings_for(server));
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_THAT(server.requests()[2], HasSubstr("POST /subjects/s/versions HTTP"));
}

TEST(Schemas, LeaveAsksForNoLevel) {
  ScriptedServer server(Script{{.body = R"({"id":7})"}});
  Settings settings = settings_for(server);
  settings.compatibility = Compatibility::leave;
  Schemas schemas(settings);
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Schemas, WithoutAutoRegisterNothingIsRegistered) {
  ScriptedServer server(Script{{.status = 404, .body = R"({"error_code":40403,"message":"not found"})"},
                               {.body = R"({"subject":"s","id":7,"version":2,"schema":"\"int\""})"}});
  Settings settings = settings_for(server);
  settings.auto_register = false;
  Schemas schemas(settings);
  try {
    schemas.id_of("s", "\"int\"", {});
    ADD_FAILURE() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_THAT(error.what(), HasSubstr("auto_register"));
  }
  EXPECT_EQ(schemas.id_of("s", "\"int\"", {}), 7);  // It was registered by hand meanwhile.
  for (const std::string& request : server.requests())
    EXPECT_THAT(request, HasSubstr("POST /subjects/s HTTP"));
}

// A topic full of records of an unknown schema must not become as many requests.
TEST(Schemas, UnknownIdIsAskedForOnceInAWhile) {
  ScriptedServer server(
      Script{{.body = R"({"schema":"\"int\""})"},
             {.status = 404, .body = R"({"error_code":40403,"message":"Schema 9 not found"})"}});
  Schemas schemas(settings_for(server));
  EXPECT_EQ(schemas.decoder_of(7, {})->decode("\2"), record::Value::integer(1));
  EXPECT_EQ(schemas.decoder_of(7, {}), schemas.decoder_of(7, {}));
  for (int i = 0; i < 3; ++i) {
    try {
      schemas.decoder_of(9, {});
      ADD_FAILURE() << "found";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_THAT(error.what(), HasSubstr("Schema 9 not found"));
    }
  }
  EXPECT_EQ(server.requests().size(), 2U);
}

// What does not answer now may answer next time: that is not remembered.
TEST(Schemas, UnavailableIsAskedAgain) {
  ScriptedServer server(Script{{.status = 503}, {.body = R"({"schema":"\"int\""})"}});
  Schemas schemas(settings_for(server));
  EXPECT_THROW(schemas.decoder_of(7, {}), Error);
  EXPECT_NE(schemas.decoder_of(7, {}), nullptr);
}

}  // namespace
}  // namespace tailrace::registry
