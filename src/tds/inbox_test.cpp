// Packets become one stretch of bytes, wherever they are cut.
#include "tds/inbox.h"

#include <gtest/gtest.h>

#include "tds/testing/feed.h"

namespace tailrace::tds {
namespace {

using testing::Feed;
using testing::message;
using testing::packet;

std::string counted(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i)
    out += static_cast<char>(i * 7 + i / 251);
  return out;
}

// What lies across packets must come out whole: values, whatever their size and the packets' are.
TEST(Inbox, JoinsPacketsOfEverySize) {
  const std::string data = counted(5'000);
  for (const std::size_t size : {1u, 2u, 7u, 8u, 9u, 100u, 4'088u}) {
    for (const std::size_t value : {1u, 3u, 8u, 13u, 500u}) {
      Feed feed(message(data, size), 777);
      Inbox inbox(feed);
      inbox.begin_message();
      std::string read;
      while (read.size() < data.size()) {
        const std::size_t next = std::min(value, data.size() - read.size());
        inbox.need(next);
        read += as_text({inbox.position(), next});
        inbox.advance(next);
      }
      ASSERT_EQ(read, data) << size << " " << value;
      EXPECT_FALSE(inbox.more());
      EXPECT_TRUE(inbox.is_over());
    }
  }
}

// Longer than any buffer: streamed, and the packet behind it begins at its place.
TEST(Inbox, StreamsLongValues) {
  const std::string data = counted(1'000'000);
  Feed feed(message(data, 32'759) + message("behind", 100), 65'536);
  Inbox inbox(feed);
  inbox.begin_message();
  std::string read;
  inbox.append_to(read, 700'000);
  inbox.skip(200'000);
  inbox.append_to(read, 100'000);
  EXPECT_EQ(read, data.substr(0, 700'000) + data.substr(900'000));
  EXPECT_TRUE(inbox.is_over());
  inbox.begin_message();
  inbox.need(6);
  EXPECT_EQ(as_text({inbox.position(), 6}), "behind");
}

// In one piece although larger than the buffer is at first: descriptions of a thousand columns are.
TEST(Inbox, GathersWhatMustLieInOnePiece) {
  const std::string data = counted(300'000);
  Feed feed(message(data, 504));
  Inbox inbox(feed);
  inbox.begin_message();
  inbox.need(300'000);
  EXPECT_EQ(as_text({inbox.position(), 300'000}), data);
}

TEST(Inbox, RefusesWhatIsNoResponse) {
  const auto kind = [](const std::string& bytes, std::size_t needed) {
    Feed feed(bytes);
    Inbox inbox(feed);
    inbox.begin_message();
    try {
      inbox.need(needed);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind("HTTP/1.1 400 Bad Request\r\n", 1), ErrorKind::protocol);
  EXPECT_EQ(kind(testing::bytes("04 01 00 07 00 00 01 00"), 1), ErrorKind::protocol)
      << "shorter than its header";
  EXPECT_EQ(kind(message("abc", 100), 4), ErrorKind::protocol) << "ends inside a value";
  EXPECT_EQ(kind(packet("abc", false), 4), ErrorKind::unavailable) << "lost behind a packet";
}

// After an attention everything up to its answer is passed over, unread.
TEST(Inbox, KnowsTheLastTokenOfAMessageThatNobodyReads) {
  const std::string done = testing::bytes("FD 22 00 00 00 00 00 00 00 00 00 00 00");
  for (const std::size_t size : {1u, 5u, 12u, 13u, 14u, 4'000u}) {
    Feed feed(message(counted(9'000) + done, size));
    Inbox inbox(feed);
    inbox.begin_message();
    EXPECT_EQ(inbox.skip_message(), 0x22) << size;
    EXPECT_TRUE(inbox.is_over());
  }
  Feed feed(message(counted(9'000), 100));
  Inbox inbox(feed);
  inbox.begin_message();
  EXPECT_EQ(inbox.skip_message(), 0) << "no token";
}

}  // namespace
}  // namespace tailrace::tds
