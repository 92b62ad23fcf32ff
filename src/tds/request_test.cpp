// What is sent, byte by byte.
#include "tds/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tds/bytes.h"
#include "tds/login.h"
#include "tds/testing/feed.h"

namespace tailrace::tds {
namespace {

using testing::bytes;

std::string utf16(std::string_view text) {
  return utf16le_from_utf8(text);
}

TEST(Packets, AreCutAtTheAgreedSize) {
  EXPECT_EQ(packets_of(PacketType::attention, "", 4096), bytes("06 01 00 08 00 00 01 00"));
  EXPECT_EQ(packets_of(PacketType::batch, "abcdef", 12),
            bytes("01 00 00 0C 00 00 01 00 61 62 63 64 01 01 00 0A 00 00 02 00 65 66"));
  EXPECT_EQ(packets_of(PacketType::batch, "abcd", 12), bytes("01 01 00 0C 00 00 01 00 61 62 63 64"))
      << "no empty packet behind a full one";
  EXPECT_EQ(packets_of(PacketType::batch, std::string(300, 'x'), 9).at(9 * 255 + 6), '\0')
      << "numbers begin again";
}

// [MS-TDS] 4.6: the headers of a batch.
TEST(Requests, ABatchHasTheTransactionInFrontOfIt) {
  EXPECT_EQ(batch_message("x", 0),
            bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00 78 00"));
  EXPECT_EQ(batch_message("", 0x0102).substr(10, 8), bytes("02 01 00 00 00 00 00 00"));
}

TEST(Requests, ParametersGoBySpExecutesql) {
  const std::string text = utf16("é");
  const std::string sent = execute_message("SELECT ?, ?, ?",
                                           {{Parameter::Kind::integer, -2, {}},
                                            {Parameter::Kind::text, 0, text},
                                            {Parameter::Kind::bytes, 0, "ab"}},
                                           bytes("09 04 D0 00 34"), 0);
  const std::string statement = utf16("SELECT @P1, @P2, @P3");
  const std::string names = utf16("@P1 bigint,@P2 nvarchar(4000),@P3 varbinary(8000)");
  Writer expected;
  expected.bytes(bytes("16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 00 01 00 00 00"));
  expected.bytes(bytes("FF FF 0A 00 00 00"));
  for (const std::string& each : {statement, names}) {
    expected.bytes(bytes("00 00 E7 40 1F 09 04 D0 00 34"));
    expected.u16(each.size());
    expected.bytes(each);
  }
  expected.bytes(bytes("00 00 26 08 08 FE FF FF FF FF FF FF FF"));
  expected.bytes(bytes("00 00 E7 40 1F 09 04 D0 00 34 02 00 E9 00"));
  expected.bytes(bytes("00 00 A5 40 1F 02 00 61 62"));
  EXPECT_EQ(sent, expected.str());
}

// A statement of a thousand keys is longer than nvarchar(4000).
TEST(Requests, LongTextsGoInChunks) {
  const std::string sql = "SELECT '" + std::string(5'000, 'x') + "' WHERE 1 = ?";
  const std::string sent =
      execute_message(sql, {{Parameter::Kind::integer, 1, {}}}, bytes("09 04 D0 00 34"), 0);
  const std::string statement = utf16(with_numbered_parameters(sql, 1));
  Writer expected;
  expected.bytes(bytes("00 00 E7 FF FF 09 04 D0 00 34"));
  expected.u64(statement.size());
  expected.u32(statement.size());
  expected.bytes(statement);
  expected.u32(0);
  EXPECT_EQ(sent.substr(28, expected.size()), expected.str());
}

// A question mark in a name or a text is none of a parameter.
TEST(Requests, NumberTheParametersAlone) {
  EXPECT_EQ(with_numbered_parameters("a = ? AND b = ?", 2), "a = @P1 AND b = @P2");
  EXPECT_EQ(with_numbered_parameters("N'it''s ?' + ?", 1), "N'it''s ?' + @P1");
  EXPECT_EQ(with_numbered_parameters("c.[a]]b ?] = ?", 1), "c.[a]]b ?] = @P1");
  EXPECT_EQ(with_numbered_parameters("c.[a]]] = ? AND [?] = 1", 1), "c.[a]]] = @P1 AND [?] = 1");
  EXPECT_EQ(with_numbered_parameters("\"?\" = ?", 1), "\"?\" = @P1");
  EXPECT_EQ(with_numbered_parameters("-- ?\n? /* ? */ - ? / 2", 2), "-- ?\n@P1 /* ? */ - @P2 / 2");
  EXPECT_EQ(with_numbered_parameters("'without an end ?", 0), "'without an end ?");
  EXPECT_THROW(with_numbered_parameters("?", 2), Error);
}

// [MS-TDS] 2.2.6.5: options with their places, big-endian, then the values.
TEST(Login, AsksForEncryptionInPrelogin) {
  EXPECT_EQ(prelogin_message(Encryption::on), bytes("00 00 0B 00 06 01 00 11 00 01 FF 10 00 00 00 00 00 01"));
}

// [MS-TDS] 4.1, the options of which a server answers with the same form.
TEST(Login, ReadsTheAnswerOfAServer) {
  const std::string answer = bytes(
      "00 00 1A 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 04 04 00 26 00 01 FF "
      "09 00 00 00 00 00 01 00 B8 0D 00 00 01");
  EXPECT_EQ(answered_encryption(as_bytes(answer)), Encryption::on);
  for (const char* broken :
       {"", "FF", "01 00 20 00 01 FF", "01 00 05 00 00 FF", "01 00 06 00 01 FF 09", "00 00"})
    EXPECT_THROW(answered_encryption(as_bytes(bytes(broken))), Error) << broken;
}

struct Field {
  std::size_t at;
  const char* name;
  std::string value;
};

TEST(Login, SaysWhoAsksForWhat) {
  Login login;
  login.client_host = "client";
  login.user = "reader";
  login.password = Secret("pé");
  login.application = "tailrace";
  login.server = "sql01";
  login.database = "shop";
  login.is_read_only = true;
  login.process = 77;
  const std::string sent = login_message(login);
  Reader head(as_bytes(sent));
  EXPECT_EQ(head.u32(), sent.size());
  EXPECT_EQ(head.u32(), 0x74000004u);
  EXPECT_EQ(head.u32(), 32'767u);
  head.u32();
  EXPECT_EQ(head.u32(), 77u);
  head.u32();
  EXPECT_EQ(head.u8(), 0xE0) << "the database must be there, and is told";
  EXPECT_EQ(head.u8(), 0x02) << "the ANSI options of every driver";
  EXPECT_EQ(head.u8(), 0x20) << "read-only intent";
  EXPECT_EQ(head.u8(), 0);
  // Where [MS-TDS] 2.2.6.4 has their places. The password: halves changed, XOR 0xA5.
  for (const Field& field : {Field{36, "host", utf16("client")}, Field{40, "user", utf16("reader")},
                             Field{44, "password", bytes("A2 A5 3B A5")}, Field{48, "app", utf16("tailrace")},
                             Field{52, "server", utf16("sql01")}, Field{56, "extension", ""},
                             Field{64, "language", ""}, Field{68, "database", utf16("shop")},
                             Field{78, "sspi", ""}, Field{82, "file", ""}, Field{86, "new password", ""}}) {
    Reader place(as_bytes(sent).subspan(field.at));
    const std::size_t at = place.u16();
    const std::size_t units = place.u16();
    EXPECT_EQ(sent.substr(at, units * 2), field.value) << field.name;
  }
  login.is_read_only = false;
  EXPECT_EQ(login_message(login).at(26), 0);
}

TEST(Login, RefusesWhatDoesNotFitWithoutSayingIt) {
  Login login;
  login.password = Secret(std::string(129, 's'));
  try {
    login_message(login);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("source.password"));
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("sss")));
  }
}

}  // namespace
}  // namespace tailrace::tds
