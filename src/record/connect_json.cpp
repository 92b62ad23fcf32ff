// Connect's JSON: schemas both ways, values read.
#include "record/connect_json.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "record/decimal.h"
#include "record/json_text.h"
#include "record/json_writer.h"

namespace tailrace::record {
namespace {

[[noreturn]] void refuse_json(const std::string& why) {
  throw Error(ErrorKind::protocol, "Not Kafka Connect's JSON: " + why + ".");
}

void put_named(ByteBuffer& out, std::string_view name, std::string_view text) {
  put_json_string(out, name, Supplementary::escaped);
  out.put_byte(':');
  put_json_string(out, text, Supplementary::escaped);
}

void put_schema(ByteBuffer& out, const Schema& schema, const std::string* field);

void put_parts(ByteBuffer& out, const Schema& schema) {
  if (schema.type == SchemaType::struct_) {
    out.put_bytes(",\"fields\":[");
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      if (i != 0) out.put_byte(',');
      put_schema(out, *schema.fields[i].schema, &schema.fields[i].name);
    }
    out.put_byte(']');
  } else if (schema.type == SchemaType::array) {
    out.put_bytes(",\"items\":");
    put_schema(out, *schema.element, nullptr);
  } else if (schema.type == SchemaType::map) {
    out.put_bytes(",\"keys\":");
    put_schema(out, *schema.key, nullptr);
    out.put_bytes(",\"values\":");
    put_schema(out, *schema.element, nullptr);
  }
}

void put_schema(ByteBuffer& out, const Schema& schema, const std::string* field) {
  out.put_byte('{');
  put_named(out, "type", name_of(schema.type));
  put_parts(out, schema);
  out.put_bytes(schema.optional ? ",\"optional\":true" : ",\"optional\":false");
  const auto put_text = [&](std::string_view name, std::string_view text) {
    out.put_byte(',');
    put_named(out, name, text);
  };
  if (!schema.name.empty()) put_text("name", schema.name);
  if (schema.version) {
    out.put_bytes(",\"version\":");
    put_integer(out, *schema.version);
  }
  if (!schema.doc.empty()) put_text("doc", schema.doc);
  for (std::size_t i = 0; i < schema.parameters.size(); ++i) {
    out.put_bytes(i == 0 ? ",\"parameters\":{" : ",");
    put_named(out, schema.parameters[i].first, schema.parameters[i].second);
  }
  if (!schema.parameters.empty()) out.put_byte('}');
  if (schema.fallback) {
    out.put_bytes(",\"default\":");
    JsonWriter writer(JsonPlan::compile(schema), out);
    write_value(writer, schema, *schema.fallback);
  }
  if (field != nullptr) put_text("field", *field);
  out.put_byte('}');
}

SchemaType type_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(SchemaType::struct_); ++i) {
    if (name_of(static_cast<SchemaType>(i)) == name) return static_cast<SchemaType>(i);
  }
  refuse_json("a schema's type is " + std::string(name));
}

SchemaPtr part_of(const Json& json, std::string_view name) {
  const Json* const part = json.find(name);
  if (part == nullptr || !part->is_object()) refuse_json("a schema without its " + std::string(name));
  return parse_json_schema(*part);
}

std::vector<Field> fields_of(const Json& json) {
  const Json* const fields = json.find("fields");
  if (fields == nullptr || !fields->is_array()) refuse_json("a struct without its fields");
  std::vector<Field> found;
  for (const Json& field : fields->items) {
    const std::string* const name = field.find_string("field");
    if (name == nullptr || !field.is_object()) refuse_json("a field without a name");
    found.push_back({*name, parse_json_schema(field)});
  }
  return found;
}

template <class Number>
std::optional<Number> float_named(const Json& json) {
  if (const auto number = json.number()) {
    const auto narrowed = static_cast<Number>(*number);
    if (!std::isfinite(narrowed)) return {};
    return narrowed;
  }
  if (!json.is_string()) return {};
  if (json.text == "NaN") return std::numeric_limits<Number>::quiet_NaN();
  if (json.text == "Infinity") return std::numeric_limits<Number>::infinity();
  if (json.text == "-Infinity") return -std::numeric_limits<Number>::infinity();
  return {};
}

[[noreturn]] void refuse_type(const Schema& schema) {
  refuse_json("a value is no " + std::string(name_of(schema.type)));
}

Value bytes_value(const Schema& schema, const Json& json) {
  if (json.is_number() && is_decimal(schema)) {
    return Value::bytes(decimal_bytes_of_text(json.text, decimal_scale(schema)));
  }
  std::string bytes;
  if (!json.is_string() || !decode_base64(json.text, bytes)) refuse_type(schema);
  return Value::bytes(std::move(bytes));
}

Value json_list(const Schema& schema, const Json& json, NullPolicy nulls) {
  if (!json.is_array()) refuse_type(schema);
  List items;
  items.reserve(json.items.size());
  for (const Json& item : json.items)
    items.push_back(value_of_json(*schema.element, item, nulls));
  return Value::list(std::move(items));
}

Value json_map(const Schema& schema, const Json& json, NullPolicy nulls) {
  Entries entries;
  if (schema.key->type == SchemaType::string) {
    if (!json.is_object()) refuse_type(schema);
    for (const auto& [key, value] : json.members)
      entries.emplace_back(Value::text(key), value_of_json(*schema.element, value, nulls));
    return Value::map(std::move(entries));
  }
  if (!json.is_array()) refuse_type(schema);
  for (const Json& pair : json.items) {
    if (!pair.is_array() || pair.items.size() != 2) refuse_json("an entry of a map is no pair");
    Value key = value_of_json(*schema.key, pair.items[0], nulls);
    entries.emplace_back(std::move(key), value_of_json(*schema.element, pair.items[1], nulls));
  }
  return Value::map(std::move(entries));
}

Value struct_value(const Schema& schema, const Json& json, NullPolicy nulls) {
  if (!json.is_object()) refuse_type(schema);
  List items;
  items.reserve(schema.fields.size());
  for (const Field& field : schema.fields) {
    const Json* const found = json.find(field.name);
    if (found == nullptr && field.schema->fallback) {
      items.push_back(*field.schema->fallback);
    } else {
      items.push_back(value_of_json(*field.schema, found != nullptr ? *found : Json(), nulls));
    }
  }
  return Value::list(std::move(items));
}

Value integer_value(const Schema& schema, const Json& json) {
  const auto number = json.integer();
  if (!number) refuse_type(schema);
  Value value = Value::integer(*number);
  if (!fits(schema, value)) refuse_type(schema);
  return value;
}

}  // namespace

std::string json_schema(const Schema& schema) {
  ByteBuffer out;
  put_schema(out, schema, nullptr);
  return out.str();
}

std::string json_envelope_head(const Schema& schema) {
  return "{\"schema\":" + json_schema(schema) + ",\"payload\":";
}

SchemaPtr parse_json_schema(const Json& json) {
  if (json.is_null()) return nullptr;
  const std::string* const type = json.find_string("type");
  if (type == nullptr) refuse_json("a schema without a type");
  Schema schema{.type = type_named(*type)};
  if (schema.type == SchemaType::struct_) schema.fields = fields_of(json);
  if (schema.type == SchemaType::array) schema.element = part_of(json, "items");
  if (schema.type == SchemaType::map) {
    schema.key = part_of(json, "keys");
    schema.element = part_of(json, "values");
  }
  const Json* const optional = json.find("optional");
  schema.optional = optional != nullptr && optional->truth;
  if (const std::string* const name = json.find_string("name")) schema.name = *name;
  if (const std::string* const doc = json.find_string("doc")) schema.doc = *doc;
  if (const Json* const version = json.find("version"); version != nullptr && version->integer()) {
    schema.version = static_cast<std::int32_t>(*version->integer());
  }
  if (const Json* const parameters = json.find("parameters")) {
    for (const auto& [name, value] : parameters->members) {
      if (!value.is_string()) refuse_json("the parameter " + name + " is no string");
      schema.parameters.emplace_back(name, value.text);
    }
  }
  if (const Json* const fallback = json.find("default"); fallback != nullptr && !fallback->is_null()) {
    schema.fallback = value_of_json(schema, *fallback);
  }
  if (const auto fault = fault_of(schema)) refuse_json("a schema that is none: " + *fault);
  return std::make_shared<const Schema>(std::move(schema));
}

Value value_of_json(const Schema& schema, const Json& json, NullPolicy nulls) {
  if (json.is_null()) {
    if (is_replaced(schema, nulls)) return *schema.fallback;
    if (!schema.optional) refuse_json("a value is null where one must be");
    return Value();
  }
  switch (schema.type) {
    case SchemaType::boolean:
      if (json.kind != Json::Kind::boolean) refuse_type(schema);
      return Value::boolean(json.truth);
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64: return integer_value(schema, json);
    case SchemaType::float32:
      if (const auto number = float_named<float>(json)) return Value::float32(*number);
      refuse_type(schema);
    case SchemaType::float64:
      if (const auto number = float_named<double>(json)) return Value::float64(*number);
      refuse_type(schema);
    case SchemaType::string:
      if (!json.is_string()) refuse_type(schema);
      return Value::text(json.text);
    case SchemaType::bytes: return bytes_value(schema, json);
    case SchemaType::array: return json_list(schema, json, nulls);
    case SchemaType::map: return json_map(schema, json, nulls);
    case SchemaType::struct_: return struct_value(schema, json, nulls);
  }
  return Value();
}

Value value_of_json(const Json& json) {
  switch (json.kind) {
    case Json::Kind::null: return Value();
    case Json::Kind::boolean: return Value::boolean(json.truth);
    case Json::Kind::integer:
      if (const auto whole = json.integer()) return Value::integer(*whole);
      [[fallthrough]];
    case Json::Kind::number:
      if (const auto number = json.number()) return Value::float64(*number);
      refuse_json("a number is too large");
    case Json::Kind::string: return Value::text(json.text);
    case Json::Kind::array: {
      List items;
      for (const Json& item : json.items)
        items.push_back(value_of_json(item));
      return Value::list(std::move(items));
    }
    case Json::Kind::object: break;
  }
  Entries entries;
  for (const auto& [name, value] : json.members)
    entries.emplace_back(Value::text(name), value_of_json(value));
  return Value::map(std::move(entries));
}

SchemaAndValue parse_json_envelope(std::string_view text, NullPolicy nulls) {
  const Json json = parse_json(text);
  const Json* const schema = json.find("schema");
  const Json* const payload = json.find("payload");
  if (!json.is_object() || json.members.size() != 2 || schema == nullptr || payload == nullptr) {
    refuse_json(
        "no envelope of schema and payload; without schemas, value.converter.schemas.enable is false");
  }
  SchemaPtr parsed = parse_json_schema(*schema);
  Value value = parsed ? value_of_json(*parsed, *payload, nulls) : value_of_json(*payload);
  return {std::move(parsed), std::move(value)};
}

}  // namespace tailrace::record
