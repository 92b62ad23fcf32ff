// The client against a real Schema Registry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"
#include "record/avro_plan.h"
#include "record/avro_schema.h"
#include "record/wire_format.h"
#include "record/write_value.h"
#include "registry/schemas.h"
#include "tests/support/python_server.h"

namespace tailrace::registry {
namespace {

using record::SchemaPtr;
using record::SchemaType;
using record::Value;
using ::testing::HasSubstr;

class RealRegistry : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<tailrace::testing::PythonServer>("tests.support.registry");
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_->available()) GTEST_SKIP() << "no Schema Registry on this machine: see above";
  }
  static Settings settings() {
    Settings made;
    made.urls = {server_->address()};
    return made;
  }

  static std::unique_ptr<tailrace::testing::PythonServer> server_;
};

std::unique_ptr<tailrace::testing::PythonServer> RealRegistry::server_;

SchemaPtr table(std::vector<record::Field> fields) {
  const SchemaPtr row =
      record::optional_of(record::struct_of("shop.shop.dbo.orders.Value", std::move(fields)));
  return record::struct_of("shop.shop.dbo.orders.Envelope",
                           {{"before", row}, {"after", row}, {"op", record::schema_of(SchemaType::string)}});
}

const record::Field order_id{"order_id", record::schema_of(SchemaType::int32)};
const record::Field total{"total", record::decimal_schema(2, 10, true)};
const record::Field day{"day", record::make_schema({.type = SchemaType::int32,
                                                    .optional = true,
                                                    .name = "io.debezium.time.Date",
                                                    .version = 1,
                                                    .fallback = Value::integer(7)})};

// What was written by one process is read by another that knows the registry alone.
TEST_F(RealRegistry, SchemaComesBackAsItWasRegistered) {
  const SchemaPtr schema = table({order_id, total, day});
  Schemas writer(settings());
  const std::int32_t id = writer.id_of("orders-value", record::avro_document(*schema), {});
  const Value row = Value::list({Value::integer(7), Value::bytes("\1"), Value()});
  const Value value = Value::list({Value(), row, Value::text("c")});
  ByteBuffer out;
  record::put_frame(out, id);
  record::AvroWriter avro(record::AvroPlan::compile(*record::parse_avro(record::avro_document(*schema))),
                          out);
  record::write_value(avro, *schema, value);

  Schemas reader(settings());
  const record::Framed framed = record::parse_frame(out.view());
  const Schemas::Decoder decoder = reader.decoder_of(framed.schema_id, {});
  EXPECT_TRUE(*decoder->schema() == *schema);
  EXPECT_EQ(decoder->decode(framed.value), value);
  // The same again is the same id, whoever asks.
  EXPECT_EQ(reader.id_of("orders-value", record::avro_document(*schema), {}), id);
  EXPECT_EQ(reader.client().latest("orders-value", {})->id, id);
  EXPECT_EQ(reader.client().find("orders-value", record::avro_document(*schema), {})->id, id);
}

// A column that is new has a default or may be NULL: consumers that read by the older schema go on. One that is gone and had
// to be there would stop them.
TEST_F(RealRegistry, NewSubjectTakesWhatOlderConsumersCanRead) {
  Schemas schemas(settings());
  const std::string subject = "forward-value";
  schemas.id_of(subject, record::avro_document(*table({order_id, total})), {});
  EXPECT_EQ(schemas.client().compatibility(subject, {}), "FORWARD_TRANSITIVE");
  schemas.id_of(subject, record::avro_document(*table({order_id, total, day})), {});
  EXPECT_EQ(schemas.client().versions(subject, {}).size(), 2U);
  try {
    schemas.id_of(subject, record::avro_document(*table({total})), {});
    ADD_FAILURE() << "registered";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("at /fields/"));  // The registry's own words.
  }
  schemas.client().set_compatibility(subject, "NONE", {});
  EXPECT_EQ(schemas.client().compatibility(subject, {}), "NONE");
  EXPECT_NO_THROW(schemas.id_of(subject, record::avro_document(*table({total})), {}));
}

TEST_F(RealRegistry, WhatIsNotThereIsSaidAsSuch) {
  Client client(settings());
  EXPECT_EQ(client.find("nowhere", "\"int\"", {}), std::nullopt);
  EXPECT_EQ(client.latest("nowhere", {}), std::nullopt);
  EXPECT_TRUE(client.versions("nowhere", {}).empty());
  EXPECT_EQ(client.compatibility("nowhere", {}), std::nullopt);
  try {
    client.document(123'456'789, {});
    ADD_FAILURE() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
  }
  Settings wrong = settings();
  wrong.urls[0] += "/elsewhere";
  Client lost(wrong);
  try {
    lost.document(1, {});
    ADD_FAILURE() << "found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::protocol) << error.what();
  }
}

TEST_F(RealRegistry, SchemaThatIsNoneIsRefusedWithItsWords) {
  Client client(settings());
  try {
    client.register_schema("broken", R"({"type":"record","name":"R"})", {});
    ADD_FAILURE() << "registered";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config) << error.what();
  }
}

// Subjects are topics' and records' names: of any letters.
TEST_F(RealRegistry, SubjectsOfAnyLetters) {
  Client client(settings());
  const std::int32_t id = client.register_schema("a b/ü%-value", "\"string\"", {});
  EXPECT_EQ(client.latest("a b/ü%-value", {})->id, id);
  EXPECT_EQ(client.document(id, {}), "\"string\"");
}

}  // namespace
}  // namespace tailrace::registry
