// Error: the kind is the answer, the context goes along.
#include "base/error.h"

#include <gtest/gtest.h>

namespace tailrace {
namespace {

TEST(Error, CarriesKindMessageAndContext) {
  const Error error = Error(ErrorKind::gap, "changes are gone").with("table", "dbo.t").with("hint", "a b");
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("table"), "dbo.t");
  EXPECT_EQ(error.context("none"), "");
  EXPECT_STREQ(error.what(), "changes are gone table=dbo.t hint=\"a b\"");
}

// Scripts of users branch on these numbers.
TEST(Error, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::config)), 2);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::auth)), 3);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::unavailable)), 4);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::conflict)), 4);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::data)), 5);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::schema)), 6);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::gap)), 7);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::protocol)), 8);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::fenced)), 9);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::internal)), 70);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::abandoned)), 130);
}

TEST(Error, AssertionsThrowInternal) {
  try {
    TAILRACE_ASSERT(1 + 1 == 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

}  // namespace
}  // namespace tailrace
