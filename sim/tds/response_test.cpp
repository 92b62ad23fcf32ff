// The tokens of an answer, byte by byte.
#include "sim/tds/response.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/tds/testing/bytes.h"
#include "sim/tds/testing/cells.h"
#include "sim/tds/tokens.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::hex;
using testing::text_cell;

class ResponseTest : public ::testing::Test {
 protected:
  ResponseTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    client_ = ends[0];
    channel_ = std::make_unique<Channel>(ends[1], std::uint16_t{0});
    response_ = std::make_unique<Response>(*channel_, protocol_);
    response_->begin({});
  }
  ~ResponseTest() override { ::close(client_); }

  std::string sent() {
    std::string got(1 << 16, '\0');
    const ssize_t count = ::recv(client_, got.data(), got.size(), MSG_DONTWAIT);
    got.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return hex(got);
  }

  Protocol protocol_;
  int client_ = -1;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Response> response_;
};

// [MS-TDS] 4.5: select 'foo' as 'bar'.
TEST_F(ResponseTest, WritesTheSpecificationsExample) {
  const ResultColumn column{
      .name = "bar", .type = {.type = Type::varchar, .length = 3}, .nullable = false, .computed = true};
  response_->columns({&column, 1});
  const Cell cell = text_cell("foo");
  ASSERT_TRUE(response_->row({&cell, 1}));
  response_->done(StatementKind::select, 1, false);
  response_->end();
  EXPECT_EQ(
      sent(),
      hex(bytes("04 01 00 33 00 00 01 00 81 01 00 00 00 00 00 20 00 A7 03 00 09 04 D0 00 34 03 62 00 61 00"
                "72 00 D1 03 00 66 6F 6F FD 10 00 C1 00 01 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, EveryDoneButTheLastSaysThatMoreFollows) {
  response_->done(StatementKind::insert, 2, false);
  response_->done(StatementKind::other, std::nullopt, true);
  response_->end();
  EXPECT_EQ(sent(), hex(bytes("04 01 00 22 00 00 01 00 FD 11 00 C3 00 02 00 00 00 00 00 00 00"
                              "FD 02 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, AnAnswerWithoutAStatementStillEnds) {
  response_->end();
  EXPECT_EQ(sent(), hex(bytes("04 01 00 15 00 00 01 00 FD 00 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, CallsEndWithDoneProcedure) {
  const RpcCall call{
      .procedure = "p",
      .parameters = {{.name = "@a", .value = {}}, {.name = "@B", .output = true, .value = {}}}};
  response_->begin_call(call);
  response_->done(StatementKind::select, 3, false);
  response_->return_status(-6);
  ParameterValue out{.name = "@b", .output = true, .value = {}};
  out.value.null = false;
  out.value.number = 7;
  response_->return_value(out);
  response_->end_call(true);
  response_->begin_call(call);
  response_->end_call(false);
  response_->end();
  EXPECT_EQ(sent(), hex(bytes("04 01 00 4A 00 00 01 00"
                              "FF 11 00 C1 00 03 00 00 00 00 00 00 00"
                              "79 FA FF FF FF"
                              "AC 01 00 02 40 00 62 00 01 00 00 00 00 01 00 26 04 04 07 00 00 00"
                              "FE 01 00 00 00 00 00 00 00 00 00 00 00"
                              "FE 00 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, ACancelledAnswerIsFollowedByItsAcknowledgement) {
  response_->done(StatementKind::select, 3, false);
  response_->end_cancelled();
  EXPECT_EQ(sent(), hex(bytes("04 01 00 22 00 00 01 00 FD 11 00 C1 00 03 00 00 00 00 00 00 00"
                              "FD 02 00 00 00 00 00 00 00 00 00 00 00"
                              "04 01 00 15 00 00 01 00 FD 20 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, TellsTransactions) {
  response_->transaction_began(0x0102);
  response_->transaction_committed(0x0102);
  response_->transaction_rolled_back(3);
  response_->end();
  EXPECT_EQ(sent(),
            hex(bytes("04 01 00 3F 00 00 01 00 E3 0B 00 08 08 02 01 00 00 00 00 00 00 00"
                      "E3 0B 00 09 00 08 02 01 00 00 00 00 00 00 E3 0B 00 0A 00 08 03 00 00 00 00 00 00 00"
                      "FD 00 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, ErrorsAndInfos) {
  response_->message({.number = 8134, .state = 1, .severity = 16, .text = "No", .procedure = "p", .line = 3});
  response_->message({.number = 0, .state = 1, .severity = 0, .text = "Hi", .procedure = {}, .line = 1});
  response_->done(StatementKind::other, std::nullopt, true);
  response_->end();
  EXPECT_EQ(sent(), hex(bytes("04 01 00 75 00 00 01 00"
                              "AA 2E 00 C6 1F 00 00 01 10 02 00 4E 00 6F 00") +
                        bytes("0D") + testing::wide("sqlserver-sim") +
                        bytes("01 70 00 03 00 00 00 AB 2C 00 00 00 00 00 01 00 02 00 48 00 69 00 0D") +
                        testing::wide("sqlserver-sim") +
                        bytes("00 01 00 00 00 FD 02 00 00 00 00 00 00 00 00 00 00 00")));
}

TEST_F(ResponseTest, AStoppedStatementGetsNoMoreRows) {
  std::stop_source stop;
  response_->begin(stop.get_token());
  const ResultColumn column{.name = "", .type = {.type = Type::varchar, .length = 3}};
  response_->columns({&column, 1});
  const Cell cell = text_cell("foo");
  EXPECT_TRUE(response_->row({&cell, 1}));
  stop.request_stop();
  EXPECT_FALSE(response_->row({&cell, 1}));
}

// Rows leave while the result grows: memory is bounded by the burst, not by the result.
TEST_F(ResponseTest, StreamsLongResults) {
  const ResultColumn column{.name = "", .type = {.type = Type::varchar, .length = 100}};
  response_->columns({&column, 1});
  const Cell cell = text_cell(std::string_view("0123456789012345678901234567890123456789"));
  std::size_t got = 0;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(response_->row({&cell, 1}));
    ASSERT_LE(response_->bytes().size(), 70'000u);
    if (i % 1000 == 999) got += sent().size();  // More would fill the socket.
  }
  EXPECT_GT(got, 100'000u * 43 * 3 - 70'000 * 3);
}

TEST(LoginAcknowledgement, NamesVersionAndProgram) {
  ByteBuffer out;
  put_login_acknowledgement(out, Protocol{});
  EXPECT_EQ(hex(out.view()), hex(bytes("AD 36 00 01 74 00 00 04 16") + testing::wide("Microsoft SQL Server") +
                                 bytes("00 00 00 00 10 00 10 27")));
}

TEST(EnvironmentChanges, HaveNewAndOldValue) {
  ByteBuffer out;
  put_text_change(out, environment::packet_size, "8000", "4096");
  put_collation_change(out);
  put_reset_acknowledgement(out);
  EXPECT_EQ(hex(out.view()), hex(bytes("E3 13 00 04 04 38 00 30 00 30 00 30 00 04 34 00 30 00 39 00 36 00"
                                       "E3 08 00 07 05 09 04 D0 00 34 00 E3 03 00 12 00 00")));
}

}  // namespace
}  // namespace tailrace::sim::tds
