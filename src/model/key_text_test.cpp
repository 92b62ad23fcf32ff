// key_text: lossless at the borders of each kind.
#include "model/key_text.h"

#include <gtest/gtest.h>

#include <functional>

namespace tailrace {
namespace {

std::string text_of(ColumnType type, const std::function<void(Cell&)>& fill) {
  auto schema = std::make_shared<TableSchema>();
  schema->columns = {{"k", type, false, ""}};
  schema->key = {0};
  RowBatch batch(schema);
  fill(batch.put(batch.add_row({}), 0));
  return key_of(batch, 0).front();
}

TEST(KeyText, DecimalsKeepScaleAndSign) {
  EXPECT_EQ(decimal_text(0, 0), "0");
  EXPECT_EQ(decimal_text(-5, 2), "-0.05");
  EXPECT_EQ(decimal_text(150, 2), "1.50");
  int128 largest = 0;
  for (int i = 0; i < 38; ++i)
    largest = largest * 10 + 9;
  EXPECT_EQ(decimal_text(-largest, 38), "-0." + std::string(38, '9'));
  EXPECT_EQ(text_of({TypeKind::money}, [](Cell& c) { c.decimal = INT64_MIN; }), "-922337203685477.5808");
}

TEST(KeyText, TimesKeepAllSevenDigits) {
  EXPECT_EQ(timestamp_text(0), "0001-01-01T00:00:00.0000000");
  EXPECT_EQ(timestamp_text(3155378975999999999), "9999-12-31T23:59:59.9999999");
  EXPECT_EQ(date_text(3652058), "9999-12-31");
  EXPECT_EQ(text_of({TypeKind::time, 0, 0, 7}, [](Cell& c) { c.integer = 863999999999; }),
            "23:59:59.9999999");
}

TEST(KeyText, OffsetsShowLocalTime) {
  const auto fill = [](Cell& c) {
    c.offset_time.ticks = 864000000000;
    c.offset_time.minutes = -90;
  };
  EXPECT_EQ(text_of({TypeKind::datetimeoffset, 0, 0, 7}, fill), "0001-01-01T22:30:00.0000000-01:30");
}

}  // namespace
}  // namespace tailrace
