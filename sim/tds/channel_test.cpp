// Packets over a pair of sockets.
#include "sim/tds/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::hex;

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    client_ = ends[0];
    channel_ = std::make_unique<Channel>(ends[1], std::uint16_t{0x0133});
  }
  ~ChannelTest() override { ::close(client_); }

  void from_client(std::string_view sent) {
    ASSERT_EQ(::send(client_, sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
  }
  std::string to_client() {
    std::string got(1 << 16, '\0');
    const ssize_t count = ::recv(client_, got.data(), got.size(), MSG_DONTWAIT);
    got.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return got;
  }

  int client_ = -1;
  std::unique_ptr<Channel> channel_;
  Message message_;
};

TEST_F(ChannelTest, GathersAMessageFromItsPackets) {
  from_client(bytes("01 08 00 0A 00 00 01 00 61 62  01 01 00 09 00 00 02 00 63"));
  ASSERT_TRUE(channel_->read_message(message_, 100));
  EXPECT_EQ(message_.type, PacketType::batch);
  EXPECT_EQ(message_.status, packet_status::reset_connection);
  EXPECT_EQ(message_.bytes, "abc");
  EXPECT_FALSE(channel_->has_unread_input());
}

TEST_F(ChannelTest, SeesWhatCameWithTheRequest) {
  from_client(bytes("01 01 00 08 00 00 01 00  06 01 00 08 00 00 01 00"));
  ASSERT_TRUE(channel_->read_message(message_, 100));
  EXPECT_TRUE(channel_->has_unread_input());
  ASSERT_TRUE(channel_->read_message(message_, 100));
  EXPECT_EQ(message_.type, PacketType::attention);
}

TEST_F(ChannelTest, AnAttentionTakesTheRequestsPlace) {
  from_client(bytes("03 00 00 0A 00 00 01 00 61 62  06 01 00 08 00 00 01 00"));
  ASSERT_TRUE(channel_->read_message(message_, 100));
  EXPECT_EQ(message_.type, PacketType::attention);
  EXPECT_EQ(message_.bytes, "");
}

TEST_F(ChannelTest, TellsARequestThatWasTakenBack) {
  from_client(bytes("03 03 00 08 00 00 01 00"));
  ASSERT_TRUE(channel_->read_message(message_, 100));
  EXPECT_TRUE(message_.ignored);
}

TEST_F(ChannelTest, AHangUpIsAValue) {
  from_client(bytes("01 01 00 10 00 00 01 00 61"));
  ::shutdown(client_, SHUT_WR);
  EXPECT_FALSE(channel_->read_message(message_, 100));
}

TEST_F(ChannelTest, RefusesBrokenFraming) {
  for (const char* broken : {"01 01 00 07 00 00 01 00", "01 01 80 01 00 00 01 00", "00 01 00 08 00 00 01 00",
                             "47 45 54 20 2F 20 48 54", "01 00 00 08 00 00 01 00 03 01 00 08 00 00 02 00"}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Channel channel(ends[1], 1);
    const std::string sent = bytes(broken);
    ASSERT_EQ(::send(ends[0], sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    EXPECT_THROW((void)channel.read_message(message_, 100), Error) << broken;
    ::close(ends[0]);
  }
}

TEST_F(ChannelTest, BoundsAMessage) {
  from_client(bytes("01 00 00 0C 00 00 01 00 61 62 63 64 01 01 00 0C 00 00 01 00 61 62 63 64"));
  EXPECT_THROW((void)channel_->read_message(message_, 7), Error);
}

TEST_F(ChannelTest, CutsAnAnswerIntoPackets) {
  ByteBuffer pending;
  pending.bytes("abcdefghij");
  ASSERT_TRUE(channel_->send_full_packets(pending, 12));
  EXPECT_EQ(hex(to_client()),
            hex(bytes("04 00 00 0C 01 33 01 00 61 62 63 64 04 00 00 0C 01 33 02 00 65 66 67 68")));
  EXPECT_EQ(pending.view(), "ij");
  ASSERT_TRUE(channel_->send_message_end(pending, 12));
  EXPECT_EQ(hex(to_client()), hex(bytes("04 01 00 0A 01 33 03 00 69 6A")));
  pending.bytes("k");
  ASSERT_TRUE(channel_->send_message_end(pending, 12));
  EXPECT_EQ(hex(to_client()), hex(bytes("04 01 00 09 01 33 01 00 6B")));
}

// The last packet carries the end of the message, so that something must be kept for it.
TEST_F(ChannelTest, KeepsSomethingForTheLastPacket) {
  ByteBuffer pending;
  pending.bytes("abcdefgh");
  ASSERT_TRUE(channel_->send_full_packets(pending, 12));
  EXPECT_EQ(pending.view(), "efgh");
}

TEST_F(ChannelTest, ALostClientIsAValue) {
  ByteBuffer pending;
  pending.bytes("abc");
  channel_->abort();
  EXPECT_FALSE(channel_->send_message_end(pending, 512));
  EXPECT_FALSE(channel_->read_message(message_, 100));
}

}  // namespace
}  // namespace tailrace::sim::tds
