// Schemas and values for tests: random ones from a seed, and short ways through the codecs.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "record/json_writer.h"
#include "record/schema.h"
#include "record/write_value.h"

namespace tailrace::record::testing {

std::string hex(std::string_view bytes);
std::string from_hex(std::string_view digits);  // Blanks between digits are for the reader.

std::string json_of(const Schema& schema, const Value& value, DecimalFormat decimals);
// Encoded with the plan of a document.
std::string avro_of(std::string_view document, const Schema& schema, const Value& value,
                    NullPolicy nulls = NullPolicy::keep);
// The members of every object in the order of their names.
std::string with_sorted_keys(std::string_view json);
// As operator==, but NaN is NaN.
bool same_value(const Value& one, const Value& other);

// Schemas of every type, nested up to `depth`; values of them, with the ends of each range among them.
class Samples {
 public:
  explicit Samples(std::uint32_t seed) : random_(seed) {}

  SchemaPtr schema(int depth);
  // Structs alone, whose names are their own: Avro's oracle takes records.
  SchemaPtr record(int depth);
  Value value(const Schema& schema);
  std::string bytes(std::size_t limit);
  std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

 private:
  Value required_value(const Schema& schema);
  std::int64_t integer(int bits);
  std::string text();
  double float64();
  void decorate(Schema& schema);

  std::mt19937 random_;
  int names_ = 0;
};

}  // namespace tailrace::record::testing
