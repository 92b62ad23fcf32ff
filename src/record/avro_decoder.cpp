// Decoding Avro: every length is held against the bytes that are there.
#include "record/avro_decoder.h"

#include <cstring>
#include <limits>

#include "base/error.h"

namespace tailrace::record {
namespace {

[[noreturn]] void refuse_bytes(std::string_view why, std::size_t at) {
  throw Error(ErrorKind::protocol, "Bytes that are not Avro of their schema: " + std::string(why) +
                                       " at byte " + std::to_string(at) + ".");
}

// A few elements that take no bytes are nothing strange.
constexpr std::size_t free_elements = 1'024;

}  // namespace

// One value being read.
class AvroReading {
 public:
  AvroReading(const AvroDecoder& decoder, std::string_view bytes)
      : decoder_(decoder), bytes_(bytes), elements_left_(bytes.size() + free_elements) {}

  Value all(const Wanted* wanted) {
    Value value = wanted == nullptr ? node(decoder_.root_) : node(decoder_.root_, *wanted);
    if (at_ != bytes_.size()) refuse_bytes("the value ends", at_);
    return value;
  }

 private:
  using Kind = AvroDecoder::Kind;
  using Node = AvroDecoder::Node;

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) refuse_bytes("they end too early", bytes_.size());
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  std::int64_t number() {
    std::uint64_t bits = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(take(1).front());
      if (shift == 63 && byte > 1) break;
      bits |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return static_cast<std::int64_t>(bits >> 1 ^ (~(bits & 1) + 1));
    }
    refuse_bytes("a number of more than 64 bits", at_);
  }

  std::int64_t integer(const Node& node) {
    const std::int64_t value = number();
    const int unused = 64 - node.bits;
    if (static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused != value) {
      refuse_bytes("a number of more bits than its type has", at_);
    }
    return value;
  }

  std::size_t length() {
    const std::int64_t value = number();
    if (value < 0) refuse_bytes("a negative length", at_);
    return static_cast<std::size_t>(value);
  }

  std::size_t index(std::size_t count) {
    const std::int64_t value = number();
    if (value < 0 || static_cast<std::uint64_t>(value) >= count)
      refuse_bytes("a branch that is not there", at_);
    return static_cast<std::size_t>(value);
  }

  bool boolean() {
    const char byte = take(1).front();
    if (byte != 0 && byte != 1) refuse_bytes("a boolean that is neither", at_);
    return byte == 1;
  }

  template <class Number>
  Number floating() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  // Elements of the next block; 0 at the end. A block may say its size in bytes, which is not needed.
  std::size_t block() {
    std::int64_t count = number();
    if (count < 0) {
      if (count == std::numeric_limits<std::int64_t>::min()) refuse_bytes("a block of no size", at_);
      count = -count;
      if (length() > bytes_.size() - at_) refuse_bytes("a block that is longer than the bytes", at_);
    }
    if (static_cast<std::uint64_t>(count) > elements_left_) refuse_bytes("more elements than bytes", at_);
    elements_left_ -= static_cast<std::size_t>(count);
    return static_cast<std::size_t>(count);
  }

  Value record(const Node& node) {
    List fields;
    fields.reserve(node.children.size());
    for (const std::uint32_t child : node.children)
      fields.push_back(this->node(child));
    return Value::list(std::move(fields));
  }

  Value record(const Node& node, const Wanted& wanted) {
    List fields;
    fields.reserve(node.children.size());
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (i < wanted.fields.size() && !wanted.fields[i]) {
        skip(node.children[i]);
        fields.emplace_back();
      } else if (i < wanted.inside.size() && !wanted.inside[i].fields.empty()) {
        fields.push_back(this->node(node.children[i], wanted.inside[i]));
      } else {
        fields.push_back(this->node(node.children[i]));
      }
    }
    return Value::list(std::move(fields));
  }

  // A struct, or one that may be NULL.
  Value node(std::uint32_t which, const Wanted& wanted) {
    const Node& node = decoder_.nodes_[which];
    if (node.kind == Kind::optional) return this->node(node.children[index(2)], wanted);
    return node.kind == Kind::record ? record(node, wanted) : this->node(which);
  }

  // Read over, with every check that reading has.
  void skip(std::uint32_t which) {
    const Node& node = decoder_.nodes_[which];
    switch (node.kind) {
      case Kind::int_:
      case Kind::long_: integer(node); return;
      case Kind::float32: take(sizeof(float)); return;
      case Kind::float64: take(sizeof(double)); return;
      case Kind::sized: take(length()); return;
      case Kind::fixed: take(node.size); return;
      case Kind::optional: skip(node.children[index(2)]); return;
      case Kind::record:
        for (const std::uint32_t child : node.children)
          skip(child);
        return;
      default: static_cast<void>(this->node(which)); return;
    }
  }

  Value array(const Node& node) {
    List items;
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i)
        items.push_back(this->node(node.children[0]));
    }
    return Value::list(std::move(items));
  }

  Value map(const Node& node) {
    Entries entries;
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i) {
        Value key = this->node(node.children[0]);
        entries.emplace_back(std::move(key), this->node(node.children[1]));
      }
    }
    return Value::map(std::move(entries));
  }

  // A struct with a field for each branch but null, as avro_connect.cpp makes it.
  Value choice(const Node& node) {
    const std::size_t chosen = index(node.children.size());
    List fields;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool is_null = decoder_.nodes_[node.children[i]].kind == Kind::null;
      if (i == chosen && is_null) return Value();
      if (!is_null) fields.push_back(i == chosen ? this->node(node.children[i]) : Value());
    }
    return Value::list(std::move(fields));
  }

  Value node(std::uint32_t which) {
    const Node& node = decoder_.nodes_[which];
    switch (node.kind) {
      case Kind::null: return Value();
      case Kind::boolean: return Value::boolean(boolean());
      case Kind::int_:
      case Kind::long_: return Value::integer(integer(node));
      case Kind::float32: return Value::float32(floating<float>());
      case Kind::float64: return Value::float64(floating<double>());
      case Kind::sized: return Value::bytes(std::string(take(length())));
      case Kind::fixed: return Value::bytes(std::string(take(node.size)));
      case Kind::symbol: return Value::text(node.symbols[index(node.symbols.size())]);
      case Kind::record: return record(node);
      case Kind::array: return array(node);
      case Kind::map: return map(node);
      case Kind::optional: return this->node(node.children[index(2)]);
      case Kind::choice: return choice(node);
    }
    return Value();
  }

  const AvroDecoder& decoder_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t elements_left_;
};

AvroDecoder::AvroDecoder(const AvroTypePtr& type) : schema_(connect_schema(*type)) {
  root_ = add(type);
  known_.clear();
}

std::uint32_t AvroDecoder::add(const AvroTypePtr& type) {
  for (const auto& [known, index] : known_) {
    if (known == type.get()) return index;
  }
  Node node;
  add_children(node, *type);
  nodes_.push_back(std::move(node));
  const auto index = static_cast<std::uint32_t>(nodes_.size() - 1);
  if (!type->name.empty()) known_.emplace_back(type.get(), index);
  return index;
}

void AvroDecoder::add_children(Node& node, const AvroType& type) {
  switch (type.kind) {
    case AvroKind::null: node.kind = Kind::null; return;
    case AvroKind::boolean: node.kind = Kind::boolean; return;
    case AvroKind::int_: {
      node.kind = Kind::int_;
      const SchemaType connect_type = connect_schema(type)->type;
      node.bits = connect_type == SchemaType::int8 ? 8 : connect_type == SchemaType::int16 ? 16 : 32;
      return;
    }
    case AvroKind::long_:
      node.kind = Kind::long_;
      node.bits = 64;
      return;
    case AvroKind::float_: node.kind = Kind::float32; return;
    case AvroKind::double_: node.kind = Kind::float64; return;
    case AvroKind::bytes:
    case AvroKind::string: node.kind = Kind::sized; return;
    case AvroKind::fixed:
      node.kind = Kind::fixed;
      node.size = type.size;
      return;
    case AvroKind::enum_:
      node.kind = Kind::symbol;
      node.symbols = type.symbols;
      return;
    case AvroKind::record:
      node.kind = Kind::record;
      for (const AvroField& field : type.fields)
        node.children.push_back(add(field.type));
      return;
    case AvroKind::array:
      node.kind = type.is_map_entries() ? Kind::map : Kind::array;
      if (node.kind == Kind::array) {
        node.children.push_back(add(type.branches[0]));
      } else {
        for (const AvroField& field : type.branches[0]->fields)
          node.children.push_back(add(field.type));
      }
      return;
    case AvroKind::map: {
      node.kind = Kind::map;
      Node key;
      key.kind = Kind::sized;
      nodes_.push_back(std::move(key));
      node.children = {static_cast<std::uint32_t>(nodes_.size() - 1)};
      node.children.push_back(add(type.branches[0]));
      return;
    }
    case AvroKind::union_:
      node.kind = type.optional_branch() != nullptr ? Kind::optional : Kind::choice;
      for (const AvroTypePtr& branch : type.branches)
        node.children.push_back(add(branch));
      return;
  }
}

Value AvroDecoder::decode(std::string_view bytes) const {
  return AvroReading(*this, bytes).all(nullptr);
}

Value AvroDecoder::decode(std::string_view bytes, const Wanted& wanted) const {
  return AvroReading(*this, bytes).all(&wanted);
}

}  // namespace tailrace::record
