// Tokens of a server: the examples of the specification, and sequences put together by its definitions.
#include "tds/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tds/browser.h"
#include "tds/testing/feed.h"

namespace tailrace::tds {
namespace {

using testing::bytes;
using testing::Feed;
using testing::message;
using Event = Response::Event;

// A response that is read from packets.
struct Reading {
  explicit Reading(std::string packets) : feed(std::move(packets)) { response.begin(); }
  Feed feed;
  Inbox inbox{feed};
  SessionState state;
  Response response{inbox, state};
  std::string scratch;

  std::string value(std::size_t column, std::size_t limit = 1'000'000) {
    const auto taken = response.take_value(column, scratch, limit);
    return taken ? std::string(as_text(*taken)) : "NULL";
  }
};

// [MS-TDS] 4.7, SQL Batch Server Response, as it stands there.
const char* const batch_example =
    "04 01 00 33 00 00 01 00 81 01 00 00 00 00 00 20 00 A7 03 00 09 04 D0 00 34 03 62 00 61 00 72 00 D1 03 "
    "00 66 6F "
    "6F FD 10 00 C1 00 01 00 00 00 00 00 00 00";

TEST(Response, ReadsTheExampleOfTheSpecification) {
  Reading reading(bytes(batch_example));
  ASSERT_EQ(reading.response.next(), Event::columns);
  ASSERT_EQ(reading.response.columns().size(), 1u);
  EXPECT_EQ(reading.response.columns()[0].name, "bar");
  EXPECT_EQ(reading.response.columns()[0].type.type, WireType::varchar);
  EXPECT_EQ(reading.response.columns()[0].type.length, 3u);
  ASSERT_EQ(reading.response.next(), Event::row);
  EXPECT_EQ(reading.value(0), "foo");
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_FALSE(reading.response.has_failed());
  EXPECT_EQ(reading.response.next(), Event::end);
}

// [MS-TDS] 4.4, Login Response: database, collation, packet size, and the acknowledgement; an information in between.
TEST(Response, KnowsTheStateAfterALogin) {
  Reading reading(message(
      bytes("E3 1B 00 01 06 6D 00 61 00 73 00 74 00 65 00 72 00 06 6D 00 61 00 73 00 74 00 65 00 72 00"
            "AB 14 00 45 16 00 00 02 00 03 00 61 00 62 00 63 00 00 00 00 00 00 00"
            "E3 08 00 07 05 09 04 D0 00 34 00"
            "E3 13 00 04 04 34 00 30 00 39 00 36 00 04 34 00 30 00 39 00 36 00"
            "AD 36 00 01 74 00 00 04 16 4D 00 69 00 63 00 72 00 6F 00 73 00 6F 00 66 00 74 00 20 00 53 00 51 "
            "00 4C 00"
            "20 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00 10 00 03 E8"
            "AE 0A 01 00 00 00 01 FF"
            "FD 00 00 00 00 00 00 00 00 00 00 00 00"),
      100));
  EXPECT_FALSE(reading.state.accepted);
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
  EXPECT_TRUE(reading.state.accepted);
  EXPECT_EQ(reading.state.version, 0x74000004u);
  EXPECT_EQ(reading.state.database, "master");
  EXPECT_EQ(reading.state.packet_bytes, 4096u);
  EXPECT_EQ(reading.state.collation, bytes("09 04 D0 00 34"));
  EXPECT_TRUE(reading.response.messages().empty()) << "an information is no error";
}

TEST(Response, IsRoutedElsewhere) {
  Reading reading(message(bytes("E3 12 00 14 0D 00 00 99 05 04 00 73 00 71 00 6C 00 32 00 00 00"
                                "FD 00 00 00 00 00 00 00 00 00 00 00 00"),
                          100));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.state.routed_host, "sql2");
  EXPECT_EQ(reading.state.routed_port, 1433);
}

// The transaction's descriptor belongs into the head of every later request.
TEST(Response, FollowsTransactions) {
  Reading reading(message(bytes("E3 0B 00 08 08 09 00 00 00 34 00 00 00 00"
                                "FD 00 00 00 00 00 00 00 00 00 00 00 00"
                                "E3 0B 00 09 00 08 09 00 00 00 34 00 00 00"
                                "FD 00 00 00 00 00 00 00 00 00 00 00 00"),
                          100));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.state.transaction, 0x3400000009u);
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.state.transaction, 0u);
}

// A statement with parameters answers with a status and values beside its rows; none of it may move what follows.
TEST(Response, PassesOverWhatBelongsToProcedures) {
  Reading reading(message(bytes("81 01 00 00 00 00 00 01 00 26 04 01 61 00"
                                "A9 02 00 01 00"
                                "A4 03 00 01 02 03 A5 03 00 01 01 00"
                                "D1 04 07 00 00 00"
                                "FF 11 00 C1 00 01 00 00 00 00 00 00 00"
                                "79 00 00 00 00"
                                "AC 00 00 01 78 00 01 00 00 00 00 00 00 26 04 04 05 00 00 00"
                                "78 01 02 03 04 E4 02 00 00 00 AA BB"
                                "FE 00 00 E0 00 00 00 00 00 00 00 00 00"),
                          17));
  ASSERT_EQ(reading.response.next(), Event::columns);
  ASSERT_EQ(reading.response.next(), Event::row);
  EXPECT_EQ(reading.value(0), bytes("07 00 00 00"));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
}

TEST(Response, KeepsWhatTheServerComplainsOf) {
  Reading reading(message(bytes("AA 16 00 12 48 00 00 01 0E 03 00 6E 00 6F 00 21 00 01 73 00 00 01 00 00 00"
                                "FD 02 00 00 00 00 00 00 00 00 00 00 00"),
                          9));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_TRUE(reading.response.has_failed());
  const std::vector<ServerMessage> said = reading.response.take_messages();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].number, 18450);
  EXPECT_EQ(said[0].severity, 14);
  EXPECT_EQ(said[0].text, "no!");
  EXPECT_TRUE(reading.response.messages().empty());
}

// Columns of every type, of which a row is passed over: what is not taken must be skipped by its exact length.
const char* const every_column =
    "81 0E 00"
    "00 00 00 00 00 00 38 01 61 00"                                            // int, fixed
    "00 00 00 00 01 00 26 08 01 62 00"                                         // bigint
    "00 00 00 00 01 00 6A 11 26 00 01 63 00"                                   // decimal(38,0)
    "00 00 00 00 01 00 2A 07 01 64 00"                                         // datetime2(7)
    "00 00 00 00 01 00 28 01 65 00"                                            // date
    "00 00 00 00 01 00 E7 14 00 09 04 D0 00 34 01 66 00"                       // nvarchar(10)
    "00 00 00 00 01 00 E7 FF FF 09 04 D0 00 34 01 67 00"                       // nvarchar(max)
    "00 00 00 00 01 00 A5 0A 00 01 68 00"                                      // varbinary(10)
    "00 00 00 00 01 00 63 FE FF FF 7F 09 04 D0 00 34 01 01 00 74 00 01 69 00"  // ntext
    "00 00 00 00 01 00 62 49 1F 00 00 01 6A 00"                                // sql_variant
    "00 00 00 00 01 00 F1 00 01 6B 00"                                         // xml
    "00 00 00 00 01 00 F1 01 01 64 00 01 73 00 01 00 63 00 01 6C 00"           // xml of a schema collection
    "00 00 00 00 01 00 F0 FF FF 01 64 00 03 73 00 79 00 73 00 01 67 00 02 00 61 00 62 00 01 6D 00"  // geography
    "00 00 00 00 01 00 24 10 01 6E 00";  // uniqueidentifier

const char* const every_value =
    "01 00 00 00"
    "08 02 00 00 00 00 00 00 00"
    "11 01 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
    "08 00 00 00 00 00 DA B9 37"
    "03 DA B9 37"
    "02 00 41 00"
    "04 00 00 00 00 00 00 00 02 00 00 00 42 00 02 00 00 00 43 00 00 00 00 00"
    "03 00 01 02 03"
    "10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 00 00 00 00 00 00 00 00 02 00 00 00 44 00"
    "06 00 00 00 38 00 07 00 00 00"
    "FE FF FF FF FF FF FF FF 02 00 00 00 45 00 00 00 00 00"
    "FF FF FF FF FF FF FF FF"
    "02 00 00 00 00 00 00 00 02 00 00 00 01 02 00 00 00 00"
    "10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F";

// NBCROW: b, f and n (1, 5, 13) are NULL and not there.
const char* const some_values =
    "22 20"
    "01 00 00 00"
    "11 01 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
    "08 00 00 00 00 00 DA B9 37"
    "03 DA B9 37"
    "04 00 00 00 00 00 00 00 02 00 00 00 42 00 02 00 00 00 43 00 00 00 00 00"
    "03 00 01 02 03"
    "00"
    "00 00 00 00"
    "FE FF FF FF FF FF FF FF 02 00 00 00 45 00 00 00 00 00"
    "FF FF FF FF FF FF FF FF"
    "02 00 00 00 00 00 00 00 02 00 00 00 01 02 00 00 00 00";

std::string every_type_message() {
  return bytes(every_column) + bytes("D1") + bytes(every_value) + bytes("D2") + bytes(some_values) +
         bytes("D1") + bytes(every_value) + bytes("FD 10 00 C1 00 03 00 00 00 00 00 00 00");
}

void expect_every_value(Reading& reading) {
  ASSERT_EQ(reading.response.next(), Event::columns);
  ASSERT_EQ(reading.response.columns().size(), 14u);
  ASSERT_EQ(reading.response.next(), Event::row);
  EXPECT_EQ(reading.value(0), bytes("01 00 00 00"));
  EXPECT_EQ(reading.value(5), bytes("41 00"));
  EXPECT_EQ(reading.value(6), bytes("42 00 43 00"));
  EXPECT_EQ(reading.value(8), bytes("44 00"));
  EXPECT_EQ(reading.value(9), bytes("38 00 07 00 00 00"));
  EXPECT_EQ(reading.value(10), bytes("45 00"));
  EXPECT_EQ(reading.value(11), "NULL");
  EXPECT_EQ(reading.value(12), bytes("01 02"));
  EXPECT_EQ(reading.value(13).size(), 16u);
  ASSERT_EQ(reading.response.next(), Event::row);
  EXPECT_EQ(reading.value(1), "NULL");
  EXPECT_EQ(reading.value(2).size(), 17u);
  EXPECT_EQ(reading.value(5), "NULL");
  EXPECT_EQ(reading.value(7), bytes("01 02 03"));
  EXPECT_EQ(reading.value(8), "NULL");
  EXPECT_EQ(reading.value(12), bytes("01 02"));
  ASSERT_EQ(reading.response.next(), Event::row) << "passed over untaken";
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
}

TEST(Response, ReadsEveryType) {
  Reading reading(message(every_type_message(), 4'000));
  expect_every_value(reading);
}

// Wherever a packet ends: in a token, in a length, in a value.
TEST(Response, ReadsEveryTypeAcrossPackets) {
  const std::string data = every_type_message();
  for (std::size_t cut = 1; cut < data.size(); ++cut) {
    Reading reading(message(data, 4'000, cut));
    expect_every_value(reading);
    if (HasFailure()) FAIL() << "cut at " << cut;
  }
  for (const std::size_t size : {1u, 2u, 3u, 5u, 11u}) {
    Reading reading(message(data, size));
    expect_every_value(reading);
  }
}

TEST(Response, TakesNoMoreOfAValueThanIsAskedFor) {
  const std::string head =
      bytes("81 02 00 00 00 00 00 01 00 A5 FF FF 01 61 00 00 00 00 00 01 00 26 04 01 62 00 D1");
  const std::string value = bytes("E8 03 00 00 00 00 00 00 F4 01 00 00") + std::string(500, 'x') +
                            bytes("F4 01 00 00") + std::string(500, 'y') + bytes("00 00 00 00");
  Reading reading(message(head + value + bytes("04 07 00 00 00 FD 10 00 C1 00 01 00 00 00 00 00 00 00"), 50));
  ASSERT_EQ(reading.response.next(), Event::columns);
  ASSERT_EQ(reading.response.next(), Event::row);
  EXPECT_EQ(reading.value(0, 600), std::string(500, 'x') + std::string(102, 'y'))
      << "two more show that it is longer";
  EXPECT_EQ(reading.value(1), bytes("07 00 00 00"));
}

TEST(Response, RefusesWhatNobodyKnows) {
  for (const char* wrong :
       {"00", "D1 00", "88", "81 01 00 00 00 00 00 00 00 99 01 61 00",
        "81 01 00 00 00 00 00 00 00 26 03 01 61 00", "81 01 00 00 00 00 00 00 00 29 08 01 61 00",
        "81 01 00 00 00 00 00 00 00 6A 11 27 00 01 61 00", "81 01 00 00 00 00 00 00 00 A5 41 1F 01 61 00",
        "81 01 00 00 00 00 00 01 00 26 04 01 61 00 D1 05 00 00 00 00 00", "E3 07 00 04 02 39 00 39 00 00",
        "E3 0A 00 14 05 00 01 99 05 00 00 00 00", "FD 00", "AA 02 00 01 02"}) {
    Reading reading(message(bytes(wrong), 4'000));
    try {
      while (reading.response.next() != Event::end) {
      }
      ADD_FAILURE() << "nothing was thrown: " << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::protocol) << wrong;
    }
  }
}

// [MC-SQLR] 2.2.5: what the browser service says of an instance.
TEST(Browser, FindsThePortOfAnInstance) {
  const std::string text =
      "ServerName;SQL01;InstanceName;SHOP;IsClustered;No;Version;16.0.1000.6;tcp;51433;np;\\\\x;;";
  EXPECT_EQ(port_in_answer(as_bytes(bytes("05 5A 00") + text)), 51433);
  EXPECT_EQ(port_in_answer(as_bytes(bytes("05 0A 00") + std::string("ServerName;A;np;x;;"))), 0);
  for (const char* broken :
       {"", "05", "04 00 00", "05 00 00", "05 03 00 74 63 70", "05 03 00 74 63 70 3B 78"})
    EXPECT_EQ(port_in_answer(as_bytes(bytes(broken))), 0) << broken;
}

}  // namespace
}  // namespace tailrace::tds
