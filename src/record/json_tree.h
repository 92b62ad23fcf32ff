// JSON from outside, as a tree: numbers keep their text, members their order, depth and size are bounded.
//
// Errors   protocol, with the place, where it is no JSON; a member that comes twice is one that is read twice.
// Threads  A value.
// Source   RFC 8259.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailrace::record {

struct Json {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };

  Kind kind = Kind::null;
  bool truth = false;
  std::string text = {};  // Of a string; of a number, as it stood there.
  std::vector<Json> items = {};
  std::vector<std::pair<std::string, Json>> members = {};

  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_array() const { return kind == Kind::array; }
  bool is_object() const { return kind == Kind::object; }
  bool is_number() const { return kind == Kind::integer || kind == Kind::number; }
  // The member of that name, the last one, or nullptr.
  const Json* find(std::string_view name) const;
  // Its text where it is a string, else nothing.
  const std::string* find_string(std::string_view name) const;
  // Where it is a whole number of 64 bits.
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;
};

constexpr std::size_t max_json_depth = 256;

Json parse_json(std::string_view text);

}  // namespace tailrace::record
