// JSON as Kafka Connect's JsonConverter has it: the schema beside the value, or the value alone.
//
// Shape    {"schema": ..., "payload": ...}, or the payload. Bytes are base64; decimals are too, or numbers; a map whose keys are
//          no strings is a list of pairs.
// Errors   protocol: no JSON, no envelope, no schema, or a value that is not of its schema.
// Threads  Functions; writers in json_writer.h.
// Source   Kafka Connect 4.3, JsonConverter and JsonSchema.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "record/json_tree.h"
#include "record/schema.h"
#include "record/write_value.h"

namespace tailrace::record {

// As the converter writes it, in one line.
std::string json_schema(const Schema& schema);
// The schema that such a text means; nothing for null.
SchemaPtr parse_json_schema(const Json& json);

// What stands before a payload, and behind it.
std::string json_envelope_head(const Schema& schema);
constexpr std::string_view json_envelope_tail = "}";

// A missing field is its default, else NULL.
Value value_of_json(const Schema& schema, const Json& json, NullPolicy nulls = NullPolicy::keep);
// Without a schema: numbers are int64 or double, objects are maps. A whole number of more than 64 bits is a double.
Value value_of_json(const Json& json);

struct SchemaAndValue {
  SchemaPtr schema;  // nullptr: none was said.
  Value value;
};
SchemaAndValue parse_json_envelope(std::string_view text, NullPolicy nulls = NullPolicy::keep);

}  // namespace tailrace::record
