// Defaults of columns: what Debezium takes for one, and what it makes of the rest.
#include <gtest/gtest.h>

#include <optional>

#include "debezium/column_form.h"
#include "debezium/testing/recording.h"
#include "record/decimal.h"

namespace tailrace::debezium {
namespace {

using record::Value;
using testing::type_named;

std::optional<Value> default_in(const std::string& type, const std::string& text,
                                const EventSettings& settings = {}) {
  return column_schema({.name = "c", .type = type_named(type), .fallback = text}, settings)->fallback;
}

std::optional<Value> of_number(std::int64_t n) {
  return Value::integer(n);
}

std::optional<Value> of_text(const char* words) {
  return Value::text(words);
}

TEST(Defaults, OfNumbers) {
  EXPECT_EQ(default_in("int", "((-7))"), of_number(-7));
  EXPECT_EQ(default_in("tinyint", "((255))"), of_number(255));
  EXPECT_EQ(default_in("bigint", "((3147483648.))"), of_number(3147483648));
  EXPECT_EQ(default_in("bit", "((1))"), Value::boolean(true));
  EXPECT_EQ(default_in("bit", "((0))"), Value::boolean(false));
  EXPECT_EQ(default_in("float", "((1.2345000000000000e+003))"), Value::float64(1234.5));
  EXPECT_EQ(default_in("real", "((1.5))"), Value::float32(1.5F));
  EXPECT_EQ(default_in("int", "((2147483648))"), std::nullopt);
  EXPECT_EQ(default_in("int", "(NULL)"), std::nullopt);
  EXPECT_EQ(default_in("int", "((1)+(2))"), std::nullopt);
  EXPECT_EQ(default_in("int", "(next value for [dbo].[s])"), std::nullopt);
  EXPECT_EQ(default_in("int", ""), std::nullopt);
}

TEST(Defaults, OfDecimals) {
  EXPECT_EQ(default_in("decimal(10,4)", "((1.5))"), Value::bytes(record::decimal_bytes(15000)));
  EXPECT_EQ(default_in("money", "((-.25))"), Value::bytes(record::decimal_bytes(-2500)));
  EXPECT_EQ(default_in("decimal(10,1)", "((1.55))"), std::nullopt);
  EXPECT_EQ(default_in("decimal(10,1)", "(NULL)"), std::nullopt);
  EXPECT_EQ(default_in("decimal(10,4)", "((1.5))", {.decimals = DecimalMode::string}), of_text("1.5"));
  EXPECT_EQ(default_in("decimal(10,4)", "((1.5))", {.decimals = DecimalMode::double_}), Value::float64(1.5));
}

TEST(Defaults, OfMoments) {
  EXPECT_EQ(default_in("date", "('1970-01-02')"), of_number(1));
  EXPECT_EQ(default_in("time(3)", "('00:00:01.5')"), of_number(1500));
  EXPECT_EQ(default_in("datetime", "('1970-01-01 00:00:00.001')"), of_number(0));
  EXPECT_EQ(default_in("datetime", "('1970-01-01 00:00:00.002')"), of_number(3));
  EXPECT_EQ(default_in("datetime", "('1970-01-01T00:00:00.006')"), of_number(7));
  EXPECT_EQ(default_in("smalldatetime", "('1970-01-01 00:00:30')"), of_number(60'000));
  EXPECT_EQ(default_in("datetime2(7)", "('1969-12-31 23:59:59.9999999')"), of_number(-100));
  EXPECT_EQ(default_in("datetime2(7)", "('9999-12-31')"), std::nullopt);
  EXPECT_EQ(default_in("datetimeoffset(3)", "('2019-01-01 00:00:00.120+02:00')"),
            of_text("2019-01-01T00:00:00.12+02:00"));
  EXPECT_EQ(default_in("datetime2(0)", "('1970-01-01')", {.times = TimePrecision::isostring}),
            of_text("1970-01-01T00:00:00Z"));
  EXPECT_EQ(default_in("date", "('2019-02-30')"), std::nullopt);
  EXPECT_EQ(default_in("date", "(getdate())"), std::nullopt);
  EXPECT_EQ(default_in("datetime", "('tomorrow')"), std::nullopt);
}

// Parentheses inside of a text are taken for those around it, as Debezium does: the schemas must be the same.
TEST(Defaults, OfTextsAndBytes) {
  EXPECT_EQ(default_in("nvarchar(9)", "(N'Ω')"), of_text("Ω"));
  EXPECT_EQ(default_in("varchar(9)", "('')"), of_text(""));
  EXPECT_EQ(default_in("varchar(9)", "('it''s')"), of_text("it''s"));
  EXPECT_EQ(default_in("varchar(20)", "('a (b) c')"), of_text("b"));
  EXPECT_EQ(default_in("varchar(9)", "(NULL)"), std::nullopt);
  EXPECT_EQ(default_in("uniqueidentifier", "(newid())"), std::nullopt);
  EXPECT_EQ(default_in("varbinary(9)", "(0x01Ff)"), Value::bytes("\x01\xff"));
  EXPECT_EQ(default_in("varbinary(9)", "(0x01Ff)", {.binary = BinaryMode::hex}), of_text("01ff"));
  EXPECT_EQ(default_in("varbinary(9)", "(0x1)"), std::nullopt);
}

}  // namespace
}  // namespace tailrace::debezium
