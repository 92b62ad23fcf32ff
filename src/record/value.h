// A value of any schema, as a tree: what decoders make, and what the simple way into the encoders takes.
//
// Shape    Logical types are kept as they travel: a decimal is the bytes of its two's complement (decimal.h), a date the
//          number of its days. Text and bytes are both std::string; the schema says which. A struct is the list of its
//          fields' values in the schema's order.
// Threads  A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tailrace::record {

class Value;
using List = std::vector<Value>;                       // Elements of an array, or fields of a struct.
using Entries = std::vector<std::pair<Value, Value>>;  // Of a map, in the order they came.

class Value {
 public:
  // Every integer type is an int64; the schema says how wide it may be.
  using Held = std::variant<std::monostate, bool, std::int64_t, float, double, std::string, List, Entries>;

  Value() = default;  // NULL
  static Value null() { return {}; }
  static Value boolean(bool value) { return Value(Held(std::in_place_type<bool>, value)); }
  static Value integer(std::int64_t value) { return Value(Held(std::in_place_type<std::int64_t>, value)); }
  static Value float32(float value) { return Value(Held(std::in_place_type<float>, value)); }
  static Value float64(double value) { return Value(Held(std::in_place_type<double>, value)); }
  static Value text(std::string value) {
    return Value(Held(std::in_place_type<std::string>, std::move(value)));
  }
  static Value bytes(std::string value) { return text(std::move(value)); }
  static Value list(List value) { return Value(Held(std::in_place_type<List>, std::move(value))); }
  static Value map(Entries value) { return Value(Held(std::in_place_type<Entries>, std::move(value))); }

  bool is_null() const { return held_.index() == 0; }
  const Held& held() const { return held_; }
  // The value where it is of that type, else nullptr.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&held_);
  }

  // The value becomes one of that type. Where it is one already it keeps what it holds, for whoever fills one value again and again:
  // it then needs no new memory.
  template <class T>
  T& make() {
    T* const held = std::get_if<T>(&held_);
    return held != nullptr ? *held : held_.emplace<T>();
  }

  bool operator==(const Value& other) const = default;

 private:
  explicit Value(Held held) : held_(std::move(held)) {}

  Held held_;
};

}  // namespace tailrace::record
