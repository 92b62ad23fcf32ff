// The Avro decoder: compiled once from the writer's schema, it turns bytes into values of the Connect schema that this means.
//
// Errors   compile: as avro_type.h. decode: protocol, where the bytes end too early, go on behind the value, or say what the schema
//          does not have. Text is not looked at: whether it is UTF-8 is asked where it is used.
// Threads  Immutable once compiled.
// Source   Avro 1.12 specification, Binary Encoding; Confluent's AvroData.toConnectData.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/avro_type.h"

namespace tailrace::record {

// Which fields of a struct are wanted, and which of the structs in them; for all that it does not say, all are.
struct Wanted {
  std::vector<bool> fields = {};
  std::vector<Wanted> inside = {};  // By field; empty: the whole of it.
};

class AvroDecoder {
 public:
  explicit AvroDecoder(const AvroTypePtr& type);

  const SchemaPtr& schema() const { return schema_; }
  // All of the bytes are one value. What is made is bounded by their number: elements that take no bytes are not believed.
  Value decode(std::string_view bytes) const;
  // Of a struct: what is not wanted is read over, and NULL.
  Value decode(std::string_view bytes, const Wanted& wanted) const;
  // Into a value whose memory is used again; `wanted` nullptr: all of it. Behind an error it holds nothing that means anything.
  void decode(std::string_view bytes, const Wanted* wanted, Value& into) const;

 private:
  friend class AvroReading;

  enum class Kind : std::uint8_t {
    null,
    boolean,
    int_,
    long_,
    float32,
    float64,
    sized,  // Bytes and strings.
    fixed,
    symbol,
    record,
    array,   // Child: the element.
    map,     // Children: key, element.
    choice,  // A union that is a struct; children: the branches.
  };
  // Where NULL stands in the union that the value is the other branch of; numbered as the branches are.
  enum class Null : std::uint8_t { first, second, never };
  // Small, as all of them are looked at for every record.
  struct Node {
    Kind kind = Kind::null;
    Null null = Null::never;
    std::uint8_t bits = 32;
    std::uint32_t first = 0;  // Of its children in children_; of a symbol: its list in symbols_.
    std::uint32_t count = 0;  // Of its children.
    std::size_t size = 0;     // Of a fixed.
  };

  std::uint32_t add(const AvroTypePtr& type);
  std::uint32_t add_node(const Node& node);
  Node node_of(const AvroType& type);
  void give_children(Node& node, const std::vector<std::uint32_t>& children);

  SchemaPtr schema_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> children_;  // Of each node one behind the other.
  std::vector<std::vector<std::string>> symbols_;
  std::vector<std::pair<const AvroType*, std::uint32_t>>
      known_;  // While it is compiled: a type that is used twice is one node.
  std::uint32_t root_ = 0;
};

}  // namespace tailrace::record
