// What a record is: Kafka Connect's model of schemas, to which Avro and JSON are two ways of writing.
//
// Shape    A tree of shared nodes; two schemas are equal when they say the same. An empty name is none.
// Errors   make_schema: internal for what is no schema; those who read schemas from outside check before.
// Threads  Immutable once built; shared.
// Source   Kafka Connect's ConnectSchema and SchemaBuilder (org.apache.kafka.connect.data, 4.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/value.h"

namespace tailrace::record {

enum class SchemaType : std::uint8_t {
  boolean,
  int8,
  int16,
  int32,
  int64,
  float32,
  float64,
  string,
  bytes,
  array,
  map,
  struct_,
};

// As Connect's JSON writes them: float and double, not float32 and float64.
std::string_view name_of(SchemaType type);

struct Schema;
using SchemaPtr = std::shared_ptr<const Schema>;

struct Field {
  std::string name = {};
  SchemaPtr schema = {};
};

struct Schema {
  SchemaType type = SchemaType::string;
  bool optional = false;
  std::string name = {};
  std::optional<std::int32_t> version = {};
  std::string doc = {};
  std::vector<std::pair<std::string, std::string>> parameters = {};
  std::optional<Value> fallback = {};  // Its default; never NULL.
  std::vector<Field> fields = {};      // Of a struct.
  SchemaPtr key = {};                  // Of a map.
  SchemaPtr element = {};              // Of an array or a map.

  // The value of a parameter, or nullptr.
  const std::string* parameter(std::string_view name) const;
  // Where a field of a struct stands.
  std::optional<std::size_t> position(std::string_view field) const;
  bool operator==(const Schema& other) const;
};

// No schema nests deeper: encoders and decoders recurse on it.
constexpr std::size_t max_schema_depth = 64;

// Why it is no schema (a field twice, an array without elements, a default that does not fit, too deep), or nothing.
std::optional<std::string> fault_of(const Schema& schema);
SchemaPtr make_schema(Schema schema);

SchemaPtr schema_of(SchemaType type);  // Required, without anything else.
SchemaPtr optional_of(SchemaType type);
SchemaPtr optional_of(const SchemaPtr& schema);
SchemaPtr required_of(const SchemaPtr& schema);
SchemaPtr struct_of(std::string name, std::vector<Field> fields);
SchemaPtr array_of(SchemaPtr element);
SchemaPtr map_of(SchemaPtr key, SchemaPtr element);

// Whether a value is one of the schema: of its types, within its widths, not NULL where that is not optional.
bool fits(const Schema& schema, const Value& value);

// Connect's own logical types.
constexpr std::string_view decimal_name = "org.apache.kafka.connect.data.Decimal";
constexpr std::string_view date_name = "org.apache.kafka.connect.data.Date";
constexpr std::string_view time_name = "org.apache.kafka.connect.data.Time";
constexpr std::string_view timestamp_name = "org.apache.kafka.connect.data.Timestamp";
// precision 0: not said.
SchemaPtr decimal_schema(std::int32_t scale, std::int32_t precision, bool optional = false);
bool is_decimal(const Schema& schema);
// Of a decimal; throws data where its parameter is missing or no number.
std::int32_t decimal_scale(const Schema& schema);

}  // namespace tailrace::record
