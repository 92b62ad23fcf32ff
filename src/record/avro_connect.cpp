// What an Avro schema means as a Connect schema.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "record/avro_schema.h"
#include "record/avro_type.h"
#include "record/json_text.h"

namespace tailrace::record {
namespace {

[[noreturn]] void refuse_schema(const std::string& why) {
  throw Error(ErrorKind::data, "An Avro schema that Kafka Connect has no schema for: " + why + ".");
}

void set_parameter(Schema& schema, std::string name, std::string value) {
  for (auto& [known, held] : schema.parameters) {
    if (known == name) {
      held = std::move(value);
      return;
    }
  }
  schema.parameters.emplace_back(std::move(name), std::move(value));
}

std::int32_t number_property(const AvroType& type, std::string_view name, std::int32_t fallback) {
  const Json* const found = type.properties.find(name);
  if (found == nullptr) return fallback;
  const auto number = found->integer();
  if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
      *number > std::numeric_limits<std::int32_t>::max()) {
    refuse_schema(std::string(name) + " is no number");
  }
  return static_cast<std::int32_t>(*number);
}

// Defaults are written as JSON by the type's own rules.
std::optional<Value> value_of(const Schema& schema, const Json& json);

Value required_value(const Schema& schema, const Json& json) {
  auto value = value_of(schema, json);
  if (!value) refuse_schema("a default is no " + std::string(name_of(schema.type)));
  return *std::move(value);
}

Value list_value(const Schema& schema, const Json& json) {
  List items;
  if (schema.type == SchemaType::array) {
    for (const Json& item : json.items)
      items.push_back(required_value(*schema.element, item));
  } else {
    for (const Field& field : schema.fields) {
      const Json* const found = json.find(field.name);
      items.push_back(found == nullptr ? Value() : required_value(*field.schema, *found));
    }
  }
  return Value::list(std::move(items));
}

Value map_value(const Schema& schema, const Json& json) {
  Entries entries;
  for (const auto& [key, value] : json.members)
    entries.emplace_back(Value::text(key), required_value(*schema.element, value));
  for (const Json& pair : json.items) {
    if (pair.items.size() != 2) refuse_schema("a default of a map has an entry that is no pair");
    entries.emplace_back(required_value(*schema.key, pair.items[0]),
                         required_value(*schema.element, pair.items[1]));
  }
  return Value::map(std::move(entries));
}

std::optional<Value> value_of(const Schema& schema, const Json& json) {
  if (json.is_null()) return Value();
  switch (schema.type) {
    case SchemaType::boolean:
      if (json.kind == Json::Kind::boolean) return Value::boolean(json.truth);
      return {};
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64:
      if (const auto number = json.integer()) return Value::integer(*number);
      return {};
    case SchemaType::float32:
      if (const auto number = json.number()) return Value::float32(static_cast<float>(*number));
      return {};
    case SchemaType::float64:
      if (const auto number = json.number()) return Value::float64(*number);
      return {};
    case SchemaType::string:
      if (json.is_string()) return Value::text(json.text);
      return {};
    case SchemaType::bytes:
      if (std::string bytes; json.is_string() && latin1_of_text(json.text, bytes)) return Value::bytes(bytes);
      return {};
    case SchemaType::array:
      if (json.is_array()) return list_value(schema, json);
      return {};
    case SchemaType::struct_:
      if (json.is_object()) return list_value(schema, json);
      return {};
    case SchemaType::map:
      if (json.is_array() || json.is_object()) return map_value(schema, json);
      return {};
  }
  return {};
}

SchemaPtr converted(const AvroType& type, bool optional, const Json* fallback);

void take_decimal(Schema& schema, const AvroType& type) {
  schema.name = decimal_name;
  schema.version = 1;
  set_parameter(schema, "scale", std::to_string(number_property(type, "scale", 0)));
  const std::int32_t precision = number_property(type, "precision", avro_default_precision);
  if (precision != avro_default_precision)
    set_parameter(schema, std::string(avro_precision), std::to_string(precision));
}

void take_logical(Schema& schema, std::string_view name) {
  schema.name = name;
  schema.version = 1;
}

void take_int(Schema& schema, const AvroType& type, std::string_view logical) {
  const std::string* const connect_type = type.properties.find_string("connect.type");
  schema.type = SchemaType::int32;
  if (logical == "date") return take_logical(schema, date_name);
  if (logical == "time-millis") return take_logical(schema, time_name);
  if (connect_type == nullptr || !logical.empty()) return;
  if (*connect_type == "int8") {
    schema.type = SchemaType::int8;
  } else if (*connect_type == "int16") {
    schema.type = SchemaType::int16;
  } else {
    refuse_schema("connect.type " + *connect_type + " of an int");
  }
}

void take_record(Schema& schema, const AvroType& type) {
  schema.type = SchemaType::struct_;
  if (!type.doc.empty()) set_parameter(schema, std::string(avro_record_doc), type.doc);
  for (const AvroField& field : type.fields) {
    if (!field.doc.empty()) set_parameter(schema, std::string(avro_field_doc) + field.name, field.doc);
    schema.fields.push_back(
        {field.name, converted(*field.type, false, field.fallback ? &*field.fallback : nullptr)});
  }
}

void take_enum(Schema& schema, const AvroType& type) {
  schema.type = SchemaType::string;
  const std::string simple(type.simple_name());
  if (!type.doc.empty()) set_parameter(schema, std::string(avro_enum_doc) + simple, type.doc);
  if (!type.enum_fallback.empty())
    set_parameter(schema, std::string(avro_enum_default) + simple, type.enum_fallback);
  set_parameter(schema, std::string(avro_enum_name), type.name);
  for (const std::string& symbol : type.symbols)
    set_parameter(schema, std::string(avro_enum_name) + "." + symbol, symbol);
}

void take_array(Schema& schema, const AvroType& type) {
  if (type.is_map_entries()) {
    schema.type = SchemaType::map;
    schema.key = converted(*type.branches[0]->fields[0].type, false, nullptr);
    schema.element = converted(*type.branches[0]->fields[1].type, false, nullptr);
  } else {
    schema.type = SchemaType::array;
    schema.element = converted(*type.branches[0], false, nullptr);
  }
}

// A union of several types is a struct with a field for each, of which one has a value.
void take_union(Schema& schema, const AvroType& type) {
  schema.type = SchemaType::struct_;
  schema.name = avro_union_name;
  for (const AvroTypePtr& branch : type.branches) {
    if (branch->kind == AvroKind::null) {
      schema.optional = true;
      continue;
    }
    const bool is_named = branch->kind == AvroKind::record || branch->kind == AvroKind::enum_;
    schema.fields.push_back({std::string(is_named ? branch->simple_name() : name_of(branch->kind)),
                             converted(*branch, true, nullptr)});
  }
}

void take_kind(Schema& schema, const AvroType& type) {
  const std::string* const found = type.properties.find_string("logicalType");
  const std::string_view logical = found != nullptr ? std::string_view(*found) : std::string_view();
  switch (type.kind) {
    case AvroKind::null: refuse_schema("null on its own");
    case AvroKind::boolean: schema.type = SchemaType::boolean; return;
    case AvroKind::int_: return take_int(schema, type, logical);
    case AvroKind::long_:
      schema.type = SchemaType::int64;
      if (logical == "timestamp-millis") take_logical(schema, timestamp_name);
      return;
    case AvroKind::float_: schema.type = SchemaType::float32; return;
    case AvroKind::double_: schema.type = SchemaType::float64; return;
    case AvroKind::bytes:
    case AvroKind::fixed:
      schema.type = SchemaType::bytes;
      if (logical == "decimal") take_decimal(schema, type);
      return;
    case AvroKind::string: schema.type = SchemaType::string; return;
    case AvroKind::record: return take_record(schema, type);
    case AvroKind::enum_: return take_enum(schema, type);
    case AvroKind::array: return take_array(schema, type);
    case AvroKind::map:
      schema.type = SchemaType::map;
      schema.key = schema_of(SchemaType::string);
      schema.element = converted(*type.branches[0], false, nullptr);
      return;
    case AvroKind::union_: return take_union(schema, type);
  }
}

void take_parameters(Schema& schema, const AvroType& type) {
  const Json* const parameters = type.properties.find("connect.parameters");
  if (parameters == nullptr) return;
  if (!parameters->is_object()) refuse_schema("connect.parameters is no object");
  for (const auto& [name, value] : parameters->members) {
    if (!value.is_string()) refuse_schema("the parameter " + name + " is no string");
    set_parameter(schema, name, value.text);
  }
}

// A logical type has a name of its own, which connect.name may only repeat.
void take_name(Schema& schema, const AvroType& type) {
  const Json* const given = type.properties.find("connect.name");
  if (given != nullptr && !given->is_string()) refuse_schema("connect.name is no string");
  std::string name = given != nullptr ? given->text : std::string();
  if (name.empty() && (type.kind == AvroKind::record || type.kind == AvroKind::enum_)) name = type.name;
  if (name.empty() || name == std::string(avro_namespace) + "." + std::string(avro_default_name)) return;
  if (!schema.name.empty() && schema.name != name) {
    refuse_schema("connect.name " + name + " of a logical type that is " + schema.name);
  }
  schema.name = std::move(name);
}

SchemaPtr converted(const AvroType& type, bool optional, const Json* fallback) {
  // The default of a field that may be null is its schema's own: what Avro says of the union goes.
  if (const AvroTypePtr* const branch = type.optional_branch()) return converted(**branch, true, nullptr);
  Schema schema;
  schema.optional = optional;
  take_kind(schema, type);
  if (const std::string* const doc = type.properties.find_string("connect.doc")) schema.doc = *doc;
  if (type.properties.find("connect.version") != nullptr) {
    const std::int32_t version = number_property(type, "connect.version", 0);
    if (schema.version && *schema.version != version)
      refuse_schema("connect.version of a logical type is not its own");
    schema.version = version;
  }
  take_parameters(schema, type);
  take_name(schema, type);
  if (fallback == nullptr) fallback = type.properties.find("connect.default");
  if (fallback != nullptr && !fallback->is_null()) schema.fallback = required_value(schema, *fallback);
  if (auto fault = fault_of(schema)) refuse_schema(*fault);
  return std::make_shared<const Schema>(std::move(schema));
}

}  // namespace

SchemaPtr connect_schema(const AvroType& type) {
  return converted(type, false, nullptr);
}

}  // namespace tailrace::record
