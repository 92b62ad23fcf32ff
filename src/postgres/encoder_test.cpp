// Encoders: the bytes of numerics, cut timestamps, and what is refused.
#include "postgres/encoder.h"

#include <gtest/gtest.h>

namespace tailrace::postgres {
namespace {

SchemaPtr one_column(ColumnType type) {
  auto schema = std::make_shared<TableSchema>();
  schema->columns = {{"c", type, true, ""}};
  schema->key = {0};
  return schema;
}

std::string hex(const WireBuffer& buffer) {
  std::string out;
  for (const char c : buffer.view()) {
    constexpr const char* digits = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string encoded(ColumnType type, PgType target, const std::function<void(Cell&)>& fill) {
  RowBatch batch(one_column(type));
  batch.add_row({});
  fill(batch.put(0, 0));
  WireBuffer out;
  FieldEncoder(batch.schema().columns[0], target).encode(out, batch, 0, 0);
  return hex(out);
}

std::string numeric(int128 unscaled, int scale) {
  const ColumnType type{TypeKind::decimal, 0, 38, static_cast<std::uint8_t>(scale)};
  return encoded(type, created_type(type, {}), [&](Cell& cell) { cell.decimal = unscaled; });
}

TEST(Encoder, NumericGroupsAlignAtThePoint) {
  // 1.50: groups 1 and 5000, weight 0, scale 2.
  EXPECT_EQ(numeric(150, 2),
            "0000000c00020000000000020001"
            "1388");
  EXPECT_EQ(numeric(-150, 2),
            "0000000c00020000400000020001"
            "1388");
  EXPECT_EQ(numeric(0, 3), "000000080000000000000003");
  EXPECT_EQ(numeric(10'000, 0), "0000000a00010001000000000001");
  // 0.0001 and 0.00000001: weights -1 and -2.
  EXPECT_EQ(numeric(1, 4), "0000000a0001ffff000000040001");
  EXPECT_EQ(numeric(1, 8), "0000000a0001fffe000000080001");
}

// A datetime2(7) of 9999 must not become year 10000, and a coarser target must not round either.
TEST(Encoder, CutsDigitsOfTime) {
  const ColumnType type{TypeKind::datetime2, 0, 27, 7};
  constexpr std::int64_t last = 3155378975999999999;
  EXPECT_EQ(encoded(type, {oid_timestamp, 6}, [](Cell& cell) { cell.integer = last; }),
            "000000080380e70b913b7fff");
  const ColumnType time{TypeKind::time, 0, 16, 7};
  EXPECT_EQ(encoded(time, {oid_time, 6}, [](Cell& cell) { cell.integer = 863'999'999'999; }),
            "00000008000000141dd75fff");
}

TEST(Encoder, RefusesATypeThatWouldLose) {
  const Column column{"c", {TypeKind::bigint, 0, 0, 0}, true, ""};
  EXPECT_THROW(FieldEncoder(column, {oid_int4, -1}), Error);
  EXPECT_THROW(FieldEncoder(column, {oid_timestamp, -1}), Error);
}

// -0 and 0 are one key to the target.
TEST(Encoder, KeysOfZeroAreEqual) {
  RowBatch batch(one_column({TypeKind::float_, 0, 53, 0}));
  const FieldEncoder encoder(batch.schema().columns[0], {oid_float8, -1});
  batch.add_row({});
  batch.add_row({});
  batch.put(0, 0).float64 = 0.0;
  batch.put(1, 0).float64 = -0.0;
  WireBuffer plain[2];
  WireBuffer keys[2];
  for (std::size_t row = 0; row < 2; ++row) {
    encoder.encode(plain[row], batch, row, 0);
    encoder.encode_key(keys[row], batch, row, 0);
  }
  EXPECT_NE(plain[0].view(), plain[1].view());
  EXPECT_EQ(keys[0].view(), keys[1].view());
}

}  // namespace
}  // namespace tailrace::postgres
