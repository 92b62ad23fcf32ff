// Random schemas and values.
#include "record/testing/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "record/avro_plan.h"
#include "record/decimal.h"
#include "record/json_text.h"
#include "record/json_tree.h"
#include "record/write_value.h"

namespace tailrace::record::testing {
namespace {

void put_sorted(ByteBuffer& out, const Json& json) {
  switch (json.kind) {
    case Json::Kind::null: return out.put_bytes("null");
    case Json::Kind::boolean: return out.put_bytes(json.truth ? "true" : "false");
    case Json::Kind::integer:
    case Json::Kind::number: return out.put_bytes(json.text);
    case Json::Kind::string: return put_json_string(out, json.text, Supplementary::plain);
    case Json::Kind::array:
      for (std::size_t i = 0; i < json.items.size(); ++i) {
        out.put_byte(i == 0 ? '[' : ',');
        put_sorted(out, json.items[i]);
      }
      return out.put_bytes(json.items.empty() ? "[]" : "]");
    case Json::Kind::object: break;
  }
  auto members = json.members;
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < members.size(); ++i) {
    out.put_byte(i == 0 ? '{' : ',');
    put_json_string(out, members[i].first, Supplementary::plain);
    out.put_byte(':');
    put_sorted(out, members[i].second);
  }
  out.put_bytes(members.empty() ? "{}" : "}");
}

template <class Number>
bool same_number(const Value& one, const Value& other) {
  const Number* const a = one.as<Number>();
  const Number* const b = other.as<Number>();
  return a != nullptr && b != nullptr && std::isnan(*a) && std::isnan(*b);
}

}  // namespace

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[static_cast<std::uint8_t>(c) >> 4];
    out += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

std::string from_hex(std::string_view digits) {
  std::string together(digits);
  std::erase(together, ' ');
  std::string bytes;
  for (std::size_t i = 0; i + 1 < together.size(); i += 2)
    bytes += static_cast<char>(std::stoi(together.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string json_of(const Schema& schema, const Value& value, DecimalFormat decimals) {
  ByteBuffer out;
  JsonWriter writer(JsonPlan::compile(schema, decimals), out);
  write_value(writer, schema, value);
  return writer.is_finished() ? out.str() : "not finished: " + out.str();
}

std::string avro_of(std::string_view document, const Schema& schema, const Value& value, NullPolicy nulls) {
  ByteBuffer out;
  AvroWriter writer(AvroPlan::compile(*parse_avro(document)), out);
  write_value(writer, schema, value, nulls);
  return writer.is_finished() ? out.str() : "not finished: " + out.str();
}

std::string with_sorted_keys(std::string_view json) {
  ByteBuffer out;
  put_sorted(out, parse_json(json));
  return out.str();
}

bool same_value(const Value& one, const Value& other) {
  if (same_number<float>(one, other) || same_number<double>(one, other)) return true;
  if (const List* const items = one.as<List>()) {
    const List* const others = other.as<List>();
    return others != nullptr &&
           std::equal(items->begin(), items->end(), others->begin(), others->end(), same_value);
  }
  if (const Entries* const entries = one.as<Entries>()) {
    const Entries* const others = other.as<Entries>();
    return others != nullptr && std::equal(entries->begin(), entries->end(), others->begin(), others->end(),
                                           [](const auto& a, const auto& b) {
                                             return same_value(a.first, b.first) &&
                                                    same_value(a.second, b.second);
                                           });
  }
  return one == other;
}

std::string Samples::bytes(std::size_t limit) {
  std::string out(below(static_cast<std::uint32_t>(limit)), '\0');
  for (char& c : out)
    c = static_cast<char>(random_());
  return out;
}

std::string Samples::text() {
  constexpr std::string_view pieces[] = {"a", "Z", "0", " ", "\"", "\\", "\n", "\x01", "\x7f", "ä", "€", "😀"};
  std::string out;
  for (std::uint32_t i = below(5) == 0 ? below(300) : below(6); i > 0; --i)
    out += pieces[below(std::size(pieces))];
  return out;
}

std::int64_t Samples::integer(int bits) {
  const std::int64_t maximum = std::numeric_limits<std::int64_t>::max() >> (64 - bits);
  const std::int64_t edges[] = {0, 1, -1, 63, 64, -64, -65, maximum, -maximum - 1};
  if (below(3) == 0) return edges[below(std::size(edges))];
  const auto any = static_cast<std::int64_t>(std::uint64_t{random_()} << 32 | random_());
  return any >> (64 - bits) >> below(static_cast<std::uint32_t>(bits));
}

double Samples::float64() {
  constexpr double edges[] = {0.0, -0.0, 1.0, 0.1, 4.9e-324, 1.7976931348623157e308, 1e7, 1e-3, 123456.789};
  if (below(2) == 0) return edges[below(std::size(edges))];
  return std::ldexp(static_cast<double>(integer(54)), static_cast<int>(below(400)) - 200);
}

void Samples::decorate(Schema& schema) {
  schema.optional = below(2) == 0;
  if (below(4) == 0) schema.version = static_cast<std::int32_t>(below(9)) + 1;
  if (below(8) == 0) schema.doc = "said \"so\"";
  if (below(8) == 0) schema.parameters.emplace_back("a.b", "c");
  if (below(3) == 0 && schema.type < SchemaType::array) schema.fallback = required_value(schema);
  // libavro cannot read a document with U+0000 in it.
  if (schema.fallback && schema.type == SchemaType::bytes) {
    std::string bytes = *schema.fallback->as<std::string>();
    std::replace(bytes.begin(), bytes.end(), '\0', '\1');
    schema.fallback = Value::bytes(std::move(bytes));
  }
}

SchemaPtr Samples::schema(int depth) {
  const std::uint32_t kinds = depth > 0 ? 13 : 10;
  const std::uint32_t kind = below(kinds);
  if (kind == 9) return decimal_schema(static_cast<std::int32_t>(below(38)), 38, below(2) == 0);
  if (kind == 12) return record(depth);
  Schema schema;
  schema.type = kind < 9 ? static_cast<SchemaType>(kind) : kind == 10 ? SchemaType::array : SchemaType::map;
  if (schema.type == SchemaType::map)
    schema.key = schema_of(below(2) == 0 ? SchemaType::string : SchemaType::int32);
  if (kind > 9) schema.element = this->schema(depth - 1);
  decorate(schema);
  // Entries of maps are records in Avro, which have one name each.
  if (schema.type == SchemaType::map) schema.name = "maps.M" + std::to_string(++names_);
  return make_schema(std::move(schema));
}

SchemaPtr Samples::record(int depth) {
  Schema schema{.type = SchemaType::struct_};
  const std::uint32_t fields = 1 + below(12);  // libavro has no arrays of records without fields.
  for (std::uint32_t i = 0; i < fields; ++i)
    schema.fields.push_back({"f" + std::to_string(i), this->schema(depth - 1)});
  // A second use of a record is a reference to it.
  if (below(2) == 0) schema.fields.push_back({"again", optional_of(schema.fields[0].schema)});
  decorate(schema);
  schema.name = (below(2) == 0 ? "one.two.R" : "three.R") + std::to_string(++names_);
  return make_schema(std::move(schema));
}

Value Samples::value(const Schema& schema) {
  return schema.optional && below(3) == 0 ? Value() : required_value(schema);
}

Value Samples::required_value(const Schema& schema) {
  switch (schema.type) {
    case SchemaType::boolean: return Value::boolean(below(2) == 0);
    case SchemaType::int8: return Value::integer(integer(8));
    case SchemaType::int16: return Value::integer(integer(16));
    case SchemaType::int32: return Value::integer(integer(32));
    case SchemaType::int64: return Value::integer(integer(64));
    case SchemaType::float32: return Value::float32(static_cast<float>(integer(26)) / 8);
    case SchemaType::float64: return Value::float64(float64());
    case SchemaType::string: return Value::text(text());
    case SchemaType::bytes:
      if (is_decimal(schema)) return Value::bytes(decimal_bytes(int128{integer(64)} * integer(60)));
      return Value::bytes(bytes(200));
    case SchemaType::array:
    case SchemaType::map:
    case SchemaType::struct_: break;
  }
  List items;
  Entries entries;
  for (const Field& field : schema.fields)
    items.push_back(value(*field.schema));
  for (std::uint32_t i = schema.element ? below(4) : 0; i > 0; --i) {
    if (schema.key) {
      Value key =
          schema.key->type == SchemaType::string ? Value::text("k" + std::to_string(i)) : Value::integer(i);
      entries.emplace_back(std::move(key), value(*schema.element));
    } else {
      items.push_back(value(*schema.element));
    }
  }
  return schema.key ? Value::map(std::move(entries)) : Value::list(std::move(items));
}

}  // namespace tailrace::record::testing
