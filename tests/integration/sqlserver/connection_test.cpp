// Connecting: passwords of every kind, and what the socket is told.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sqlserver/connection.h"
#include "sqlserver/server_socket.h"
#include "sqlserver/statements.h"
#include "tests/integration/sqlserver/server.h"
#include "tests/integration/sqlserver/tested_driver.h"

namespace tailrace::sqlserver::testing {
namespace {

std::string who(const Settings& settings) {
  Connection connection(settings);
  Statement row(connection, "ask who it is", "SELECT SUSER_SNAME()");
  return row.fetch() ? row.text(0).value_or("") : "";
}

// A password is not ours to choose. It arrives as it is, or is refused before it is sent, and never part of it.
TEST(Connecting, TakesEveryPasswordThatTheDriverCanBeGiven) {
  Database database;
  Settings settings = database.settings();
  settings.user = "odd_" + database.name();
  database.run(fmt::format("CREATE LOGIN {} WITH PASSWORD = N'first'", settings.user));
  database.run(fmt::format("CREATE USER {0} FOR LOGIN {0}", settings.user));
  for (const char* password :
       {"a;b", "{a}", "a}b=c", "ends}", "{starts", "x' \"y", " blanks ", "PWD=x;UID=sa", "{}", "}", "=",
        "[a]!@#$%^&*()", "\xC3\xBCn\xC3\xAF \xE4\xB8\xAD \xF0\x9F\x98\x80", "back\\slash", "}}"}) {
    database.run(fmt::format("ALTER LOGIN {} WITH PASSWORD = {}", settings.user, literal(password)));
    settings.password = Secret(password);
    EXPECT_EQ(who(settings), settings.user) << password;
  }
  std::string message;
  for (const char* password : {"a};b", "b};", "line\nfeed"}) {
    settings.password = Secret(password);
    const bool is_known_to_work = tested_driver() == TestedDriver::native ||
                                  (tested_driver() == TestedDriver::microsoft &&
                                   std::string_view(password).find("};") != std::string_view::npos);
    if (is_known_to_work) {
      database.run(fmt::format("ALTER LOGIN {} WITH PASSWORD = {}", settings.user, literal(password)));
      EXPECT_EQ(who(settings), settings.user) << password;
      continue;
    }
    EXPECT_EQ(kind_of([&] { Connection connection(settings); }, &message), ErrorKind::config) << password;
    EXPECT_NE(message.find("PWD"), std::string::npos) << message;
    EXPECT_EQ(message.find(password), std::string::npos) << "a secret in a message: " << message;
  }
  database.run(fmt::format("DROP USER {}", settings.user));
  database.run(fmt::format("DROP LOGIN {}", settings.user));
}

int option_of(int socket, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
  return value;
}

// A server that has gone without a word must not hold a reader for ever.
TEST(Connecting, TellsTheSocketToAskForLife) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  int client = -1;
  ServerSocket socket;
  socket.find_around(ntohs(address.sin_port), [&] {
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  });
  ASSERT_TRUE(socket.found());
  socket.keep_alive(std::chrono::seconds(7), std::chrono::seconds(2));
  EXPECT_EQ(option_of(client, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of(client, IPPROTO_TCP, TCP_KEEPIDLE), 7);
  EXPECT_EQ(option_of(client, IPPROTO_TCP, TCP_KEEPINTVL), 2);
  EXPECT_EQ(option_of(client, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(option_of(client, IPPROTO_TCP, TCP_USER_TIMEOUT), 13'000);
  ::close(client);
  ::close(listener);
}

// The process's sockets to that port which ask after so many seconds.
int sockets_that_ask(std::uint16_t port, int seconds) {
  int count = 0;
  for (int descriptor = 0; descriptor < 1'024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (ntohs(peer.sin_port) == port && option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE) == seconds) ++count;
  }
  return count;
}

TEST(Connecting, SetsKeepAlivesAsConfigured) {
  NEEDS_SIMULATOR();
  Settings settings = server_settings();
  settings.keepalive = std::chrono::seconds(47);
  EXPECT_EQ(sockets_that_ask(settings.port, 47), 0);
  Connection connection(settings);
  EXPECT_GT(sockets_that_ask(settings.port, 47), 0);
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
