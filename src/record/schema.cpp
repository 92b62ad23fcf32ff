// Schemas: what they may be, and the ones that are needed often.
#include "record/schema.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <unordered_set>

#include "base/error.h"

namespace tailrace::record {
namespace {

std::optional<std::string> fault_at(const Schema& schema, std::size_t depth);

std::optional<std::string> fault_of_parts(const Schema& schema, std::size_t depth) {
  const bool is_struct = schema.type == SchemaType::struct_;
  const bool has_element = schema.type == SchemaType::array || schema.type == SchemaType::map;
  if (!is_struct && !schema.fields.empty()) return "fields in what is no struct";
  if (has_element != (schema.element != nullptr))
    return "elements are of arrays and maps, and of all of them";
  if ((schema.type == SchemaType::map) != (schema.key != nullptr))
    return "keys are of maps, and of all of them";
  std::unordered_set<std::string_view> names;
  for (const Field& field : schema.fields) {
    if (!field.schema) return "field " + field.name + " has no schema";
    if (!names.insert(field.name).second) return "field " + field.name + " comes twice";
    if (auto fault = fault_at(*field.schema, depth + 1)) return fault;
  }
  if (schema.element) {
    if (auto fault = fault_at(*schema.element, depth + 1)) return fault;
  }
  if (schema.key) return fault_at(*schema.key, depth + 1);
  return {};
}

std::optional<std::string> fault_at(const Schema& schema, std::size_t depth) {
  if (depth > max_schema_depth) return "nests deeper than " + std::to_string(max_schema_depth);
  if (auto fault = fault_of_parts(schema, depth)) return fault;
  if (schema.fallback && (schema.fallback->is_null() || !fits(schema, *schema.fallback))) {
    return "the default is no value of its type";
  }
  return {};
}

bool same(const SchemaPtr& one, const SchemaPtr& other) {
  return one == other || (one && other && *one == *other);
}

bool fits_integer(const Value& value, std::int64_t minimum, std::int64_t maximum) {
  const auto* number = value.as<std::int64_t>();
  return number != nullptr && *number >= minimum && *number <= maximum;
}

template <class Integer>
bool fits_integer(const Value& value) {
  return fits_integer(value, std::numeric_limits<Integer>::min(), std::numeric_limits<Integer>::max());
}

bool fits_list(const Schema& schema, const Value& value) {
  const List* items = value.as<List>();
  if (items == nullptr) return false;
  if (schema.type == SchemaType::array) {
    return std::all_of(items->begin(), items->end(),
                       [&](const Value& item) { return fits(*schema.element, item); });
  }
  if (items->size() != schema.fields.size()) return false;
  for (std::size_t i = 0; i < items->size(); ++i) {
    if (!fits(*schema.fields[i].schema, (*items)[i])) return false;
  }
  return true;
}

bool fits_map(const Schema& schema, const Value& value) {
  const Entries* entries = value.as<Entries>();
  return entries != nullptr && std::all_of(entries->begin(), entries->end(), [&](const auto& entry) {
           return fits(*schema.key, entry.first) && fits(*schema.element, entry.second);
         });
}

}  // namespace

std::string_view name_of(SchemaType type) {
  switch (type) {
    case SchemaType::boolean: return "boolean";
    case SchemaType::int8: return "int8";
    case SchemaType::int16: return "int16";
    case SchemaType::int32: return "int32";
    case SchemaType::int64: return "int64";
    case SchemaType::float32: return "float";
    case SchemaType::float64: return "double";
    case SchemaType::string: return "string";
    case SchemaType::bytes: return "bytes";
    case SchemaType::array: return "array";
    case SchemaType::map: return "map";
    case SchemaType::struct_: return "struct";
  }
  return "struct";
}

const std::string* Schema::parameter(std::string_view wanted) const {
  for (const auto& [parameter_name, value] : parameters) {
    if (parameter_name == wanted) return &value;
  }
  return nullptr;
}

std::optional<std::size_t> Schema::position(std::string_view field) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == field) return i;
  }
  return {};
}

bool Schema::operator==(const Schema& other) const {
  if (this == &other) return true;
  const auto same_field = [](const Field& one, const Field& two) {
    return one.name == two.name && same(one.schema, two.schema);
  };
  return type == other.type && optional == other.optional && name == other.name && version == other.version &&
         doc == other.doc &&
         std::is_permutation(parameters.begin(), parameters.end(), other.parameters.begin(),
                             other.parameters.end()) &&
         fallback == other.fallback &&
         std::equal(fields.begin(), fields.end(), other.fields.begin(), other.fields.end(), same_field) &&
         same(key, other.key) && same(element, other.element);
}

std::optional<std::string> fault_of(const Schema& schema) {
  return fault_at(schema, 1);
}

SchemaPtr make_schema(Schema schema) {
  TAILRACE_ASSERT(!fault_of(schema));
  return std::make_shared<const Schema>(std::move(schema));
}

SchemaPtr schema_of(SchemaType type) {
  return make_schema({.type = type});
}

SchemaPtr optional_of(SchemaType type) {
  return make_schema({.type = type, .optional = true});
}

SchemaPtr optional_of(const SchemaPtr& schema) {
  Schema copy = *schema;
  copy.optional = true;
  return make_schema(std::move(copy));
}

SchemaPtr required_of(const SchemaPtr& schema) {
  Schema copy = *schema;
  copy.optional = false;
  return make_schema(std::move(copy));
}

SchemaPtr struct_of(std::string name, std::vector<Field> fields) {
  return make_schema({.type = SchemaType::struct_, .name = std::move(name), .fields = std::move(fields)});
}

SchemaPtr array_of(SchemaPtr element) {
  return make_schema({.type = SchemaType::array, .element = std::move(element)});
}

SchemaPtr map_of(SchemaPtr key, SchemaPtr element) {
  return make_schema({.type = SchemaType::map, .key = std::move(key), .element = std::move(element)});
}

bool fits(const Schema& schema, const Value& value) {
  if (value.is_null()) return schema.optional;
  switch (schema.type) {
    case SchemaType::boolean: return value.as<bool>() != nullptr;
    case SchemaType::int8: return fits_integer<std::int8_t>(value);
    case SchemaType::int16: return fits_integer<std::int16_t>(value);
    case SchemaType::int32: return fits_integer<std::int32_t>(value);
    case SchemaType::int64: return fits_integer<std::int64_t>(value);
    case SchemaType::float32: return value.as<float>() != nullptr;
    case SchemaType::float64: return value.as<double>() != nullptr;
    case SchemaType::string:
    case SchemaType::bytes: return value.as<std::string>() != nullptr;
    case SchemaType::array:
    case SchemaType::struct_: return fits_list(schema, value);
    case SchemaType::map: return fits_map(schema, value);
  }
  return false;
}

SchemaPtr decimal_schema(std::int32_t scale, std::int32_t precision, bool optional) {
  Schema schema{
      .type = SchemaType::bytes, .optional = optional, .name = std::string(decimal_name), .version = 1};
  schema.parameters.emplace_back("scale", std::to_string(scale));
  if (precision != 0) schema.parameters.emplace_back("connect.decimal.precision", std::to_string(precision));
  return make_schema(std::move(schema));
}

bool is_decimal(const Schema& schema) {
  return schema.type == SchemaType::bytes && schema.name == decimal_name;
}

std::int32_t decimal_scale(const Schema& schema) {
  const std::string* const text = schema.parameter("scale");
  std::int32_t scale = 0;
  if (text != nullptr) {
    const char* const end = text->data() + text->size();
    if (const auto [at, error] = std::from_chars(text->data(), end, scale);
        error == std::errc() && at == end) {
      return scale;
    }
  }
  throw Error(ErrorKind::data, "A decimal's schema has no scale that is a number.");
}

}  // namespace tailrace::record
