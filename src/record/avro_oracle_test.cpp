// libavro is the oracle: it reads what we write and writes what we read, for random schemas and values.
#include <avro.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "record/avro_decoder.h"
#include "record/avro_schema.h"
#include "record/connect_json.h"
#include "record/testing/samples.h"

namespace tailrace::record {
namespace {

void check(int code) {
  if (code != 0) throw std::runtime_error(avro_strerror());
}

// A schema of libavro and one value of it.
class Oracle {
 public:
  explicit Oracle(const std::string& document) {
    check(avro_schema_from_json_length(document.data(), document.size(), &schema_));
    class_ = avro_generic_class_from_schema(schema_);
    if (class_ == nullptr) throw std::runtime_error(avro_strerror());
    check(avro_generic_value_new(class_, &value_));
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  ~Oracle() {
    avro_value_decref(&value_);
    avro_value_iface_decref(class_);
    avro_schema_decref(schema_);
  }

  std::string write(const Schema& schema, const Value& value) {
    check(avro_value_reset(&value_));
    fill(value_, schema, value);
    std::size_t size = 0;
    check(avro_value_sizeof(&value_, &size));
    std::string bytes(size, '\0');
    const std::unique_ptr<avro_writer_t_, decltype(&avro_writer_free)> writer(
        avro_writer_memory(bytes.data(), static_cast<std::int64_t>(size)), avro_writer_free);
    check(avro_value_write(writer.get(), &value_));
    return bytes;
  }

  Value read(const Schema& schema, const std::string& bytes) {
    check(avro_value_reset(&value_));
    const std::unique_ptr<avro_reader_t_, decltype(&avro_reader_free)> reader(
        avro_reader_memory(bytes.data(), static_cast<std::int64_t>(bytes.size())), avro_reader_free);
    check(avro_value_read(reader.get(), &value_));
    return taken(value_, schema);
  }

 private:
  // The branch of a union for null, or for the value.
  static int branch(avro_value_t& value, bool null) {
    auto* const first = avro_schema_union_branch(avro_value_get_schema(&value), 0);
    return is_avro_null(first) == null ? 0 : 1;
  }

  static void fill_list(avro_value_t& to, const Schema& schema, const List& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      avro_value_t item;
      if (schema.type == SchemaType::array) {
        check(avro_value_append(&to, &item, nullptr));
      } else {
        check(avro_value_get_by_index(&to, i, &item, nullptr));
      }
      fill(item, schema.element ? *schema.element : *schema.fields[i].schema, items[i]);
    }
  }

  static void fill_map(avro_value_t& to, const Schema& schema, const Entries& entries) {
    for (const auto& [key, element] : entries) {
      avro_value_t item;
      if (avro_value_get_type(&to) == AVRO_MAP) {
        check(avro_value_add(&to, key.as<std::string>()->c_str(), &item, nullptr, nullptr));
        fill(item, *schema.element, element);
        continue;
      }
      check(avro_value_append(&to, &item, nullptr));
      avro_value_t part;
      check(avro_value_get_by_index(&item, 0, &part, nullptr));
      fill(part, *schema.key, key);
      check(avro_value_get_by_index(&item, 1, &part, nullptr));
      fill(part, *schema.element, element);
    }
  }

  static void fill(avro_value_t& to, const Schema& schema, const Value& value) {
    if (avro_value_get_type(&to) == AVRO_UNION) {
      avro_value_t inner;
      check(avro_value_set_branch(&to, branch(to, value.is_null()), &inner));
      if (value.is_null()) return check(avro_value_set_null(&inner));
      return fill(inner, schema, value);
    }
    switch (schema.type) {
      case SchemaType::boolean: return check(avro_value_set_boolean(&to, *value.as<bool>() ? 1 : 0));
      case SchemaType::int8:
      case SchemaType::int16:
      case SchemaType::int32:
        return check(avro_value_set_int(&to, static_cast<std::int32_t>(*value.as<std::int64_t>())));
      case SchemaType::int64: return check(avro_value_set_long(&to, *value.as<std::int64_t>()));
      case SchemaType::float32: return check(avro_value_set_float(&to, *value.as<float>()));
      case SchemaType::float64: return check(avro_value_set_double(&to, *value.as<double>()));
      case SchemaType::string: {
        std::string text = *value.as<std::string>();
        return check(avro_value_set_string_len(&to, text.data(), text.size() + 1));
      }
      case SchemaType::bytes: {
        std::string bytes = *value.as<std::string>();
        return check(avro_value_set_bytes(&to, bytes.data(), bytes.size()));
      }
      case SchemaType::array:
      case SchemaType::struct_: return fill_list(to, schema, *value.as<List>());
      case SchemaType::map: return fill_map(to, schema, *value.as<Entries>());
    }
  }

  static Value taken_items(avro_value_t& from, const Schema& schema) {
    std::size_t count = 0;
    check(avro_value_get_size(&from, &count));
    List items;
    Entries entries;
    for (std::size_t i = 0; i < count; ++i) {
      avro_value_t item;
      const char* name = nullptr;
      check(avro_value_get_by_index(&from, i, &item, &name));
      if (schema.type == SchemaType::struct_) {
        items.push_back(taken(item, *schema.fields[i].schema));
      } else if (schema.type == SchemaType::array) {
        items.push_back(taken(item, *schema.element));
      } else if (avro_value_get_type(&from) == AVRO_MAP) {
        entries.emplace_back(Value::text(name), taken(item, *schema.element));
      } else {
        avro_value_t key;
        avro_value_t element;
        check(avro_value_get_by_index(&item, 0, &key, nullptr));
        check(avro_value_get_by_index(&item, 1, &element, nullptr));
        entries.emplace_back(taken(key, *schema.key), taken(element, *schema.element));
      }
    }
    return schema.type == SchemaType::map ? Value::map(std::move(entries)) : Value::list(std::move(items));
  }

  static Value taken(avro_value_t& from, const Schema& schema) {
    const void* bytes = nullptr;
    const char* text = nullptr;
    std::size_t size = 0;
    std::int32_t small = 0;
    std::int64_t large = 0;
    float single = 0;
    double number = 0;
    int truth = 0;
    switch (avro_value_get_type(&from)) {
      case AVRO_UNION: {
        avro_value_t inner;
        check(avro_value_get_current_branch(&from, &inner));
        return taken(inner, schema);
      }
      case AVRO_NULL: return Value();
      case AVRO_BOOLEAN: check(avro_value_get_boolean(&from, &truth)); return Value::boolean(truth != 0);
      case AVRO_INT32: check(avro_value_get_int(&from, &small)); return Value::integer(small);
      case AVRO_INT64: check(avro_value_get_long(&from, &large)); return Value::integer(large);
      case AVRO_FLOAT: check(avro_value_get_float(&from, &single)); return Value::float32(single);
      case AVRO_DOUBLE: check(avro_value_get_double(&from, &number)); return Value::float64(number);
      case AVRO_STRING:
        check(avro_value_get_string(&from, &text, &size));
        return Value::text(std::string(text, size - 1));
      case AVRO_BYTES:
        check(avro_value_get_bytes(&from, &bytes, &size));
        return Value::bytes(size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size));
      default: return taken_items(from, schema);
    }
  }

  avro_schema_t schema_ = nullptr;
  avro_value_iface_t* class_ = nullptr;
  avro_value_t value_{};
};

std::uint32_t fresh_seed() {
  const char* const given = std::getenv("TAILRACE_SEED");
  const std::uint32_t seed =
      given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
  std::printf("seed %u (TAILRACE_SEED)\n", seed);
  return seed;
}

// Without it: an encoder and a decoder that are wrong in the same way.
TEST(AvroOracle, LibavroReadsWhatWeWriteAndWritesWhatWeRead) {
  testing::Samples samples(fresh_seed());
  for (int i = 0; i < 300; ++i) {
    const SchemaPtr schema = required_of(samples.record(3));
    const std::string document = avro_document(*schema);
    SCOPED_TRACE(document);
    Oracle oracle(document);
    const AvroDecoder decoder(parse_avro(document));
    ASSERT_TRUE(*decoder.schema() == *schema) << json_schema(*decoder.schema()) << "\n"
                                              << json_schema(*schema);
    for (int k = 0; k < 5; ++k) {
      const Value value = samples.value(*schema);
      const std::string ours = testing::avro_of(document, *schema, value);
      ASSERT_EQ(testing::hex(ours), testing::hex(oracle.write(*schema, value)));
      ASSERT_TRUE(testing::same_value(oracle.read(*schema, ours), value));
      ASSERT_TRUE(testing::same_value(decoder.decode(ours), value));
    }
  }
}

// What libavro cannot judge, JSON, comes back as it went, with the schema and without.
TEST(JsonRoundTrip, RandomSchemasAndValuesComeBack) {
  testing::Samples samples(fresh_seed());
  for (int i = 0; i < 300; ++i) {
    const SchemaPtr schema = samples.schema(3);
    for (int k = 0; k < 5; ++k) {
      const Value value = samples.value(*schema);
      const std::string plain = testing::json_of(*schema, value, DecimalFormat::base64);
      SCOPED_TRACE(plain);
      const SchemaAndValue read = parse_json_envelope(json_envelope_head(*schema) + plain + "}");
      ASSERT_TRUE(*read.schema == *schema);
      ASSERT_TRUE(testing::same_value(read.value, value));
      const std::string numeric = testing::json_of(*schema, value, DecimalFormat::numeric);
      ASSERT_TRUE(testing::same_value(value_of_json(*schema, parse_json(numeric)), value)) << numeric;
    }
  }
}

}  // namespace
}  // namespace tailrace::record
