// Code page 1252 as it is decoded here.
#include "sqlserver/code_page.h"

#include <gtest/gtest.h>

namespace tailrace::sqlserver {
namespace {

std::string decoded(std::string_view bytes, bool* zero = nullptr) {
  std::string out = "before ";
  const TextFaults faults =
      append_utf8_from_western(out, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
  EXPECT_FALSE(faults.lone_surrogate || faults.odd_length);
  if (zero != nullptr) *zero = faults.zero;
  EXPECT_EQ(out.substr(0, 7), "before ");
  return out.substr(7);
}

TEST(CodePage, EveryByteIsItsCharacter) {
  EXPECT_EQ(decoded(""), "");
  for (int byte = 1; byte < 0x80; ++byte)
    EXPECT_EQ(decoded(std::string(1, static_cast<char>(byte))), std::string(1, static_cast<char>(byte)));
  EXPECT_EQ(decoded("\x80\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8B\x8C\x8E"), "€‚ƒ„…†‡ˆ‰Š‹ŒŽ");
  EXPECT_EQ(decoded("\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9A\x9B\x9C\x9E\x9F"), "‘’“”•–—˜™š›œžŸ");
  // The server's conversion leaves no byte without a character.
  EXPECT_EQ(decoded("\x81\x8D\x8F\x90\x9D"), "\xC2\x81\xC2\x8D\xC2\x8F\xC2\x90\xC2\x9D");
  for (int byte = 0xA0; byte <= 0xFF; ++byte) {
    const std::string expected{static_cast<char>(0xC0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3F))};
    EXPECT_EQ(decoded(std::string(1, static_cast<char>(byte))), expected) << byte;
  }
}

// Eight bytes are looked at together: what is no ASCII must be seen at every place among them, and behind them.
TEST(CodePage, StretchesOfAsciiEndWhereTheyEnd) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string bytes(size, 'x');
      bytes[at] = '\xFC';
      EXPECT_EQ(decoded(bytes), std::string(at, 'x') + "ü" + std::string(size - at - 1, 'x'));
      bytes[at] = '\0';
      bool zero = false;
      EXPECT_EQ(decoded(bytes, &zero), bytes);
      EXPECT_TRUE(zero) << size << " " << at;
      bytes[at] = '\x01';  // One below it is a zero.
      EXPECT_EQ(decoded(bytes, &zero), bytes);
      EXPECT_FALSE(zero);
    }
  }
}

// A collation that is taken for a western one and is none would give other letters without any error.
TEST(CodePage, OnlyCertainCollationsAreWestern) {
  for (const char* const name : {"Latin1_General_CI_AS", "Latin1_General_BIN2", "Latin1_General_100_CI_AS_SC",
                                 "SQL_Latin1_General_CP1_CI_AS"})
    EXPECT_TRUE(is_western(std::string_view(name))) << name;
  for (const char* const name :
       {"", "Latin1_General_100_CI_AS_SC_UTF8", "Latin1_General_100_BIN2_UTF8",
        "SQL_Latin1_General_CP437_CI_AS", "SQL_Latin1_General_CP850_BIN", "SQL_Latin1_General_CP1250_CI_AS",
        "SQL_Latin1_General_CP1251_CS_AS", "Greek_CI_AS", "Japanese_CI_AS", "Cyrillic_General_CI_AS",
        "SQL_Latin1_General_Pref_CP850_CI_AS"})
    EXPECT_FALSE(is_western(std::string_view(name))) << name;
}

TEST(CodePage, TheServersOwnWordIsHeldAgainstTheName) {
  EXPECT_TRUE(is_western(tds::Collation{0x00D00409, 52}));   // SQL_Latin1_General_CP1_CI_AS
  EXPECT_TRUE(is_western(tds::Collation{0x00D00409, 0}));    // Latin1_General_CI_AS
  EXPECT_FALSE(is_western(tds::Collation{0x04D00409, 0}));   // ... with UTF-8
  EXPECT_FALSE(is_western(tds::Collation{0x00D00409, 32}));  // SQL_Latin1_General_CP437_CI_AS
  EXPECT_FALSE(is_western(tds::Collation{0x00D00408, 0}));   // Greek_CI_AS
  EXPECT_FALSE(is_western(tds::Collation{}));
}

}  // namespace
}  // namespace tailrace::sqlserver
