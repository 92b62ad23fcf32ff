// PRELOGIN and LOGIN7, with the example of the specification.
#include "sim/tds/login.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::hex;

// [MS-TDS] 4.2, without the packet's header.
std::string specification_login() {
  return bytes(
      "88 00 00 00 02 00 09 72 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00 E0 03 00 00 E0 01 00 00 09 04 "
      "00 00"
      "5E 00 08 00 6E 00 02 00 72 00 00 00 72 00 07 00 80 00 00 00 80 00 00 00 80 00 04 00 88 00 00 00 88 00 "
      "00 00"
      "00 50 8B E2 B7 8F 88 00 00 00 88 00 00 00 88 00 00 00 00 00 00 00 73 00 6B 00 6F 00 73 00 74 00 6F 00 "
      "76 00"
      "31 00 73 00 61 00 4F 00 53 00 51 00 4C 00 2D 00 33 00 32 00 4F 00 44 00 42 00 43 00");
}

void put_u16(std::string& message, std::size_t at, std::uint16_t value) {
  message[at] = static_cast<char>(value);
  message[at + 1] = static_cast<char>(value >> 8);
}

TEST(Login7, ReadsTheSpecificationsExample) {
  const Login7 login = parse_login7(specification_login());
  EXPECT_EQ(login.version, 0x72090002u);
  EXPECT_EQ(login.packet_bytes, 4096u);
  EXPECT_EQ(login.login.host, "skostov1");
  EXPECT_EQ(login.login.user, "sa");
  EXPECT_EQ(login.login.password, "");
  EXPECT_EQ(login.login.application, "OSQL-32");
  EXPECT_EQ(login.login.database, "");
  EXPECT_FALSE(login.integrated);
  EXPECT_FALSE(login.login.read_only_intent);
}

// "ab": each byte's halves swapped, then combined with A5: 61 -> 16 -> B3, 62 -> 26 -> 83, 00 -> A5.
TEST(Login7, ClearsThePassword) {
  std::string message = specification_login() + bytes("B3 A5 83 A5");
  put_u16(message, 0, static_cast<std::uint16_t>(message.size()));
  put_u16(message, 44, 0x88);
  put_u16(message, 46, 2);
  EXPECT_EQ(parse_login7(message).login.password, "ab");
}

TEST(Login7, ReadsItsFlags) {
  std::string message = specification_login();
  message[25] = static_cast<char>(0x80);
  message[26] = 0x20;
  message[27] = 0x01;
  const Login7 login = parse_login7(message);
  EXPECT_TRUE(login.integrated);
  EXPECT_TRUE(login.login.read_only_intent);
  EXPECT_TRUE(login.changes_password);
  EXPECT_FALSE(login.attaches_file);
}

TEST(Login7, RefusesFieldsOutsideTheMessage) {
  for (const std::size_t field : {36u, 40u, 44u, 48u, 64u, 68u}) {
    std::string message = specification_login();
    put_u16(message, field, 0x87);
    put_u16(message, field + 2, 2);
    EXPECT_THROW(parse_login7(message), Error) << field;
    put_u16(message, field, 0xFFFF);
    EXPECT_THROW(parse_login7(message), Error) << field;
  }
}

TEST(Login7, RefusesAWrongLengthOrVersion) {
  EXPECT_THROW(parse_login7(specification_login() + "x"), Error);
  EXPECT_THROW(parse_login7(specification_login().substr(0, 80)), Error);
  std::string old = specification_login();
  old[7] = 0x05;
  EXPECT_THROW(parse_login7(old), Error);
}

TEST(Prelogin, ReadsTheEncryptionOption) {
  // Version, encryption ON, end; then their data.
  const std::string message = bytes("00 00 0B 00 06 01 00 11 00 01 FF 09 00 00 00 00 00 01");
  EXPECT_EQ(parse_prelogin(message).encryption, Encryption::on);
  EXPECT_EQ(parse_prelogin(bytes("FF")).encryption, Encryption::not_supported);
}

TEST(Prelogin, RefusesOptionsOutsideTheMessage) {
  EXPECT_THROW(parse_prelogin(bytes("01 00 11 00 01 FF")), Error);
  EXPECT_THROW(parse_prelogin(bytes("01 00 06 00 01")), Error);
  EXPECT_THROW(parse_prelogin(bytes("01 00 06 00 01 FF 07")), Error);
  EXPECT_THROW(parse_prelogin(""), Error);
}

TEST(Prelogin, AgreesAsSqlServerDoes) {
  EXPECT_EQ(agree(Encryption::off), Encryption::off);
  EXPECT_EQ(agree(Encryption::on), Encryption::on);
  EXPECT_EQ(agree(Encryption::not_supported), Encryption::not_supported);
  EXPECT_EQ(agree(Encryption::required), Encryption::on);
}

TEST(Prelogin, AnswersWithVersionAndNoMars) {
  ByteBuffer out;
  put_prelogin_answer(out, Encryption::on);
  EXPECT_EQ(hex(out.view()),
            "00 00 1A 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 00 04 00 22 00 01 FF "
            "10 00 10 27 04 00 01 00 00");
}

}  // namespace
}  // namespace tailrace::sim::tds
