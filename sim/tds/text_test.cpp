// Text between UTF-8 and the wire.
#include "sim/tds/text.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sim/tds/testing/bytes.h"

namespace tailrace::sim::tds {
namespace {

using testing::bytes;
using testing::hex;

std::string utf16_of(std::string_view utf8) {
  std::string out(utf16_units(utf8) * 2, '?');
  EXPECT_EQ(write_utf16le(out.data(), utf8), out.data() + out.size());
  return out;
}

std::string narrow_of(std::string_view utf8) {
  std::string out(code_page_1252_bytes(utf8), ' ');
  EXPECT_EQ(write_code_page_1252(out.data(), utf8), out.data() + out.size());
  return out;
}

TEST(TdsText, WritesUtf16) {
  EXPECT_EQ(hex(utf16_of("")), "");
  EXPECT_EQ(utf16_of("twenty ASCII letters"), testing::wide("twenty ASCII letters"));
  EXPECT_EQ(hex(utf16_of("aé€🙂z")), "61 00 E9 00 AC 20 3D D8 42 DE 7A 00");
  EXPECT_EQ(hex(utf16_of(std::string_view("\0x", 2))), "00 00 78 00");
}

// A lone surrogate lives in nvarchar: it must come out as it went in.
TEST(TdsText, KeepsLoneSurrogates) {
  EXPECT_EQ(hex(utf16_of("\xED\xA0\xBDx")), "3D D8 78 00");
  EXPECT_EQ(utf8_from_utf16le(bytes("3D D8 78 00")), "\xED\xA0\xBDx");
}

// A text that is no UTF-8 would take other bytes than were announced for it.
TEST(TdsText, RefusesBrokenUtf8) {
  std::string out(64, ' ');
  for (const char* broken : {"\xC3", "a\xC3z", "\xBC", "\xE2\x82", "\xF0\x9F\x99z"}) {
    EXPECT_THROW(write_utf16le(out.data(), broken), Error) << broken;
    EXPECT_THROW(write_code_page_1252(out.data(), broken), Error) << broken;
  }
}

TEST(TdsText, RefusesHalfAUnit) {
  EXPECT_THROW(utf8_from_utf16le(bytes("61 00 62")), Error);
}

TEST(TdsText, CodePage1252GoesBothWays) {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all.push_back(static_cast<char>(i));
  std::string utf8;
  append_utf8_from_1252(utf8, all);
  EXPECT_EQ(narrow_of(utf8), all);
  EXPECT_EQ(utf8.substr(0x80, 3), "€");
}

TEST(TdsText, WhatTheCodePageLacksBecomesQuestionMarks) {
  EXPECT_EQ(narrow_of("a日b🙂c"), "a?b??c");
}

TEST(TdsText, CutsNeverInsideAPair) {
  EXPECT_EQ(first_utf16_units("ab🙂", 3), "ab");
  EXPECT_EQ(first_utf16_units("ab🙂", 4), "ab🙂");
  EXPECT_EQ(first_utf16_units("éé", 1), "é");
}

TEST(TdsText, DecodesByCollation) {
  EXPECT_EQ(utf8_from_collation("\x80", bytes("09 04 D0 00 34")), "€");
  EXPECT_EQ(utf8_from_collation("\x80", bytes("09 04 D0 00 00")), "€");      // Latin1_General_CI_AS
  EXPECT_EQ(utf8_from_collation("\xC3\xA9", bytes("09 04 00 04 00")), "é");  // _UTF8
  EXPECT_EQ(utf8_from_collation("\xC3", bytes("09 04 00 04 00")), std::nullopt);
  EXPECT_EQ(utf8_from_collation("\xC3", bytes("19 04 D0 00 00")), std::nullopt);  // Cyrillic: not known here.
}

}  // namespace
}  // namespace tailrace::sim::tds
