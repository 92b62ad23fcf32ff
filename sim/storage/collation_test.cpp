// Collations: case, trailing blanks, binary order, and their use by SQLite's indexes.
#include "sim/storage/collation.h"

#include <gtest/gtest.h>

#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

constexpr CollationKind ci = CollationKind::ignore_case;
constexpr CollationKind cs = CollationKind::match_case;
constexpr CollationKind bin = CollationKind::binary;

TEST(Collation, CaseAndTrailingBlanks) {
  EXPECT_EQ(compare_text(ci, "Straße", "sTRAßE  "), 0);
  EXPECT_EQ(compare_text(ci, "ÄÖÜ", "äöü"), 0);
  EXPECT_EQ(compare_text(ci, "ЖУК", "жук"), 0);
  EXPECT_NE(compare_text(ci, "e", "é"), 0);
  EXPECT_LT(compare_text(ci, "a", "b"), 0);
  EXPECT_GT(compare_text(ci, "a", "a\t"), 0);
  EXPECT_LT(compare_text(cs, "a", "A"), 0);
  EXPECT_LT(compare_text(cs, "A", "b"), 0);
  EXPECT_EQ(compare_text(cs, "a", "a "), 0);
  EXPECT_LT(compare_text(bin, "A", "a"), 0);
  EXPECT_EQ(compare_text(bin, "A", "A "), 0);
  // U+10000 is D800 DC00 in UTF-16, before U+E000.
  EXPECT_LT(compare_text(bin, "\xf0\x90\x80\x80", "\xee\x80\x80"), 0);
}

TEST(Collation, KnownNames) {
  CollationKind kind{};
  EXPECT_TRUE(find_collation("SQL_Latin1_General_CP1_CI_AS", kind));
  EXPECT_EQ(kind, ci);
  EXPECT_TRUE(find_collation("latin1_general_bin2", kind));
  EXPECT_EQ(kind, bin);
  EXPECT_TRUE(find_collation("Latin1_General_100_CS_AS_SC_UTF8", kind));
  EXPECT_EQ(kind, cs);
  EXPECT_FALSE(find_collation("nonsense", kind));
}

TEST(Collation, IndexesUseIt) {
  Connection connection(":memory:");
  connection.execute(
      "CREATE TABLE t(c1 COLLATE \"Latin1_General_CI_AS\", PRIMARY KEY(c1)) WITHOUT ROWID;"
      "INSERT INTO t VALUES('Ab')");
  EXPECT_EQ(connection.prepare("INSERT INTO t VALUES('aB ')").step(), Step::unique);
  EXPECT_EQ(connection.single_number("SELECT count(*) FROM t WHERE c1 = 'AB'"), 1);
}

}  // namespace
}  // namespace tailrace::sim
