// Lsn: order, text forms, refusals.
#include "model/lsn.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tailrace {
namespace {

TEST(Lsn, ReadsItsTextForms) {
  const Lsn lsn = Lsn::parse("0x00000027000007580003");
  EXPECT_EQ(lsn, Lsn::parse("00000027:00000758:0003"));
  EXPECT_EQ(lsn, Lsn::parse("00000027000007580003"));
  EXPECT_EQ(lsn.hex(), "00000027000007580003");
}

// The order is that of the bytes: a signed comparison would put 0x80.. before 0x7F.. and skip changes.
TEST(Lsn, OrdersByUnsignedBytes) {
  EXPECT_LT(Lsn::parse("7f000000000000000000"), Lsn::parse("80000000000000000000"));
  EXPECT_LT(Lsn::parse("000000000000000000ff"), Lsn::parse("00000000000000000100"));
}

TEST(Lsn, RefusesOtherText) {
  for (const char* bad :
       {"", "0x", "0000002700000758000", "0000002700000758000g", "00000027-00000758-0003"}) {
    EXPECT_THROW(Lsn::parse(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace tailrace
