// Avro's edges: what a schema may not be, what bytes may not say, and the writer that is driven by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "record/avro_decoder.h"
#include "record/avro_plan.h"
#include "record/avro_schema.h"
#include "record/testing/samples.h"
#include "record/write_value.h"

namespace tailrace::record {
namespace {

using testing::from_hex;
using testing::hex;

ErrorKind kind_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

std::string field(const std::string& type) {
  return R"({"type":"record","name":"R","fields":[{"name":"f","type":)" + type + "}]}";
}

Value decoded(const std::string& type, const std::string& bytes) {
  const Value value = AvroDecoder(parse_avro(field(type))).decode(from_hex(bytes));
  return value.as<List>()->front();
}

void expect_refused(const std::string& type, const std::string& bytes) {
  EXPECT_EQ(kind_of([&] { decoded(type, bytes); }), ErrorKind::protocol) << type << " " << bytes;
}

TEST(AvroDecoder, NumbersOfAllWidths) {
  EXPECT_EQ(decoded("\"long\"", "feffffffffffffffff01"), Value::integer(INT64_MAX));
  EXPECT_EQ(decoded("\"long\"", "ffffffffffffffffff01"), Value::integer(INT64_MIN));
  EXPECT_EQ(decoded("\"int\"", "feffffff0f"), Value::integer(INT32_MAX));
  EXPECT_EQ(decoded(R"({"type":"int","connect.type":"int8"})", "ff01"), Value::integer(-128));
}

// A length is believed only as far as there are bytes: else a poisoned record takes the memory.
TEST(AvroDecoder, BytesThatLieAreRefused) {
  expect_refused("\"string\"", "");
  expect_refused("\"string\"", "0661 62");
  expect_refused("\"bytes\"", "feffffffffffffffff01");
  expect_refused("\"bytes\"", "01");                     // A length of -1.
  expect_refused("\"long\"", "ffffffffffffffffffff01");  // 11 bytes.
  expect_refused("\"long\"", "ffffffffffffffffff02");    // 65 bits.
  expect_refused("\"int\"", "8080808010");               // 2^31.
  expect_refused(R"({"type":"int","connect.type":"int16"})", "808004");
  expect_refused("\"boolean\"", "02");
  expect_refused("\"double\"", "00000000000000");
  expect_refused("[\"null\",\"int\"]", "04");
  expect_refused("[\"null\",\"int\"]", "01");
  expect_refused("\"int\"", "0200");  // A byte behind the value.
  expect_refused(R"({"type":"enum","name":"E","symbols":["A"]})", "02");
  expect_refused(R"({"type":"fixed","name":"F","size":2000000000})", "00");
  expect_refused(R"({"type":"array","items":"int"})", "feffffffffffffffff01");
  expect_refused(R"({"type":"array","items":"int"})", "ffffffffffffffffff01");
  // Elements that take no bytes, more of them than anybody means.
  expect_refused(R"({"type":"array","items":{"type":"record","name":"Nothing","fields":[]}})",
                 "8080808080808004");
}

// Connect puts it second where the default is a value; a type that is named once may stand with and without it.
TEST(AvroDecoder, NullStandsFirstOrSecond) {
  EXPECT_EQ(decoded(R"(["null","int"])", "00"), Value());
  EXPECT_EQ(decoded(R"(["null","int"])", "0202"), Value::integer(1));
  EXPECT_EQ(decoded(R"(["int","null"])", "02"), Value());
  EXPECT_EQ(decoded(R"(["int","null"])", "0002"), Value::integer(1));
  const AvroDecoder decoder(parse_avro(
      R"({"type":"record","name":"R","fields":[)"
      R"({"name":"a","type":["null",{"type":"record","name":"S","fields":[{"name":"f","type":["int","null"]}]}]},)"
      R"({"name":"b","type":"S"},{"name":"c","type":["S","null"]},{"name":"d","type":["null","S"]}]})"));
  // a: S(1); b: S(NULL); c: NULL; d: S(2).
  const std::string bytes = from_hex(
      "020002"
      "02"
      "02"
      "020004");
  const auto of = [](Value value) { return Value::list({std::move(value)}); };
  EXPECT_EQ(decoder.decode(bytes),
            Value::list({of(Value::integer(1)), of(Value()), Value(), of(Value::integer(2))}));
  // What is not wanted is read over: a branch taken for a value would shift all that follows.
  EXPECT_EQ(decoder.decode(bytes, Wanted{{false, false, false, true}}),
            Value::list({Value(), Value(), Value(), of(Value::integer(2))}));
  EXPECT_EQ(decoder.decode(
                bytes, Wanted{{true, true, true, false}, {Wanted{{false}}, Wanted{{true}}, Wanted{{true}}}}),
            Value::list({of(Value()), of(Value()), Value(), Value()}));
}

TEST(AvroDecoder, BlocksMaySayTheirSize) {
  EXPECT_EQ(decoded(R"({"type":"array","items":"int"})", "03040204020600"),
            Value::list({Value::integer(1), Value::integer(2), Value::integer(3)}));
}

TEST(AvroDecoder, WhatConnectHasNotIsReadAsItsConverterReadsIt) {
  EXPECT_EQ(decoded(R"({"type":"enum","name":"E","symbols":["A","B"]})", "02"), Value::text("B"));
  EXPECT_EQ(decoded(R"({"type":"fixed","name":"F","size":2})", "0102"), Value::bytes("\1\2"));
  // A union of several types is a struct with a field for each.
  const std::string choice = R"(["null","int","string"])";
  EXPECT_EQ(decoded(choice, "00"), Value());
  EXPECT_EQ(decoded(choice, "040261"), Value::list({Value(), Value::text("a")}));
  const SchemaPtr schema = AvroDecoder(parse_avro(field(choice))).schema()->fields[0].schema;
  EXPECT_EQ(schema->name, avro_union_name);
  EXPECT_TRUE(schema->optional);
  EXPECT_EQ(schema->fields[1].name, "string");
  // Times that Connect has no type for are the numbers they are.
  const SchemaPtr micros = connect_schema(*parse_avro(R"({"type":"long","logicalType":"timestamp-micros"})"));
  EXPECT_TRUE(*micros == *schema_of(SchemaType::int64));
}

TEST(AvroDocument, WhatIsNoSchemaIsRefused) {
  for (const char* const document :
       {"", "{", "\"text\"", "{}", "[]", R"(["int","int"])", R"([["int"]])",
        R"({"type":"record","name":"R"})", R"({"type":"record","name":"R","fields":[{"name":"a"}]})",
        R"({"type":"enum","name":"E","symbols":[1]})", R"({"type":"fixed","name":"F","size":-1})",
        R"({"type":"array"})",
        R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]})",
        R"([{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}])"}) {
    EXPECT_EQ(kind_of([&] { parse_avro(document); }), ErrorKind::protocol) << document;
  }
}

// A tree has an end: a record inside itself has none, and 2^64 fields have none that is met.
TEST(AvroDocument, SchemasWithoutEndAreRefused) {
  EXPECT_EQ(kind_of([] { parse_avro(field("[\"null\",\"R\"]")); }), ErrorKind::data);
  std::string doubling = "\"int\"";
  for (int i = 0; i < 40; ++i) {
    const std::string name = "D" + std::to_string(i);
    doubling = R"({"type":"record","name":")" + name + R"(","fields":[{"name":"a","type":)" + doubling +
               R"(},{"name":"b","type":")" + (i == 0 ? "int" : "D" + std::to_string(i - 1)) + "\"}]}";
  }
  EXPECT_EQ(kind_of([&] { parse_avro(doubling); }), ErrorKind::data);
  std::string deep = "\"int\"";
  for (int i = 0; i < 100; ++i)
    deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_EQ(kind_of([&] { connect_schema(*parse_avro(deep)); }), ErrorKind::data);
}

TEST(AvroDocument, NamesThatAvroHasNotAreRefusedWithTheSettingThatHelps) {
  const auto message = [](const SchemaPtr& schema) {
    try {
      avro_document(*schema);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::config);
      return error.message();
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(message(struct_of("a.b", {{"order id", schema_of(SchemaType::int32)}})),
              ::testing::HasSubstr("\"order id\""));
  EXPECT_THAT(message(struct_of("shop.my-db.R", {})), ::testing::HasSubstr("target.events.schema_names"));
  EXPECT_THAT(message(struct_of("a", {{"one", struct_of("R", {})},
                                      {"two", struct_of("R", {{"x", schema_of(SchemaType::int32)}})}})),
              ::testing::HasSubstr("Two different structs"));
}

// The event encoder's way: values come from cells, one after the other, and what is the same in each record was written before.
TEST(AvroWriter, IsDrivenInTheSchemasOrder) {
  const SchemaPtr row = optional_of(struct_of("t.Value", {{"id", schema_of(SchemaType::int32)},
                                                          {"total", decimal_schema(2, 38, true)},
                                                          {"note", optional_of(SchemaType::string)}}));
  const SchemaPtr envelope = struct_of(
      "t.Envelope", {{"before", row},
                     {"after", row},
                     {"source", struct_of("s.Source", {{"version", schema_of(SchemaType::string)}})},
                     {"op", schema_of(SchemaType::string)}});
  const AvroTypePtr type = parse_avro(avro_document(*envelope));
  ByteBuffer out;
  AvroWriter writer(AvroPlan::compile(*type), out);
  for (int i = 0; i < 2; ++i) {
    out.clear();
    writer.begin();
    writer.begin_record();
    writer.null();
    writer.begin_record();
    writer.integer(-1);
    writer.decimal(-129);
    writer.null();
    EXPECT_FALSE(writer.is_finished());
    writer.written(from_hex("0476 31"));
    writer.text("c");
    EXPECT_TRUE(writer.is_finished());
    EXPECT_EQ(hex(out.view()),
              "00"
              "02"
              "01"
              "0204ff7f"
              "00"
              "047631"
              "0263");
  }
}

// Our own mistake, not the row's: it must not become a record that reads as something else.
TEST(AvroWriter, ValueOfAnotherTypeIsAnInternalError) {
  ByteBuffer out;
  const auto plan = AvroPlan::compile(*parse_avro(field(R"({"type":"int","connect.type":"int16"})")));
  AvroWriter writer(plan, out);
  writer.begin_record();
  EXPECT_EQ(kind_of([&] { writer.text("1"); }), ErrorKind::internal);
  EXPECT_EQ(kind_of([&] { writer.null(); }), ErrorKind::internal);
  EXPECT_EQ(kind_of([&] { writer.integer(32768); }), ErrorKind::internal);
  writer.integer(-32768);
  EXPECT_EQ(kind_of([&] { writer.integer(1); }), ErrorKind::internal);
}

TEST(AvroWriter, NestedAndEmptyListsEndWhereTheyEnd) {
  const SchemaPtr lists = array_of(array_of(schema_of(SchemaType::int32)));
  const SchemaPtr schema = struct_of("R", {{"lists", lists}, {"nothing", array_of(struct_of("N", {}))}});
  const std::string document = avro_document(*schema);
  const Value one = Value::list({Value::integer(1)});
  const Value none = Value::list({});
  const Value value = Value::list({Value::list({one, none, one}), Value::list({none, none})});
  const std::string bytes = testing::avro_of(document, *schema, value);
  EXPECT_EQ(hex(bytes),
            "06"
            "020200"
            "00"
            "020200"
            "00"
            "0400");
  EXPECT_EQ(AvroDecoder(parse_avro(document)).decode(bytes), value);
}

// A NULL that a default stands for is a value made up: that is asked for, or there is no other way.
TEST(NullPolicy, DefaultStandsForNullOnlyWhereAsked) {
  Schema with_default{.type = SchemaType::int32, .optional = true, .fallback = Value::integer(7)};
  const SchemaPtr optional = make_schema(with_default);
  with_default.optional = false;
  const SchemaPtr schema = struct_of("R", {{"a", optional}, {"b", make_schema(with_default)}});
  const Value nulls = Value::list({Value(), Value()});
  const auto bytes = [&](NullPolicy policy) {
    ByteBuffer out;
    AvroWriter writer(AvroPlan::compile(*parse_avro(avro_document(*schema))), out);
    write_value(writer, *schema, nulls, policy);
    return hex(out.view());
  };
  EXPECT_EQ(bytes(NullPolicy::keep),
            "02"
            "0e");
  EXPECT_EQ(bytes(NullPolicy::replace_by_default),
            "000e"
            "0e");
  const SchemaPtr required = struct_of("R", {{"a", schema_of(SchemaType::int32)}});
  EXPECT_EQ(kind_of([&] { testing::avro_of(avro_document(*required), *required, Value::list({Value()})); }),
            ErrorKind::data);
}

}  // namespace
}  // namespace tailrace::record
