// Names as Avro takes them.
#include <gtest/gtest.h>

#include "debezium/names.h"

namespace tailrace::debezium {
namespace {

// A registry has the subject's earlier schemas under Debezium's names.
TEST(Names, UnderscoresStandForWhatAvroHasNot) {
  const NameAdjustment mode = NameAdjustment::avro;
  EXPECT_EQ(adjusted_schema_name("shop-1.dbo.größe.Value", mode), "shop_1.dbo.gr__e.Value");
  EXPECT_EQ(adjusted_schema_name("1shop", mode), "_1shop");
  EXPECT_EQ(adjusted_field_name("a.b", mode), "a_b");
  EXPECT_EQ(adjusted_field_name("9 lives", mode), "_9_lives");
  EXPECT_EQ(adjusted_field_name("_ok", mode), "_ok");
  EXPECT_EQ(adjusted_field_name("\U0001F642", mode), "__");
  EXPECT_EQ(adjusted_field_name("", mode), "");
}

TEST(Names, NumbersStandForWhatAvroHasNot) {
  const NameAdjustment mode = NameAdjustment::avro_unicode;
  EXPECT_EQ(adjusted_schema_name("a-b.größe", mode), "a_u002db.gr_u00f6_u00dfe");
  EXPECT_EQ(adjusted_field_name("1_Ω日\t", mode), "_u0031_u005f_u3a9_u65e5_u009");
}

TEST(Names, StayAsTheyAreWhereNothingIsAdjusted) {
  EXPECT_EQ(adjusted_schema_name("größe-1.x", NameAdjustment::none), "größe-1.x");
  EXPECT_EQ(adjusted_field_name("a b", NameAdjustment::none), "a b");
}

}  // namespace
}  // namespace tailrace::debezium
