// Encodings: boundary values come back exactly, and SQLite's order is SQL Server's.
#include "sim/storage/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

Value number(Type type, std::int64_t n, std::int16_t offset = 0) {
  Value value;
  value.type.type = type;
  value.null = false;
  value.number = n;
  value.offset_minutes = offset;
  return value;
}

Value decimal(std::uint8_t precision, int128 unscaled) {
  Value value;
  value.type = {.type = Type::decimal, .length = precision > 18 ? 17 : 9, .precision = precision, .scale = 2};
  value.null = false;
  value.decimal = unscaled;
  return value;
}

Value real(double x) {
  Value value;
  value.type.type = Type::float_;
  value.null = false;
  value.real = x;
  return value;
}

Value bytes(Type type, std::string text) {
  Value value;
  value.type.type = type;
  value.null = false;
  value.text = std::move(text);
  return value;
}

int128 power_of_ten(int n) {
  int128 out = 1;
  for (int i = 0; i < n; ++i)
    out *= 10;
  return out;
}

struct Store {
  Connection connection{":memory:"};
  Store() { connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)"); }
  Value through(const Value& value, bool literal) {
    if (literal) {
      connection.execute("INSERT INTO t(v) VALUES(" + sqlite_literal(value.type, cell_of(value)) + ")");
    } else {
      connection.prepare("INSERT INTO t(v) VALUES(?)").bind(1, value).run();
    }
    Statement read = connection.prepare("SELECT v FROM t ORDER BY id DESC LIMIT 1");
    EXPECT_TRUE(read.next());
    RowReader reader({value.type});
    std::vector<Cell> cells;
    reader.read(read, cells);
    return value_of(value.type, cells[0]);
  }
};

void expect_same(const Value& a, const Value& b) {
  EXPECT_EQ(a.null, b.null);
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.offset_minutes, b.offset_minutes);
  EXPECT_TRUE(a.decimal == b.decimal);
  EXPECT_EQ(a.real, b.real);
  EXPECT_EQ(std::signbit(a.real), std::signbit(b.real));
  EXPECT_EQ(a.text, b.text);
}

std::vector<std::vector<Value>> ascending() {
  const auto min = std::numeric_limits<std::int64_t>::min();
  const auto max = std::numeric_limits<std::int64_t>::max();
  const std::string low_guid("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01", 16);
  const std::string high_guid("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", 16);
  return {
      {number(Type::bit, 0), number(Type::bit, 1)},
      {number(Type::tinyint, 0), number(Type::tinyint, 255)},
      {number(Type::bigint, min), number(Type::bigint, -1), number(Type::bigint, 0),
       number(Type::bigint, max)},
      {decimal(18, -999999999999999999), decimal(18, 0), decimal(18, 999999999999999999)},
      {decimal(38, 1 - power_of_ten(38)), decimal(38, -1), decimal(38, 0), decimal(38, 1),
       decimal(38, power_of_ten(38) - 1)},
      {real(-std::numeric_limits<double>::max()), real(-1.5), real(std::numeric_limits<double>::denorm_min()),
       real(0.1), real(3.0), real(std::numeric_limits<double>::max())},
      {number(Type::date, 0), number(Type::date, 3652058)},
      {number(Type::datetime, -15926400000LL), number(Type::datetime, 2),
       number(Type::datetime, 919549900799LL)},
      {number(Type::datetime2, 0), number(Type::datetime2, 3155378975999999999LL)},
      {number(Type::datetimeoffset, 0, -840), number(Type::datetimeoffset, 600000000, 840),
       number(Type::datetimeoffset, 3155378975999999999LL, 0)},
      {bytes(Type::varbinary, ""), bytes(Type::varbinary, std::string("\0", 1)),
       bytes(Type::varbinary, "\xff")},
      {bytes(Type::uniqueidentifier, low_guid), bytes(Type::uniqueidentifier, high_guid)},
      {bytes(Type::nvarchar, ""), bytes(Type::nvarchar, std::string("a\0b'c", 5)),
       bytes(Type::nvarchar, "\xed\xa0\x80"), bytes(Type::nvarchar, "\xf0\x9f\x98\x80")},
  };
}

TEST(Codec, EveryValueComesBackBoundAndAsLiteral) {
  Store store;
  for (const std::vector<Value>& values : ascending()) {
    for (const Value& value : values) {
      expect_same(value, store.through(value, false));
      expect_same(value, store.through(value, true));
    }
  }
  expect_same(real(-0.0), store.through(real(-0.0), false));
  expect_same(real(-0.0), store.through(real(-0.0), true));
  Value null;
  null.type.type = Type::uniqueidentifier;
  EXPECT_TRUE(store.through(null, false).null);
}

// Without it, ORDER BY and keyset predicates over decimals, GUIDs and offsets would answer wrongly.
TEST(Codec, StoredOrderIsTheOrderOfValues) {
  for (const std::vector<Value>& values : ascending()) {
    Store store;
    for (std::size_t i = values.size(); i-- > 0;) {
      store.connection.prepare("INSERT INTO t VALUES(?, ?)")
          .bind(1, static_cast<std::int64_t>(i))
          .bind(2, values[i])
          .run();
    }
    Statement read = store.connection.prepare("SELECT id FROM t ORDER BY v");
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_TRUE(read.next());
      EXPECT_EQ(read.number(0), static_cast<std::int64_t>(i));
    }
  }
}

TEST(Codec, GuidOrderIsThatOfSqlServer) {
  // From SQL Server's documentation of ordering: the last six bytes decide first.
  const std::string wire("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  EXPECT_EQ(encode_guid(wire),
            std::string("\xaa\xbb\xcc\xdd\xee\xff\x88\x99\x77\x66\x55\x44\x33\x22\x11\x00", 16));
  EXPECT_EQ(decode_guid(encode_guid(wire)), wire);
}

}  // namespace
}  // namespace tailrace::sim
