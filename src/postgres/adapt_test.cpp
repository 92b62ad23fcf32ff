// What the target's columns make of types that records leave open.
#include "postgres/adapt.h"

#include <gtest/gtest.h>

namespace tailrace::postgres {
namespace {

constexpr ColumnType open_text{TypeKind::nvarchar, -1};

ColumnType digits(TypeKind kind, int scale) {
  return {kind, 0, 0, static_cast<std::uint8_t>(scale)};
}

// Connect says string for all of them.
TEST(R10_Adapted, TextBecomesWhatTheColumnIs) {
  EXPECT_EQ(adapted_type(open_text, {oid_uuid, -1}).sql_name(), "uniqueidentifier");
  EXPECT_EQ(adapted_type(open_text, {oid_xml, -1}).sql_name(), "xml");
  EXPECT_EQ(adapted_type(open_text, {oid_varchar, 50 + 4}).sql_name(), "nvarchar(50)");
  EXPECT_EQ(adapted_type(open_text, {oid_bpchar, 5 + 4}).sql_name(), "nchar(5)");
  EXPECT_EQ(adapted_type(open_text, {oid_numeric, (10 << 16 | 2) + 4}).sql_name(), "decimal(10,2)");
  EXPECT_EQ(adapted_type(open_text, {oid_text, -1}).sql_name(), "nvarchar(max)");
  EXPECT_EQ(adapted_type(open_text, {oid_int4, -1}).sql_name(), "nvarchar(max)");  // To be refused by name.
}

// Milliseconds are all that is known of datetime, smalldatetime and datetime2(0).
TEST(R10_Adapted, DigitsOfASecondAreTheColumns) {
  EXPECT_EQ(adapted_type(digits(TypeKind::datetime2, 3), {oid_timestamp, 0}).sql_name(), "datetime2(0)");
  EXPECT_EQ(adapted_type(digits(TypeKind::datetime2, 3), {oid_timestamp, 6}).sql_name(), "datetime2(3)");
  EXPECT_EQ(adapted_type(digits(TypeKind::datetime2, 7), {oid_timestamp, 6}).sql_name(), "datetime2(7)");
  EXPECT_EQ(adapted_type(digits(TypeKind::time, 6), {oid_time, 5}).sql_name(), "time(5)");
  EXPECT_EQ(adapted_type(digits(TypeKind::datetimeoffset, 7), {oid_timestamptz, 0}).sql_name(),
            "datetimeoffset(0)");
}

// A decimal that says its precision is what it says: a column that is too narrow is refused.
TEST(R10_Adapted, WhatIsSaidIsNotAdapted) {
  const PgType narrow{oid_numeric, (10 << 16 | 2) + 4};
  EXPECT_EQ(adapted_type({TypeKind::decimal, 0, 38, 2}, narrow).sql_name(), "decimal(10,2)");
  EXPECT_EQ(adapted_type({TypeKind::decimal, 0, 19, 2}, narrow).sql_name(), "decimal(19,2)");
  EXPECT_EQ(adapted_type({TypeKind::nvarchar, 80}, {oid_varchar, 50 + 4}).sql_name(), "nvarchar(80)");
  EXPECT_EQ(adapted_type({TypeKind::bigint}, {oid_int4, -1}).sql_name(), "bigint");
}

}  // namespace
}  // namespace tailrace::postgres
