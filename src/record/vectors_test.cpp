// What Kafka Connect's own converters write is what we write and read (testdata/README.md).
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <vector>

#include "base/byte_buffer.h"
#include "record/avro_decoder.h"
#include "record/avro_plan.h"
#include "record/avro_schema.h"
#include "record/connect_json.h"
#include "record/json_writer.h"
#include "record/testing/samples.h"

namespace tailrace::record {
namespace {

struct Vector {
  std::string name;
  std::string envelope;
  std::string plain;
  std::string numeric;
  std::string avro;
  std::string bytes;
};

std::vector<Vector> vectors() {
  std::ifstream file(TAILRACE_RECORD_TESTDATA "/connect.jsonl");
  std::vector<Vector> found;
  for (std::string line; std::getline(file, line);) {
    const Json json = parse_json(line);
    const auto text = [&](std::string_view name) { return *json.find_string(name); };
    found.push_back({text("name"), text("envelope"), text("plain"), text("numeric"), text("avro"),
                     testing::from_hex(text("bytes"))});
  }
  return found;
}

class ConnectVectors : public ::testing::Test {
 protected:
  // The Avro of the vectors has defaults for NULLs, as that converter puts them.
  void for_each(const std::function<void(const Vector&, const SchemaAndValue&)>& check,
                NullPolicy nulls = NullPolicy::keep) {
    const std::vector<Vector> all = vectors();
    ASSERT_EQ(all.size(), 56U);  // A file that is not found proves nothing.
    for (const Vector& vector : all) {
      SCOPED_TRACE(vector.name);
      check(vector, parse_json_envelope(vector.envelope, nulls));
    }
  }
};

// A consumer written for Debezium sees the same schema text; a registry takes it for the same schema.
TEST_F(ConnectVectors, SchemasAreWrittenAsConnectWritesThem) {
  for_each([](const Vector& vector, const SchemaAndValue& parsed) {
    EXPECT_EQ(json_envelope_head(*parsed.schema) + vector.plain + std::string(json_envelope_tail),
              vector.envelope);
    EXPECT_EQ(avro_document(*parsed.schema), vector.avro);
  });
}

TEST_F(ConnectVectors, JsonValuesAreWrittenAsConnectWritesThem) {
  for_each([](const Vector& vector, const SchemaAndValue& parsed) {
    EXPECT_EQ(testing::json_of(*parsed.schema, parsed.value, DecimalFormat::base64), vector.plain);
    EXPECT_EQ(testing::json_of(*parsed.schema, parsed.value, DecimalFormat::numeric), vector.numeric);
  });
}

TEST_F(ConnectVectors, NumericDecimalsAreReadToTheSameBytes) {
  for_each([](const Vector& vector, const SchemaAndValue& parsed) {
    EXPECT_TRUE(testing::same_value(value_of_json(*parsed.schema, parse_json(vector.numeric)), parsed.value));
  });
}

// Through the document of our own and through theirs: the bytes are the same.
TEST_F(ConnectVectors, AvroBytesAreWrittenAsConnectWritesThem) {
  for_each([](const Vector& vector, const SchemaAndValue& parsed) {
    EXPECT_EQ(testing::hex(testing::avro_of(vector.avro, *parsed.schema, parsed.value,
                                            NullPolicy::replace_by_default)),
              testing::hex(vector.bytes));
    EXPECT_EQ(testing::hex(testing::avro_of(avro_document(*parsed.schema), *parsed.schema, parsed.value,
                                            NullPolicy::replace_by_default)),
              testing::hex(vector.bytes));
  });
}

TEST_F(ConnectVectors, AvroIsReadToTheSameSchemaAndValue) {
  for_each(
      [](const Vector& vector, const SchemaAndValue& parsed) {
        const AvroDecoder decoder(parse_avro(vector.avro));
        EXPECT_EQ(avro_document(*decoder.schema()), vector.avro);
        EXPECT_TRUE(*decoder.schema() == *parsed.schema) << json_schema(*decoder.schema());
        EXPECT_TRUE(testing::same_value(decoder.decode(vector.bytes), parsed.value));
      },
      NullPolicy::replace_by_default);
}

// A registry may give a document back with its keys in another order (Apicurio sorts them): it means the same.
TEST_F(ConnectVectors, KeyOrderOfADocumentDoesNotMatter) {
  for_each(
      [](const Vector& vector, const SchemaAndValue& parsed) {
        const AvroDecoder decoder(parse_avro(testing::with_sorted_keys(vector.avro)));
        EXPECT_TRUE(*decoder.schema() == *parsed.schema);
        EXPECT_TRUE(testing::same_value(decoder.decode(vector.bytes), parsed.value));
      },
      NullPolicy::replace_by_default);
}

}  // namespace
}  // namespace tailrace::record
