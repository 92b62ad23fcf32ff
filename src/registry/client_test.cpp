// The client against scripted answers: what each fault is, who is asked next, and that the registry's words are passed on.
#include "registry/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "net/testing/scripted_server.h"

namespace tailrace::registry {
namespace {

using net::testing::Script;
using net::testing::ScriptedAnswer;
using net::testing::ScriptedServer;
using ::testing::HasSubstr;
using ::testing::Not;

Settings settings_of(std::vector<std::string> urls) {
  Settings settings;
  settings.urls = std::move(urls);
  settings.request_timeout = std::chrono::seconds(60);
  return settings;
}

Error error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing");
}

Error registering(ScriptedAnswer answer) {
  const bool silent = answer.silent;
  ScriptedServer server(Script{std::move(answer)});
  Settings settings = settings_of({server.url()});
  if (silent) settings.request_timeout = std::chrono::milliseconds(300);
  Client client(settings);
  return error_of([&] { client.register_schema("s", "\"int\"", {}); });
}

TEST(RegistryClient, RequestsAreThoseOfTheInterface) {
  ScriptedServer server(Script{{.body = R"({"id":7})"},
                               {.body = R"({"subject":"s","id":7,"version":2,"schema":"\"int\""})"},
                               {.body = R"({"schema":"\"int\""})"},
                               {.body = R"({"compatibility":"NONE"})"},
                               {.body = R"({"compatibilityLevel":"NONE"})"},
                               {.body = "[1,3]"}});
  Client client(settings_of({server.url() + "/apis/ccompat/v7/"}));
  EXPECT_EQ(client.register_schema("a b/c-value", "\"int\"", {}), 7);
  EXPECT_EQ(client.find("s", "\"int\"", {})->version, 2);
  EXPECT_EQ(client.document(7, {}), "\"int\"");
  client.set_compatibility("s", "NONE", {});
  EXPECT_EQ(client.compatibility("s", {}), "NONE");
  EXPECT_EQ(client.versions("s", {}), (std::vector<std::int32_t>{1, 3}));
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 6U);
  EXPECT_THAT(requests[0], HasSubstr("POST /apis/ccompat/v7/subjects/a%20b%2Fc-value/versions HTTP"));
  EXPECT_THAT(requests[0], HasSubstr("Content-Type: application/vnd.schemaregistry.v1+json\r\n"));
  EXPECT_THAT(requests[0], HasSubstr(R"({"schema":"\"int\""})"));
  EXPECT_THAT(requests[1], HasSubstr("POST /apis/ccompat/v7/subjects/s HTTP"));
  EXPECT_THAT(requests[2], HasSubstr("GET /apis/ccompat/v7/schemas/ids/7 HTTP"));
  EXPECT_THAT(requests[3], HasSubstr("PUT /apis/ccompat/v7/config/s HTTP"));
  EXPECT_THAT(requests[3], HasSubstr(R"({"compatibility":"NONE"})"));
  EXPECT_THAT(requests[4], HasSubstr("GET /apis/ccompat/v7/config/s HTTP"));
  EXPECT_THAT(requests[5], HasSubstr("GET /apis/ccompat/v7/subjects/s/versions HTTP"));
}

// What the operator must do is in the registry's answer: which field, and why.
TEST(RegistryClient, RefusedSchemasCarryTheRegistrysWords) {
  const Error incompatible = registering(
      {.status = 409,
       .body = R"({"error_code":409,"message":"READER_FIELD_MISSING_DEFAULT_VALUE at /fields/3"})"});
  EXPECT_EQ(incompatible.kind(), ErrorKind::config);
  EXPECT_THAT(incompatible.what(), HasSubstr("subject s is not compatible"));
  EXPECT_THAT(incompatible.what(), HasSubstr("READER_FIELD_MISSING_DEFAULT_VALUE at /fields/3"));
  const Error invalid =
      registering({.status = 422, .body = R"({"error_code":42201,"message":"Invalid\nschema"})"});
  EXPECT_EQ(invalid.kind(), ErrorKind::config);
  EXPECT_THAT(invalid.what(), HasSubstr("Invalid schema"));
  const Error page = registering({.status = 400, .body = "<html>" + std::string(5000, 'x')});
  EXPECT_LT(page.message().size(), 1000U);
}

TEST(RegistryClient, FaultsHaveTheirKinds) {
  EXPECT_EQ(registering({.status = 500, .body = "{}"}).kind(), ErrorKind::unavailable);
  EXPECT_EQ(registering({.status = 429}).kind(), ErrorKind::unavailable);
  EXPECT_EQ(registering({.silent = true}).kind(), ErrorKind::unavailable);
  EXPECT_EQ(registering({.body = R"({"id":7})", .cut_after = 3}).kind(), ErrorKind::unavailable);
  EXPECT_EQ(registering({.status = 401, .body = R"({"error_code":401,"message":"Unauthorized"})"}).kind(),
            ErrorKind::auth);
  EXPECT_EQ(registering({.status = 403}).kind(), ErrorKind::auth);
  EXPECT_EQ(registering({.body = "<html>"}).kind(), ErrorKind::protocol);
  EXPECT_EQ(registering({.body = R"({"id":"7"})"}).kind(), ErrorKind::protocol);
  EXPECT_EQ(registering({.body = R"({"id":-1})"}).kind(), ErrorKind::protocol);
}

// A URL without the registry's path answers 404 to everything: every record would look like a poisoned one.
TEST(RegistryClient, WrongPathIsNoMissingSchema) {
  const auto asking = [](ScriptedAnswer answer) {
    ScriptedServer server(Script{std::move(answer)});
    Client client(settings_of({server.url()}));
    return error_of([&] { client.document(12, {}); });
  };
  const Error missing =
      asking({.status = 404, .body = R"({"error_code":40403,"message":"Schema 12 not found"})"});
  EXPECT_EQ(missing.kind(), ErrorKind::data);
  EXPECT_THAT(missing.what(), HasSubstr("no schema 12"));
  EXPECT_EQ(asking({.status = 404, .body = R"({"error_code":404,"message":"HTTP 404 Not Found"})"}).kind(),
            ErrorKind::protocol);
  EXPECT_EQ(asking({.status = 404, .body = "not here"}).kind(), ErrorKind::protocol);
  EXPECT_EQ(asking({.body = R"({"schemaType":"PROTOBUF","schema":"x"})"}).kind(), ErrorKind::data);
}

TEST(RegistryClient, NextUrlIsAskedAndKept) {
  ScriptedServer broken(Script{{.status = 503, .body = R"({"error_code":50301,"message":"no leader"})"}});
  ScriptedServer good(Script{{.body = R"({"id":7})"}});
  std::string gone;
  {
    ScriptedServer closed(Script(1));
    gone = closed.url();
  }
  Client client(settings_of({gone, broken.url(), good.url()}));
  EXPECT_EQ(client.register_schema("s", "\"int\"", {}), 7);
  EXPECT_EQ(client.register_schema("s", "\"int\"", {}), 7);
  EXPECT_EQ(broken.requests().size(), 1U);
  EXPECT_EQ(good.requests().size(), 2U);
  Client none(settings_of({gone, broken.url()}));
  const Error error = error_of([&] { none.register_schema("s", "\"int\"", {}); });
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_THAT(error.what(), HasSubstr(gone));
  EXPECT_THAT(error.what(), HasSubstr("no leader"));
}

TEST(RegistryClient, StopEndsAtOnce) {
  ScriptedServer server(Script{{.silent = true}});
  Settings settings = settings_of({server.url(), server.url()});
  settings.request_timeout = std::chrono::hours(1);
  Client client(settings);
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(server.wait_for_requests(1));
    stop.request_stop();
  });
  EXPECT_EQ(error_of([&] { client.document(1, stop.get_token()); }).kind(), ErrorKind::abandoned);
}

TEST(RegistryClient, SecretsAreInNoMessage) {
  ScriptedServer server(Script{{.status = 401, .body = R"({"error_code":401,"message":"Unauthorized"})"}});
  Settings settings = settings_of({server.url()});
  settings.user = "reader";
  settings.password = Secret("hidden");
  Client client(settings);
  EXPECT_THAT(error_of([&] { client.document(1, {}); }).what(), Not(HasSubstr("hidden")));
  EXPECT_THAT(server.requests().front(), HasSubstr("Authorization: Basic "));
}

}  // namespace
}  // namespace tailrace::registry
