// What clients do while statements run: attention, hang-up, resets, bytes that break the protocol, shutdown.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <vector>

#include "sim/tds/testing/bytes.h"
#include "sim/tds/wire.h"
#include "tests/integration/sim_tds/raw_client.h"
#include "tests/integration/sim_tds/server_fixture.h"

namespace tailrace::sim::tds::testing {
namespace {

class StatementsTest : public ServerFixture {
 protected:
  // The answer ends with an error; the acknowledgement is a message of its own.
  static void expect_cancelled(RawClient& client) {
    ASSERT_EQ(last_done_status(client.read_message()), done_status::error);
    ASSERT_EQ(last_done_status(client.read_message()), done_status::attention);
  }

  // Events on other threads are waited for with a deadline.
  template <class Condition>
  static bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_F(StatementsTest, AnAttentionEndsALongResult) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("endless");
  bool last = false;
  EXPECT_FALSE(client.read_packet(last).empty());
  client.send_attention();
  expect_cancelled(client);
  EXPECT_EQ(engine_.counts().stopped, 1);
  // The connection lives on.
  client.send_batch("select 1");
  EXPECT_EQ(last_done_status(client.read_message()), done_status::count);
}

TEST_F(StatementsTest, AnAttentionEndsAStatementThatSaysNothing) {
  RawClient client(server_->port());
  client.log_in();
  for (int i = 0; i < 50; ++i) {
    client.send_batch("wait");
    client.send_attention();
    expect_cancelled(client);
  }
  EXPECT_EQ(engine_.counts().stopped, 50);
}

// Request and attention in one piece: the server may have read both before it starts.
TEST_F(StatementsTest, AnAttentionMayComeWithItsRequest) {
  RawClient client(server_->port());
  client.log_in();
  const std::string payload =
      bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00") + wide("wait");
  std::string both = bytes("01 01 00 00 00 00 01 00") + payload + bytes("06 01 00 08 00 00 01 00");
  both[3] = static_cast<char>(payload.size() + 8);
  for (int i = 0; i < 50; ++i) {
    client.send(both);
    expect_cancelled(client);
  }
}

TEST_F(StatementsTest, AnAttentionThatComesTooLateIsAnsweredAlone) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("select 1");
  EXPECT_EQ(last_done_status(client.read_message()), done_status::count);
  client.send_attention();
  EXPECT_EQ(last_done_status(client.read_message()), done_status::attention);
}

// A request that the client takes back before it is complete gets the same two messages.
TEST_F(StatementsTest, ARequestTakenBackIsCancelled) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("endless", packet_status::end_of_message | packet_status::ignore);
  expect_cancelled(client);
}

// Attentions at random times: the answer, however it ends, is followed by exactly one acknowledgement.
TEST_F(StatementsTest, AttentionsAtAnyTimeAreAcknowledgedOnce) {
  constexpr unsigned seed = 7;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  RawClient client(server_->port());
  client.log_in();
  for (int i = 0; i < 300; ++i) {
    client.send_batch(i % 2 == 0 ? "rows 300" : "select 1");
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 300);
    while (std::chrono::steady_clock::now() < until) {
    }
    client.send_attention();
    ASSERT_EQ(last_done_status(client.read_message()) & done_status::attention, 0);
    ASSERT_EQ(last_done_status(client.read_message()), done_status::attention);
    client.send_batch("select 1");
    ASSERT_EQ(last_done_status(client.read_message()), done_status::count);
  }
}

TEST_F(StatementsTest, AHangUpEndsTheStatement) {
  for (const char* sql : {"endless", "wait"}) {
    const int before = engine_.counts().stopped;
    RawClient client(server_->port());
    client.log_in();
    client.send_batch(sql);
    client.hang_up();
    EXPECT_TRUE(eventually([&] { return engine_.counts().stopped == before + 1; })) << sql;
  }
  EXPECT_TRUE(eventually([&] { return engine_.counts().sessions == 0; }));
}

// The fault that a source must survive: rows, then a TCP reset in the middle of the result.
TEST_F(StatementsTest, AnInjectedResetCutsTheResult) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("reset 1000");
  std::size_t got = 0;
  for (bool last = false; !last;)
    got += client.read_packet(last).size();
  EXPECT_EQ(client.error(), ECONNRESET);
  EXPECT_GT(got, 1000u * 60);
  EXPECT_TRUE(eventually([&] { return engine_.counts().sessions == 0; }));
}

TEST_F(StatementsTest, ResetBitsResetTheSession) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("select 1", 1 | packet_status::reset_connection);
  const std::string answer = client.read_message();
  EXPECT_EQ(answer.substr(0, 6), bytes("E3 03 00 12 00 00"));
  EXPECT_EQ(engine_.counts().resets, 1);
}

TEST_F(StatementsTest, TransactionRequests) {
  RawClient client(server_->port());
  client.log_in();
  const std::string headers = bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00");
  client.send_packet(0x0E, headers + bytes("05 00 05 00"));
  EXPECT_EQ(client.read_message().substr(0, 6), bytes("E3 0B 00 08 08 01"));
  client.send_packet(0x0E, headers + bytes("07 00 00 01 00 00"));
  const std::string answer = client.read_message();
  EXPECT_EQ(answer.substr(0, 6), bytes("E3 0B 00 09 00 08"));
  EXPECT_NE(answer.find(bytes("E3 0B 00 08 08 02")), std::string::npos);
}

// A parameter that is refused leaves the connection usable.
TEST_F(StatementsTest, ARefusedParameterIsAnError) {
  RawClient client(server_->port());
  client.log_in();
  client.send_packet(
      3, bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00 FF FF 0A 00 00 00"
               "00 00 62 04 00 00 00"));
  const std::string answer = client.read_message();
  EXPECT_EQ(answer.substr(3, 4), bytes("49 1F 00 00"));  // 8009
  EXPECT_EQ(last_done_status(answer), done_status::error);
  client.send_batch("select 1");
  EXPECT_EQ(last_done_status(client.read_message()), done_status::count);
}

TEST_F(StatementsTest, BrokenBytesEndTheirConnectionAlone) {
  RawClient witness(server_->port());
  witness.log_in();
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    RawClient client(server_->port());
    if (i % 3 == 0) client.log_in();
    std::string noise(random() % 64, '\0');
    for (char& c : noise)
      c = static_cast<char>(random());
    if (i % 2 == 0) {
      constexpr std::uint8_t types[] = {1, 3, 6, 7, 0x0E, 0x10, 0x11, 0x12};
      client.send_packet(types[random() % 8], noise);
    } else {
      client.send(noise);
    }
    client.hang_up();
    ASSERT_TRUE(eventually([&] { return engine_.counts().sessions <= 3; }));
  }
  witness.send_batch("select 1");
  EXPECT_EQ(last_done_status(witness.read_message()), done_status::count);
}

// A broken invariant of the engine costs one connection, not the server.
TEST_F(StatementsTest, AnInternalErrorEndsItsConnection) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("internal");
  EXPECT_EQ(client.read_message(), "");
  RawClient other(server_->port());
  other.log_in();
}

TEST_F(StatementsTest, AFatalErrorIsTheLastAnswer) {
  RawClient client(server_->port());
  client.log_in();
  client.send_batch("fatal");
  const std::string answer = client.read_message();
  EXPECT_EQ(answer.substr(3, 4), bytes("54 02 00 00"));
  EXPECT_EQ(last_done_status(answer), done_status::error);
  EXPECT_EQ(client.read_message(), "");
}

TEST_F(StatementsTest, ConnectionsAreBounded) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 16; ++i)
    clients.push_back(std::make_unique<RawClient>(server_->port()));
  for (const auto& client : clients)
    client->log_in();
  RawClient refused(server_->port());
  EXPECT_EQ(refused.read_message(), "");
  clients.clear();
  EXPECT_TRUE(eventually([&] { return engine_.counts().sessions == 0; }));
}

TEST_F(StatementsTest, StoppingEndsEverySession) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const char* sql : {"endless", "wait", "select 1"}) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->log_in();
    clients.back()->send_batch(sql);
  }
  RawClient silent(server_->port());
  stop_server();
  EXPECT_EQ(engine_.counts().sessions, 0);
}

}  // namespace
}  // namespace tailrace::sim::tds::testing
