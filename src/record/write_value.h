// Values, written through any writer: AvroWriter, JsonWriter.
//
// Shape   A writer is driven in the schema's order; a value tree is one way to do that, the cells of a row are another.
// Errors  data: a value that does not fit its schema. What was written of it is in the buffer then, for the caller to cut.
#pragma once

#include <string>

#include "base/error.h"
#include "record/schema.h"

namespace tailrace::record {

// What becomes of a NULL where the schema is optional and has a default.
enum class NullPolicy : std::uint8_t {
  keep,                // It stays NULL: no value is made up.
  replace_by_default,  // As Kafka Connect's converters do where nothing else is set.
};

[[noreturn]] void refuse_value(const Schema& schema, std::string_view why);

template <class T>
const T& held(const Value& value, const Schema& schema) {
  const T* const found = value.as<T>();
  if (found == nullptr) refuse_value(schema, "is another type's");
  return *found;
}

// The default stands for a NULL where that may not be, or where the policy says so.
inline bool is_replaced(const Schema& schema, NullPolicy nulls) {
  return schema.fallback && (!schema.optional || nulls == NullPolicy::replace_by_default);
}

template <class Writer>
void write_value(Writer& writer, const Schema& schema, const Value& value,
                 NullPolicy nulls = NullPolicy::keep);

template <class Writer>
void write_items(Writer& writer, const Schema& schema, const List& items, NullPolicy nulls) {
  if (schema.type == SchemaType::array) {
    writer.begin_array(items.size());
    for (const Value& item : items)
      write_value(writer, *schema.element, item, nulls);
    return;
  }
  if (items.size() != schema.fields.size()) refuse_value(schema, "has not as many fields as its struct");
  writer.begin_record();
  for (std::size_t i = 0; i < items.size(); ++i)
    write_value(writer, *schema.fields[i].schema, items[i], nulls);
}

template <class Writer>
void write_entries(Writer& writer, const Schema& schema, const Entries& entries, NullPolicy nulls) {
  writer.begin_map(entries.size());
  for (const auto& [key, element] : entries) {
    write_value(writer, *schema.key, key, nulls);
    write_value(writer, *schema.element, element, nulls);
  }
}

template <class Writer>
void write_null(Writer& writer, const Schema& schema, NullPolicy nulls) {
  if (is_replaced(schema, nulls)) return write_value(writer, schema, *schema.fallback, nulls);
  if (!schema.optional) refuse_value(schema, "is NULL where a value must be");
  writer.null();
}

template <class Writer>
void write_value(Writer& writer, const Schema& schema, const Value& value, NullPolicy nulls) {
  if (value.is_null()) return write_null(writer, schema, nulls);
  switch (schema.type) {
    case SchemaType::boolean: return writer.boolean(held<bool>(value, schema));
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64:
      if (!fits(schema, value)) refuse_value(schema, "is another type's, or too wide");
      return writer.integer(*value.as<std::int64_t>());
    case SchemaType::float32: return writer.float32(held<float>(value, schema));
    case SchemaType::float64: return writer.float64(held<double>(value, schema));
    case SchemaType::string: return writer.text(held<std::string>(value, schema));
    case SchemaType::bytes: return writer.bytes(held<std::string>(value, schema));
    case SchemaType::array:
    case SchemaType::struct_: return write_items(writer, schema, held<List>(value, schema), nulls);
    case SchemaType::map: return write_entries(writer, schema, held<Entries>(value, schema), nulls);
  }
}

}  // namespace tailrace::record
