// UTF-16LE <-> UTF-8 over the borders of the encoding.
#include "base/utf.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace {
namespace {

std::string utf8_of(std::u16string_view text, TextFaults* faults = nullptr) {
  std::string out;
  const TextFaults seen = append_utf8_from_utf16le(out, std::as_bytes(std::span(text.data(), text.size())));
  if (faults != nullptr) *faults = seen;
  return out;
}

TEST(Utf, TakesEveryLengthBothWays) {
  const std::u16string text = u"aé€𝄞\u07FF\u0800\uFFFF\U00010000\U0010FFFF";
  const std::string utf8 = utf8_of(text);
  EXPECT_EQ(utf8, "aé€𝄞\u07FF\u0800\uFFFF\U00010000\U0010FFFF");
  const std::string back = utf16le_from_utf8(utf8);
  EXPECT_EQ(back, std::string(reinterpret_cast<const char*>(text.data()), text.size() * 2));
}

// PostgreSQL takes neither; silence here would be an altered row.
TEST(Utf, ReportsLoneSurrogatesAndZero) {
  TextFaults faults;
  const char16_t high_alone[] = {u'a', 0xD800, u'b', 0};
  EXPECT_EQ(utf8_of(high_alone, &faults),
            "a\xED\xA0\x80"
            "b");
  EXPECT_TRUE(faults.lone_surrogate);
  const char16_t low_at_end[] = {u'a', 0xDC00, 0};
  utf8_of(low_at_end, &faults);
  EXPECT_TRUE(faults.lone_surrogate);
  EXPECT_EQ(utf8_of(std::u16string_view(u"a\0b", 3), &faults), std::string("a\0b", 3));
  EXPECT_TRUE(faults.zero);
  EXPECT_FALSE(faults.lone_surrogate);
}

// Runs of ASCII go four at a time: what is none must be seen at every place of every length.
TEST(Utf, SeesEveryUnitOfALongText) {
  for (std::size_t length = 0; length <= 21; ++length) {
    for (std::size_t place = 0; place <= length; ++place) {
      for (const char16_t odd : {u'z', u'\0', u'\u0080', u'é', u'€', u'\xDC00', u'\x7F', u'\x100'}) {
        std::u16string text(length, u'a');
        std::string expected(length, 'a');
        if (place < length) {
          text[place] = odd;
          std::string one;
          append_utf8_from_utf16le(one, std::as_bytes(std::span(&odd, 1)));
          expected.replace(place, 1, one);
        }
        TextFaults faults;
        EXPECT_EQ(utf8_of(text, &faults), expected) << length << " " << place;
        EXPECT_EQ(faults.zero, place < length && odd == u'\0');
        EXPECT_EQ(faults.lone_surrogate, place < length && odd == u'\xDC00');
      }
    }
  }
}

TEST(Utf, RefusesWhatIsNotUtf8) {
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xF0\x80\x80\x80"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
    EXPECT_THROW(utf16le_from_utf8(bad), Error) << bad;
  }
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_TRUE(is_valid_utf8("aé€𝄞"));
}

}  // namespace
}  // namespace tailrace
