// The HTTP client against a scripted server: what each fault is, and that nothing secret is said of it.
#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "net/testing/certificates.h"
#include "net/testing/scripted_server.h"

namespace tailrace::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Script;
using testing::ScriptedAnswer;
using testing::ScriptedServer;

Error error_of(HttpClient& client, const std::string& url, const std::stop_token& stop = {}) {
  try {
    client.send({.url = url, .body = ""}, stop);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "answered";
  return Error(ErrorKind::internal, "answered");
}

TEST(HttpClient, SendsMethodHeadersBodyAndCredentials) {
  ScriptedServer server(Script{{.status = 200, .body = "one"}, {.status = 404, .body = "two"}});
  HttpClient client({.user = "reader", .password = Secret("pass")});
  const HttpAnswer one = client.send({.method = "POST",
                                      .url = server.url() + "/a",
                                      .headers = {"Content-Type: text/x"},
                                      .body = std::string("b\0c", 3)},
                                     {});
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(one.body, "one");
  const HttpAnswer two = client.send({.url = server.url() + "/b"}, {});
  EXPECT_EQ(two.status, 404);
  EXPECT_EQ(two.body, "two");
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(requests[0], HasSubstr("POST /a HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("Content-Type: text/x\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("Authorization: Basic cmVhZGVyOnBhc3M=\r\n"));
  EXPECT_THAT(requests[0], HasSubstr(std::string("\r\n\r\nb\0c", 7)));
  EXPECT_THAT(requests[1], HasSubstr("GET /b HTTP/1.1\r\n"));
  EXPECT_THAT(requests[1], Not(HasSubstr("Content-Length")));
}

TEST(HttpClient, FaultsHaveTheirKinds) {
  HttpClient client({.timeout = std::chrono::seconds(60), .max_answer_bytes = 100});
  const auto kind = [&](ScriptedAnswer answer) {
    ScriptedServer server(Script{std::move(answer)});
    return error_of(client, server.url()).kind();
  };
  EXPECT_EQ(kind({.body = "a body that is cut", .cut_after = 5}), ErrorKind::unavailable);
  EXPECT_EQ(kind({.hangs_up = true}), ErrorKind::unavailable);
  EXPECT_EQ(kind({.body = "SSH-2.0-OpenSSH_9.2\r\n", .garbage = true}), ErrorKind::protocol);
  EXPECT_EQ(kind({.body = std::string(101, 'x')}), ErrorKind::protocol);
  EXPECT_EQ(error_of(client, "ftp://127.0.0.1/").kind(), ErrorKind::config);
  std::string gone;
  {
    ScriptedServer server(Script(1));
    gone = server.url();
  }
  EXPECT_EQ(error_of(client, gone).kind(), ErrorKind::unavailable);
}

TEST(HttpClient, ServerThatSaysNothingIsUnavailable) {
  ScriptedServer server(Script{{.silent = true}});
  HttpClient client({.timeout = std::chrono::milliseconds(300)});
  EXPECT_EQ(error_of(client, server.url()).kind(), ErrorKind::unavailable);
}

// A runner that is told to stop does not wait for a server that hangs.
TEST(HttpClient, StopEndsARequestAtOnce) {
  ScriptedServer server(Script{{.silent = true}});
  HttpClient client({.timeout = std::chrono::hours(1)});
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(server.wait_for_requests(1));
    stop.request_stop();
  });
  EXPECT_EQ(error_of(client, server.url(), stop.get_token()).kind(), ErrorKind::abandoned);
}

TEST(HttpClient, SecretsAreInNoMessage) {
  HttpClient client(
      {.user = "reader", .password = Secret("hidden"), .timeout = std::chrono::milliseconds(200)});
  ScriptedServer server(Script{{.silent = true}});
  const Error error = error_of(client, server.url() + "/path?token=hidden");
  EXPECT_THAT(error.what(), Not(HasSubstr("hidden")));
  EXPECT_THAT(error.what(), HasSubstr(server.url()));
}

TEST(HttpClientTls, ServerAndClientProveWhoTheyAre) {
  const testing::Certificates made;
  ScriptedServer server(
      Script{{.body = "in"}},
      testing::ServerTls{made.file("server.pem"), made.file("server.key"), made.file("ca.pem")});
  HttpSettings settings{.ca_file = made.file("ca.pem"),
                        .certificate_file = made.file("client.pem"),
                        .key_file = made.file("client.key"),
                        .key_password = Secret("of the key")};
  EXPECT_EQ(HttpClient(settings).send({.url = server.url()}, {}).body, "in");

  HttpSettings without_ca = settings;
  without_ca.ca_file.clear();
  HttpClient stranger(without_ca);
  EXPECT_EQ(error_of(stranger, server.url()).kind(), ErrorKind::config);
  without_ca.verify = false;
  EXPECT_EQ(HttpClient(without_ca).send({.url = server.url()}, {}).body, "in");

  HttpSettings wrong_key = settings;
  wrong_key.key_password = Secret("another");
  HttpClient locked(wrong_key);
  const Error error = error_of(locked, server.url());
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_THAT(error.what(), Not(HasSubstr("another")));

  HttpSettings nobody{.ca_file = made.file("ca.pem")};
  HttpClient anonymous(nobody);
  EXPECT_EQ(error_of(anonymous, server.url()).kind(), ErrorKind::auth);
}

// The name in the certificate is the server's address, not any that the CA has signed.
TEST(HttpClientTls, AnotherServersCertificateIsRefused) {
  const testing::Certificates made;
  ScriptedServer server(Script{{.body = "in"}},
                        testing::ServerTls{made.file("client.pem"), made.file("plain.key"), ""});
  HttpClient client({.ca_file = made.file("ca.pem")});
  EXPECT_EQ(error_of(client, server.url()).kind(), ErrorKind::config);
}

TEST(HttpUrl, AddressesAndWhatIsNone) {
  EXPECT_EQ(fault_of_url("https://registry.example.com:8081/path"), "");
  EXPECT_EQ(fault_of_url("http://[::1]:8081"), "");
  EXPECT_THAT(fault_of_url("registry:8081"), HasSubstr("neither"));
  EXPECT_THAT(fault_of_url("http://"), HasSubstr("no URL"));
  EXPECT_THAT(fault_of_url("http://user:secret@host"), HasSubstr("credentials"));
  EXPECT_EQ(escaped_for_url("a.b-c_d~ä/%?"), "a.b-c_d~%C3%A4%2F%25%3F");
}

}  // namespace
}  // namespace tailrace::net
