// Tokens of a server: the examples of the specification, and sequences put together by its definitions.
#include "tds/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tds/browser.h"
#include "tds/testing/capture.h"
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

// A response of the specification's section 4, as it stands there.
std::string example(const std::string& name) {
  return testing::read_capture("specification_responses").at(name);
}

// Its login: what the server says of the session, informations in between.
void expect_login(Reading& reading, std::uint32_t version, const char* database, std::size_t packet_bytes) {
  EXPECT_FALSE(reading.state.accepted);
  while (reading.response.next() != Event::end) {
    EXPECT_FALSE(reading.response.has_failed());
  }
  EXPECT_TRUE(reading.state.accepted);
  EXPECT_EQ(reading.state.version, version);
  EXPECT_EQ(reading.state.database, database);
  EXPECT_EQ(reading.state.packet_bytes, packet_bytes);
  EXPECT_EQ(reading.state.collation, bytes("09 04 D0 00 34"));
  EXPECT_TRUE(reading.response.messages().empty()) << "an information is no error";
}

// What a server answers to one who asks for no features, as we do: the example without its FEATUREEXTACK, which stands
// in front of the last DONE.
std::string without_features(const std::string& packets) {
  const std::string data = packets.substr(8);
  std::size_t at = std::string::npos;
  for (const char* head : {"AE 02 40 00 00 00", "AE 01 77 00 00 00"})
    at = std::min(at, data.find(bytes(head)));
  return at == std::string::npos ? packets
                                 : message(data.substr(0, at) + data.substr(data.size() - 13), 4'000);
}

TEST(Examples, LoginsAreAccepted) {
  Reading old(example("4.4 login response"));
  expect_login(old, 0x72090002, "master", 4096);
  Reading newer(without_features(example("4.5 login response with a feature")));
  expect_login(newer, 0x74000004, "master", 4096);
  // Statements that nobody has sent ended in front of it; the end of a procedure never comes.
  Reading behind_statements(without_features(example("4.21 login response behind statements")));
  expect_login(behind_statements, 0x74000004, "testdb", 8000);
}

// [MS-TDS] 2.2.7.11: it might change the form of what follows, as the encryption of columns does.
TEST(Examples, AFeatureThatNobodyAskedForIsRefused) {
  for (const char* name : {"4.5 login response with a feature", "4.21 login response behind statements"}) {
    SCOPED_TRACE(name);
    Reading reading(example(name));
    try {
      while (reading.response.next() != Event::end) {
      }
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::protocol);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("feature"));
    }
  }
}

TEST(Examples, ABatchHasItsRow) {
  Reading reading(example("4.7 SQL batch server response"));
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

TEST(Examples, AProcedureEndsBehindItsStatement) {
  Reading reading(example("4.9 RPC server response"));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
}

// Rows of both kinds in one result: with values that tell it themselves, and with a bitmap of what is NULL.
TEST(Examples, SparseColumnsComeAsXmlOrNotAtAll) {
  Reading reading(example("4.15 sparse columns"));
  ASSERT_EQ(reading.response.next(), Event::columns);
  ASSERT_EQ(reading.response.columns().size(), 2u);
  EXPECT_EQ(reading.response.columns()[0].name, "id");
  EXPECT_EQ(reading.response.columns()[1].name, "sparsePropertySet");
  EXPECT_EQ(reading.response.columns()[1].type.type, WireType::xml);
  const std::string sets[] = {"<sparseProp1>1000</sparseProp1><sparseProp2>foo</sparseProp2>",
                              "<sparseProp1>1000</sparseProp1>", "<sparseProp2>abcd</sparseProp2>"};
  for (char id = 1; id <= 10; ++id) {
    ASSERT_EQ(reading.response.next(), Event::row);
    EXPECT_EQ(reading.value(0), std::string({id, 0, 0, 0}));
    EXPECT_EQ(reading.value(1), id <= 3 ? utf16le_from_utf8(sets[id - 1]) : "NULL") << int{id};
  }
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
}

TEST(Examples, ASessionStateIsPassedOver) {
  Reading reading(example("4.18 response with a session state"));
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::done);
  EXPECT_EQ(reading.response.next(), Event::end);
}

// However they come: none of them may be read in another way where it is cut.
TEST(Examples, AreWholeInPiecesAndNotWithoutTheirEnd) {
  for (const auto& [name, packets] : testing::read_capture("specification_responses")) {
    SCOPED_TRACE(name);
    const std::string data = without_features(packets).substr(8);
    for (const std::size_t size : {1u, 3u, 7u, 100u}) {
      Reading reading(message(data, size));
      while (reading.response.next() != Event::end) {
      }
    }
    // Its last thirteen bytes are the DONE or DONEPROC that says that it is whole.
    for (std::size_t cut = 1; cut <= 13; ++cut) {
      Reading reading(message(data.substr(0, data.size() - cut), 4'000));
      const auto read_on = [&] {
        while (reading.response.next() != Event::end) {
        }
      };
      EXPECT_THROW(read_on(), Error) << cut;
    }
  }
}

// As [MS-TDS] 4.4, and with the answer to features of which none was asked for.
TEST(Response, KnowsTheStateAfterALogin) {
  Reading reading(message(
      bytes("E3 1B 00 01 06 6D 00 61 00 73 00 74 00 65 00 72 00 06 6D 00 61 00 73 00 74 00 65 00 72 00"
            "AB 14 00 45 16 00 00 02 00 03 00 61 00 62 00 63 00 00 00 00 00 00 00"
            "E3 08 00 07 05 09 04 D0 00 34 00"
            "E3 13 00 04 04 34 00 30 00 39 00 36 00 04 34 00 30 00 39 00 36 00"
            "AD 36 00 01 74 00 00 04 16 4D 00 69 00 63 00 72 00 6F 00 73 00 6F 00 66 00 74 00 20 00 53 00 51 "
            "00 4C 00"
            "20 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00 10 00 03 E8"
            "AE FF"
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
                                "FD 01 00 00 00 00 00 00 00 00 00 00 00"
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

// What reading a response to its end throws; nothing: it is whole.
std::optional<ErrorKind> refusal(std::string packets, std::vector<Event>* events = nullptr) {
  Reading reading(std::move(packets));
  try {
    for (Event event; (event = reading.response.next()) != Event::end;) {
      if (events != nullptr) events->push_back(event);
    }
    EXPECT_EQ(reading.response.next(), Event::end) << "and stays so";
    return std::nullopt;
  } catch (const Error& error) {
    return error.kind();
  }
}

constexpr const char* a_result =
    "81 01 00 00 00 00 00 01 00 26 04 01 61 00 D1 04 07 00 00 00 D1 04 08 00 00 00 ";
constexpr const char* an_error =
    "AA 16 00 12 48 00 00 01 0E 03 00 6E 00 6F 00 21 00 01 73 00 00 01 00 00 00 ";

std::string done_with(const char* token, const char* status) {
  return bytes(token) + bytes(status) + bytes("C1 00 02 00 00 00 00 00 00 00");
}

// The end of the packets proves nothing: a response that stops before the server has called it whole has lost rows, or
// may have. However it is cut into packets.
TEST(Response, IsWholeWhereTheServerSaysSoAlone) {
  const std::string rows = bytes(a_result);
  const std::string status = bytes("79 00 00 00 00");
  const std::string more = done_with("FD", "11 00");
  const std::string in_procedure = done_with("FF", "11 00");
  const std::string whole[] = {
      done_with("FD", "00 00"),
      rows + done_with("FD", "10 00"),
      rows + done_with("FD", "00 00") + bytes("E3 0B 00 09 00 08 09 00 00 00 34 00 00 00"),
      rows + more + rows + done_with("FD", "10 00"),
      rows + more + done_with("FD", "00 00"),
      rows + in_procedure + status + done_with("FE", "00 00"),
      rows + bytes(an_error) + done_with("FD", "02 00"),
      rows + bytes(an_error) + done_with("FF", "03 00") + status + done_with("FE", "02 00"),
  };
  const std::string cut[] = {
      "",
      rows,
      bytes(an_error),
      rows + bytes(an_error),
      rows + more,
      rows + more + rows,
      rows + more + status,
      rows + in_procedure,
      rows + in_procedure + status,
      rows + done_with("FF", "10 00"),  // Says that nothing follows, but a procedure ends by its own token.
      rows + done_with("FE", "01 00"),
      rows + bytes(an_error) + done_with("FF", "03 00"),
  };
  for (const std::size_t size : {4'000u, 7u, 1u}) {
    for (const std::string& data : whole)
      EXPECT_EQ(refusal(message(data, size)), std::nullopt) << &data - whole << " in " << size;
    for (const std::string& data : cut)
      EXPECT_EQ(refusal(message(data, size)), ErrorKind::protocol) << &data - cut << " in " << size;
  }
  // A connection that ends behind a whole packet, even one behind which nothing would have come but the end.
  for (const std::string& data : {rows, rows + more, rows + done_with("FD", "10 00")})
    EXPECT_EQ(refusal(testing::packet(data, /*is_last=*/false)), ErrorKind::unavailable);
}

// What comes behind the end would be taken for part of what was asked, or be missing from it.
TEST(Response, HasNothingBehindItsEnd) {
  const std::string rows = bytes(a_result);
  for (const std::string& more : {rows, done_with("FD", "00 00"), bytes("D1 04 08 00 00 00")})
    EXPECT_EQ(refusal(message(rows + done_with("FD", "10 00") + more, 4'000)), ErrorKind::protocol);
}

// The answer to an attention that nobody has sent, or to an earlier one: it would pass for a short result.
TEST(Response, IsNotBrokenOffUnasked) {
  std::vector<Event> events;
  EXPECT_EQ(refusal(message(bytes(a_result) + done_with("FD", "20 00"), 4'000), &events),
            ErrorKind::protocol);
  EXPECT_EQ(events, (std::vector<Event>{Event::columns, Event::row, Event::row}));
  EXPECT_EQ(refusal(message(done_with("FD", "22 00"), 4'000)), ErrorKind::protocol);
}

// A value says its length in front, and again by its chunks: where they differ, something of it is lost, or is of another.
TEST(Response, HoldsChunksAgainstTheLengthInFrontOfThem) {
  const std::string columns = bytes("81 01 00 00 00 00 00 01 00 A5 FF FF 01 61 00 D1");
  const char* const unknown = "FE FF FF FF FF FF FF FF";
  const char* const three = "03 00 00 00 00 00 00 00";
  const char* const one_chunk = "03 00 00 00 61 62 63 00 00 00 00";
  const char* const two_chunks = "01 00 00 00 61 02 00 00 00 62 63 00 00 00 00";
  const auto taken = [&](const char* total, const char* chunks, std::size_t size, bool take) {
    Reading reading(message(columns + bytes(total) + bytes(chunks) + done_with("FD", "10 00"), size));
    try {
      reading.response.next();
      reading.response.next();
      std::string out = take ? reading.value(0) : "abc";
      while (reading.response.next() != Event::end) {
      }
      return out;
    } catch (const Error& error) {
      return std::string(name_of(error.kind()));
    }
  };
  for (const std::size_t size : {4'000u, 5u}) {
    for (const bool take : {true, false}) {
      for (const char* chunks : {one_chunk, two_chunks}) {
        EXPECT_EQ(taken(three, chunks, size, take), "abc");
        EXPECT_EQ(taken(unknown, chunks, size, take), "abc");
        for (const char* wrong :
             {"00 00 00 00 00 00 00 00", "02 00 00 00 00 00 00 00", "04 00 00 00 00 00 00 00",
              "03 00 00 00 01 00 00 00", "FD FF FF FF FF FF FF FF"})
          EXPECT_EQ(taken(wrong, chunks, size, take), "protocol") << wrong << " in " << size << " " << take;
      }
      EXPECT_EQ(taken(three, "00 00 00 00", size, take), "protocol") << "nothing of it came";
    }
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
