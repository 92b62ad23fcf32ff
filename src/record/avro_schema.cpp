// Schemas to Avro documents.
#include "record/avro_schema.h"

#include <map>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "record/json_text.h"

namespace tailrace::record {
namespace {

// Errors  internal: a default was checked when the schema was made.
void put_default(ByteBuffer& out, const Schema& schema, const Value& value);

void put_default_list(ByteBuffer& out, const Schema& schema, const List& items) {
  const bool is_struct = schema.type == SchemaType::struct_;
  out.put_byte(is_struct ? '{' : '[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out.put_byte(',');
    if (is_struct) {
      put_json_string(out, schema.fields[i].name, Supplementary::plain);
      out.put_byte(':');
    }
    put_default(out, is_struct ? *schema.fields[i].schema : *schema.element, items[i]);
  }
  out.put_byte(is_struct ? '}' : ']');
}

bool is_avro_map(const Schema& schema) {
  return schema.key->type == SchemaType::string && !schema.key->optional;
}

void put_default_map(ByteBuffer& out, const Schema& schema, const Entries& entries) {
  const bool is_map = is_avro_map(schema);
  out.put_byte(is_map ? '{' : '[');
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i != 0) out.put_byte(',');
    if (!is_map) out.put_byte('[');
    put_default(out, *schema.key, entries[i].first);
    out.put_byte(is_map ? ':' : ',');
    put_default(out, *schema.element, entries[i].second);
    if (!is_map) out.put_byte(']');
  }
  out.put_byte(is_map ? '}' : ']');
}

void put_default(ByteBuffer& out, const Schema& schema, const Value& value) {
  if (value.is_null()) return out.put_bytes("null");
  switch (schema.type) {
    case SchemaType::boolean: return out.put_bytes(*value.as<bool>() ? "true" : "false");
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64: return put_integer(out, *value.as<std::int64_t>());
    case SchemaType::float32: return put_float(out, *value.as<float>());
    case SchemaType::float64: return put_double(out, *value.as<double>());
    case SchemaType::string: return put_json_string(out, *value.as<std::string>(), Supplementary::plain);
    case SchemaType::bytes:
      return put_json_string(out, text_of_latin1(*value.as<std::string>()), Supplementary::plain);
    case SchemaType::array:
    case SchemaType::struct_: return put_default_list(out, schema, *value.as<List>());
    case SchemaType::map: return put_default_map(out, schema, *value.as<Entries>());
  }
}

struct AvroName {
  std::string space;  // Empty: none.
  std::string simple;

  std::string full() const { return space.empty() ? simple : space + "." + simple; }
};

AvroName name_in_avro(const Schema& schema, std::string_view fallback) {
  if (schema.name.empty()) return {std::string(avro_namespace), std::string(fallback)};
  const std::size_t dot = schema.name.rfind('.');
  if (dot == std::string::npos) return {"", schema.name};
  return {schema.name.substr(0, dot), schema.name.substr(dot + 1)};
}

bool is_avro_identifier(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name.front())) return false;
  for (const char c : name) {
    if (!is_letter(c) && (c < '0' || c > '9')) return false;
  }
  return true;
}

void check_identifier(std::string_view name, std::string_view what) {
  if (is_avro_identifier(name)) return;
  throw Error(ErrorKind::config, "Avro has no " + std::string(what) + " \"" + std::string(name) +
                                     "\": letters, digits and underscores alone, no digit in front. Set "
                                     "target.events.schema_names and target.events.field_names to avro.");
}

void check_name(const AvroName& name) {
  std::size_t begin = 0;
  while (!name.space.empty() && begin <= name.space.size()) {
    const std::size_t dot = std::min(name.space.find('.', begin), name.space.size());
    check_identifier(std::string_view(name.space).substr(begin, dot - begin), "namespace part");
    begin = dot + 1;
  }
  check_identifier(name.simple, "record name");
}

std::string_view primitive_of(SchemaType type) {
  switch (type) {
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32: return "int";
    case SchemaType::int64: return "long";
    default: return name_of(type);
  }
}

// The types that Avro has not, and Connect's own logical types, which it has.
std::string_view connect_type_of(SchemaType type) {
  if (type == SchemaType::int8) return "int8";
  return type == SchemaType::int16 ? "int16" : "";
}

std::string_view logical_type_of(const Schema& schema) {
  if (is_decimal(schema)) return "decimal";
  if (schema.name == date_name) return "date";
  if (schema.name == time_name) return "time-millis";
  return schema.name == timestamp_name ? "timestamp-millis" : "";
}

class Document {
 public:
  std::string write(const Schema& schema) {
    put_type(schema, "");
    return out_.str();
  }

 private:
  void put_key(std::string_view key) {
    out_.put_byte(',');
    put_json_string(out_, key, Supplementary::plain);
    out_.put_byte(':');
  }
  void put_text(std::string_view key, std::string_view text) {
    put_key(key);
    put_json_string(out_, text, Supplementary::plain);
  }

  // `space` is the namespace of the record around it.
  void put_type(const Schema& schema, const std::string& space) {
    if (!schema.optional) return put_required(schema, space);
    // A union's default is of its first branch.
    const bool null_first = !schema.fallback;
    out_.put_bytes(null_first ? "[\"null\"," : "[");
    put_required(schema, space);
    out_.put_bytes(null_first ? "]" : ",\"null\"]");
  }

  void put_required(const Schema& schema, const std::string& space) {
    switch (schema.type) {
      case SchemaType::struct_: return put_struct(schema, space);
      case SchemaType::array:
        out_.put_bytes(R"({"type":"array","items":)");
        put_type(*schema.element, space);
        put_properties(schema);
        return out_.put_byte('}');
      case SchemaType::map: return put_map(schema, space);
      default: return put_primitive(schema);
    }
  }

  void put_primitive(const Schema& schema) {
    const std::size_t begin = out_.size();
    out_.put_bytes("{\"type\":");
    const std::size_t name = out_.size();
    put_json_string(out_, primitive_of(schema.type), Supplementary::plain);
    const std::size_t bare = out_.size();
    put_properties(schema);
    if (out_.size() != bare) return out_.put_byte('}');
    // Without anything else to say it is its name alone.
    const std::string alone(out_.view().substr(name));
    out_.truncate(begin);
    out_.put_bytes(alone);
  }

  // True if the name is known, and a reference was put in its place.
  bool put_reference(const AvroName& name, const Schema& schema, const std::string& space) {
    Schema required = schema;
    required.optional = false;
    const auto [known, is_new] = names_.try_emplace(name.full(), std::move(required));
    if (is_new) return false;
    if (Schema again = schema; again.optional = false, !(known->second == again)) {
      throw Error(ErrorKind::config,
                  "Two different structs have the name " + name.full() + ", which Avro has once.");
    }
    put_json_string(out_, name.space.empty() || name.space == space ? name.simple : name.full(),
                    Supplementary::plain);
    return true;
  }

  void put_record_head(const AvroName& name, const std::string& space) {
    check_name(name);
    out_.put_bytes(R"({"type":"record","name":)");
    put_json_string(out_, name.simple, Supplementary::plain);
    if (name.space != space) put_text("namespace", name.space);
  }

  void put_struct(const Schema& schema, const std::string& space) {
    if (schema.name == avro_union_name) {
      throw Error(ErrorKind::config, "Structs that stand for Avro's unions are read, not written.");
    }
    const AvroName name = name_in_avro(schema, avro_default_name);
    if (put_reference(name, schema, space)) return;
    put_record_head(name, space);
    if (const std::string* doc = schema.parameter(avro_record_doc)) put_text("doc", *doc);
    put_key("fields");
    out_.put_byte('[');
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      if (i != 0) out_.put_byte(',');
      const Field& field = schema.fields[i];
      put_field(field, name.space, schema.parameter(std::string(avro_field_doc) + field.name));
    }
    out_.put_byte(']');
    put_properties(schema);
    out_.put_byte('}');
  }

  void put_field(const Field& field, const std::string& space, const std::string* doc) {
    check_identifier(field.name, "field name");
    out_.put_bytes("{\"name\":");
    put_json_string(out_, field.name, Supplementary::plain);
    put_key("type");
    put_type(*field.schema, space);
    if (doc != nullptr) put_text("doc", *doc);
    if (field.schema->fallback) {
      put_key("default");
      put_default(out_, *field.schema, *field.schema->fallback);
    } else if (field.schema->optional) {
      out_.put_bytes(",\"default\":null");
    }
    out_.put_byte('}');
  }

  void put_map(const Schema& schema, const std::string& space) {
    if (is_avro_map(schema)) {
      out_.put_bytes(R"({"type":"map","values":)");
      put_type(*schema.element, space);
    } else {
      out_.put_bytes(R"({"type":"array","items":)");
      put_map_entry(schema, space);
    }
    put_properties(schema);
    out_.put_byte('}');
  }

  // Avro's maps have keys that are strings: others are arrays of records of two fields.
  void put_map_entry(const Schema& schema, const std::string& space) {
    const AvroName name = name_in_avro(schema, avro_map_entry_name);
    const Schema entry{.type = SchemaType::struct_,
                       .fields = {{"key", schema.key}, {"value", schema.element}}};
    if (put_reference(name, entry, space)) return;
    put_record_head(name, space);
    put_key("fields");
    out_.put_byte('[');
    put_field(entry.fields[0], name.space, nullptr);
    out_.put_byte(',');
    put_field(entry.fields[1], name.space, nullptr);
    out_.put_byte(']');
    if (!schema.name.empty()) put_text("connect.internal.type", avro_map_entry_name);
    out_.put_byte('}');
  }

  void put_properties(const Schema& schema) {
    if (is_decimal(schema)) {
      put_key("scale");
      put_integer(out_, decimal_scale(schema));
      put_key("precision");
      const std::string* const precision = schema.parameter(avro_precision);
      out_.put_bytes(precision != nullptr ? *precision : std::to_string(avro_default_precision));
    }
    if (!schema.doc.empty()) put_text("connect.doc", schema.doc);
    if (schema.version) {
      put_key("connect.version");
      put_integer(out_, *schema.version);
    }
    put_parameters(schema);
    if (schema.fallback) {
      put_key("connect.default");
      put_default(out_, schema, *schema.fallback);
    }
    if (!schema.name.empty()) put_text("connect.name", schema.name);
    if (const std::string_view type = connect_type_of(schema.type); !type.empty())
      put_text("connect.type", type);
    if (const std::string_view type = logical_type_of(schema); !type.empty()) put_text("logicalType", type);
  }

  void put_parameters(const Schema& schema) {
    if (schema.parameters.empty()) return;
    put_key("connect.parameters");
    for (std::size_t i = 0; i < schema.parameters.size(); ++i) {
      out_.put_byte(i == 0 ? '{' : ',');
      put_json_string(out_, schema.parameters[i].first, Supplementary::plain);
      out_.put_byte(':');
      put_json_string(out_, schema.parameters[i].second, Supplementary::plain);
    }
    out_.put_byte('}');
  }

  ByteBuffer out_;
  std::map<std::string, Schema> names_;
};

}  // namespace

std::string avro_document(const Schema& schema) {
  return Document().write(schema);
}

}  // namespace tailrace::record
