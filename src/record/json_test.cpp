// JSON's edges: numbers and texts as Java writes them, what is no envelope, what does not fit its schema.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "record/connect_json.h"
#include "record/decimal.h"
#include "record/json_text.h"
#include "record/testing/samples.h"
#include "record/wire_format.h"

namespace tailrace::record {
namespace {

void expect_kind(ErrorKind kind, const std::function<void()>& act, const std::string& what) {
  try {
    act();
    ADD_FAILURE() << "nothing was thrown: " << what;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << what << ": " << error.what();
  }
}

void expect_unfit(const SchemaPtr& schema, const std::string& json, ErrorKind kind = ErrorKind::protocol) {
  expect_kind(
      kind, [&] { value_of_json(*schema, parse_json(json)); }, json);
}

TEST(JsonTree, NumbersKeepTheirDigits) {
  EXPECT_EQ(parse_json("99999999999999999999999999999999999999").text,
            "99999999999999999999999999999999999999");
  EXPECT_EQ(parse_json("1.10").text, "1.10");
  EXPECT_EQ(parse_json("-9223372036854775808").integer(), INT64_MIN);
  EXPECT_EQ(parse_json("9223372036854775808").integer(), std::nullopt);
  EXPECT_EQ(parse_json("1.0").integer(), std::nullopt);
}

// The parser's own message quotes what it read, which may be a row's value.
TEST(JsonTree, WhatIsNoJsonIsRefusedWithoutQuotingIt) {
  for (const std::string text : {"", "{", "[1,]", "\"secret", "{\"secret\":}", "\xff", "nul", "1 2"}) {
    try {
      parse_json(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::protocol);
      EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("secret")));
    }
  }
  expect_kind(
      ErrorKind::protocol, [] { parse_json(std::string(100'000, '[')); }, "deep");
}

TEST(JsonEnvelope, WhatIsNoneIsRefused) {
  for (const char* const text :
       {"1", "{}", R"({"schema":null})", R"({"schema":null,"payload":1,"more":2})",
        R"({"schema":{},"payload":1})", R"({"schema":{"type":"int"},"payload":1})",
        R"({"schema":{"type":"array"},"payload":[]})", R"({"schema":{"type":"struct"},"payload":{}})",
        R"({"schema":{"type":"struct","fields":[{"type":"int32"}]},"payload":{}})",
        R"({"schema":{"type":"int8","default":300},"payload":1})"}) {
    expect_kind(
        ErrorKind::protocol, [&] { parse_json_envelope(text); }, text);
  }
  const SchemaAndValue without =
      parse_json_envelope(R"({"schema":null,"payload":{"a":[1,1.5,null,"x",true]}})");
  EXPECT_EQ(without.schema, nullptr);
  EXPECT_EQ(without.value,
            Value::map({{Value::text("a"), Value::list({Value::integer(1), Value::float64(1.5), Value(),
                                                        Value::text("x"), Value::boolean(true)})}}));
}

// Java would cut 300 to 44 silently: a value that does not fit is none.
TEST(JsonValue, WhatDoesNotFitIsRefused) {
  expect_unfit(schema_of(SchemaType::int8), "300");
  expect_unfit(schema_of(SchemaType::int32), "2147483648");
  expect_unfit(schema_of(SchemaType::int64), "9223372036854775808");
  expect_unfit(schema_of(SchemaType::int32), "1.0");
  expect_unfit(schema_of(SchemaType::int32), "\"1\"");
  expect_unfit(schema_of(SchemaType::int32), "null");
  expect_unfit(schema_of(SchemaType::boolean), "1");
  expect_unfit(schema_of(SchemaType::string), "1");
  expect_unfit(schema_of(SchemaType::float64), "\"1.5\"");
  expect_unfit(schema_of(SchemaType::bytes), "\"a\"");
  expect_unfit(schema_of(SchemaType::bytes), "\"!!!!\"");
  expect_unfit(struct_of("R", {}), "[]");
  expect_unfit(array_of(schema_of(SchemaType::int32)), "{}");
  expect_unfit(map_of(schema_of(SchemaType::int32), schema_of(SchemaType::int32)), "[[1]]");
  expect_unfit(decimal_schema(2, 10), "1.234", ErrorKind::data);
}

TEST(JsonValue, MissingFieldIsItsDefaultOrNull) {
  const SchemaPtr schema = struct_of(
      "R", {{"a", make_schema({.type = SchemaType::int32, .optional = true, .fallback = Value::integer(7)})},
            {"b", optional_of(SchemaType::int32)}});
  EXPECT_EQ(value_of_json(*schema, parse_json("{}")), Value::list({Value::integer(7), Value()}));
  EXPECT_EQ(value_of_json(*schema, parse_json(R"({"a":null})")), Value::list({Value(), Value()}));
  EXPECT_EQ(value_of_json(*schema, parse_json(R"({"a":null})"), NullPolicy::replace_by_default),
            Value::list({Value::integer(7), Value()}));
  expect_unfit(struct_of("R", {{"a", schema_of(SchemaType::int32)}}), "{}");
}

TEST(JsonWriter, ObjectsEndWhereTheyEnd) {
  const SchemaPtr inner =
      optional_of(struct_of("I", {{"x", optional_of(SchemaType::int32)}, {"e", struct_of("E", {})}}));
  const SchemaPtr schema = struct_of("R", {{"list", array_of(inner)}, {"last", inner}});
  const Value full = Value::list({Value::integer(1), Value::list({})});
  EXPECT_EQ(testing::json_of(*schema, Value::list({Value::list({full, Value(), full}), full}),
                             DecimalFormat::base64),
            R"({"list":[{"x":1,"e":{}},null,{"x":1,"e":{}}],"last":{"x":1,"e":{}}})");
  EXPECT_EQ(testing::json_of(*schema, Value::list({Value::list({}), Value()}), DecimalFormat::base64),
            R"({"list":[],"last":null})");
}

TEST(Base64, EveryLengthAndWhatIsNone) {
  testing::Samples samples(4711);
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = samples.bytes(20);
    ByteBuffer out;
    put_base64(out, bytes);
    std::string again;
    ASSERT_TRUE(decode_base64(out.view(), again));
    ASSERT_EQ(again, bytes);
  }
  std::string out;
  EXPECT_TRUE(decode_base64("AQI", out));  // Padding may be missing.
  EXPECT_EQ(out, "\1\2");
  for (const char* const text : {"A", "AAAAA", "A===", "AA=A", "AA A", "\xff\xff\xff\xff"})
    EXPECT_FALSE(decode_base64(text, out)) << text;
}

TEST(Decimal, EdgesOfEveryLength) {
  for (int bit = 0; bit < 127; ++bit) {
    const int128 power = int128{1} << bit;
    for (const int128 number : {power, -power, power - 1, power + (power - 1), -power - (power - 1)}) {
      const std::string bytes = decimal_bytes(number);
      ASSERT_EQ(decimal_number(bytes), number);
      // As short as it can be.
      const bool could_be_shorter =
          bytes.size() > 1 && ((bytes[0] == 0 && bytes[1] >= 0) || (bytes[0] == -1 && bytes[1] < 0));
      ASSERT_FALSE(could_be_shorter) << bit;
      ASSERT_EQ(decimal_bytes_of_text(decimal_text(bytes, 7), 7), bytes);
    }
  }
  EXPECT_EQ(decimal_number(""), std::nullopt);
  EXPECT_EQ(decimal_number(std::string(20, '\xff')), -1);
  EXPECT_EQ(decimal_number('\1' + std::string(16, '\0')), std::nullopt);
  EXPECT_EQ(decimal_number('\x80' + std::string(15, '\0')), static_cast<int128>(uint128{1} << 127));
}

TEST(Decimal, TextsThatAreNone) {
  for (const char* const text :
       {"", "-", ".", "1.2.3", "1e", "1e999999", "0x10", "1.23", "1e2000000000000000000000"})
    expect_kind(
        ErrorKind::data, [&] { decimal_bytes_of_text(text, 1); }, text);
  EXPECT_EQ(decimal_bytes_of_text("1.500", 1), decimal_bytes(15));
  EXPECT_EQ(decimal_bytes_of_text("1.5E+2", 1), decimal_bytes(1500));
  EXPECT_EQ(decimal_bytes_of_text("-0.000", 1), decimal_bytes(0));
  EXPECT_EQ(decimal_bytes_of_text("0e-50", 1), decimal_bytes(0));
  expect_kind(
      ErrorKind::data, [] { decimal_text(std::string(5'000, '\1'), 0); }, "long");
}

TEST(WireFormat, FrameAndWhatIsNone) {
  ByteBuffer out;
  put_frame(out, 0x01020304);
  out.put_bytes("value");
  EXPECT_EQ(testing::hex(out.view().substr(0, 5)), "0001020304");
  EXPECT_EQ(parse_frame(out.view()).schema_id, 0x01020304);
  EXPECT_EQ(parse_frame(out.view()).value, "value");
  for (const std::string& bytes : {std::string(), std::string("\0\0\0\0", 4), std::string("{\"a\":1}")})
    expect_kind(
        ErrorKind::protocol, [&] { parse_frame(bytes); }, bytes);
}

TEST(Schema, WhatIsNoSchemaIsNotMade) {
  const SchemaPtr number = schema_of(SchemaType::int32);
  EXPECT_TRUE(fault_of({.type = SchemaType::struct_, .fields = {{"a", number}, {"a", number}}}));
  EXPECT_TRUE(fault_of({.type = SchemaType::array}));
  EXPECT_TRUE(fault_of({.type = SchemaType::map, .element = number}));
  EXPECT_TRUE(fault_of({.type = SchemaType::int32, .element = number}));
  EXPECT_TRUE(fault_of({.type = SchemaType::int32, .optional = true, .fallback = Value()}));
  EXPECT_TRUE(fault_of({.type = SchemaType::int8, .fallback = Value::integer(128)}));
  SchemaPtr deep = number;
  while (!fault_of({.type = SchemaType::array, .element = deep}))
    deep = array_of(deep);
  EXPECT_FALSE(fault_of(*deep));
}

TEST(Schema, EqualIsWhatSaysTheSame) {
  const SchemaPtr one = make_schema({.type = SchemaType::int32, .parameters = {{"a", "1"}, {"b", "2"}}});
  const SchemaPtr other = make_schema({.type = SchemaType::int32, .parameters = {{"b", "2"}, {"a", "1"}}});
  EXPECT_TRUE(*one == *other);  // Connect's parameters have no order.
  EXPECT_FALSE(*one == *schema_of(SchemaType::int32));
  EXPECT_TRUE(*struct_of("R", {{"a", one}}) == *struct_of("R", {{"a", other}}));
  EXPECT_FALSE(*struct_of("R", {{"a", one}}) == *struct_of("R", {{"b", one}}));
}

}  // namespace
}  // namespace tailrace::record
