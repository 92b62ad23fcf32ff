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

  void all(const Wanted* wanted, Value& into) {
    if (wanted == nullptr) {
      node(decoder_.root_, into);
    } else {
      node(decoder_.root_, *wanted, into);
    }
    if (at_ != bytes_.size()) refuse_bytes("the value ends", at_);
  }

 private:
  using Kind = AvroDecoder::Kind;
  using Node = AvroDecoder::Node;

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) refuse_bytes("they end too early", bytes_.size());
    at_ += count;
    return {bytes_.data() + at_ - count, count};
  }

  std::int64_t number() {
    // Most of them are small: branches, lengths, days.
    if (at_ < bytes_.size() && static_cast<std::uint8_t>(bytes_[at_]) < 0x80) {
      const auto bits = static_cast<std::uint8_t>(bytes_[at_++]);
      return bits >> 1 ^ -(bits & 1);
    }
    return long_number();
  }

  std::int64_t long_number() {
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

  void record(const Node& node, Value& into) {
    List& fields = into.make<List>();
    fields.resize(node.children.size());
    for (std::size_t i = 0; i < fields.size(); ++i)
      this->node(node.children[i], fields[i]);
  }

  void record(const Node& node, const Wanted& wanted, Value& into) {
    List& fields = into.make<List>();
    fields.resize(node.children.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i < wanted.fields.size() && !wanted.fields[i]) {
        skip(node.children[i]);
        fields[i].make<std::monostate>();
      } else if (i < wanted.inside.size() && !wanted.inside[i].fields.empty()) {
        this->node(node.children[i], wanted.inside[i], fields[i]);
      } else {
        this->node(node.children[i], fields[i]);
      }
    }
  }

  // A struct, or one that may be NULL.
  void node(std::uint32_t which, const Wanted& wanted, Value& into) {
    const Node& node = decoder_.nodes_[which];
    if (node.kind == Kind::optional) return this->node(node.children[index(2)], wanted, into);
    return node.kind == Kind::record ? record(node, wanted, into) : this->node(which, into);
  }

  // Read over, with every check that reading has.
  void skip(std::uint32_t which) {
    const Node& node = decoder_.nodes_[which];
    switch (node.kind) {
      case Kind::null: return;
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
      default: {
        Value unused;
        this->node(which, unused);
        return;
      }
    }
  }

  void array(const Node& node, Value& into) {
    List& items = into.make<List>();
    items.clear();
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i)
        this->node(node.children[0], items.emplace_back());
    }
  }

  void map(const Node& node, Value& into) {
    Entries& entries = into.make<Entries>();
    entries.clear();
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i) {
        auto& [key, element] = entries.emplace_back();
        this->node(node.children[0], key);
        this->node(node.children[1], element);
      }
    }
  }

  // A struct with a field for each branch but null, as avro_connect.cpp makes it.
  void choice(const Node& node, Value& into) {
    const std::size_t chosen = index(node.children.size());
    if (decoder_.nodes_[node.children[chosen]].kind == Kind::null) {
      into.make<std::monostate>();
      return;
    }
    List& fields = into.make<List>();
    fields.clear();
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (decoder_.nodes_[node.children[i]].kind == Kind::null) continue;
      Value& field = fields.emplace_back();
      if (i == chosen) this->node(node.children[i], field);
    }
  }

  void node(std::uint32_t which, Value& into) {
    const Node& node = decoder_.nodes_[which];
    switch (node.kind) {
      case Kind::null: into.make<std::monostate>(); return;
      case Kind::boolean: into.make<bool>() = boolean(); return;
      case Kind::int_:
      case Kind::long_: into.make<std::int64_t>() = integer(node); return;
      case Kind::float32: into.make<float>() = floating<float>(); return;
      case Kind::float64: into.make<double>() = floating<double>(); return;
      case Kind::sized: into.make<std::string>() = take(length()); return;
      case Kind::fixed: into.make<std::string>() = take(node.size); return;
      case Kind::symbol: into.make<std::string>() = node.symbols[index(node.symbols.size())]; return;
      case Kind::record: record(node, into); return;
      case Kind::array: array(node, into); return;
      case Kind::map: map(node, into); return;
      case Kind::optional: this->node(node.children[index(2)], into); return;
      case Kind::choice: choice(node, into); return;
    }
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
  Value value;
  decode(bytes, nullptr, value);
  return value;
}

Value AvroDecoder::decode(std::string_view bytes, const Wanted& wanted) const {
  Value value;
  decode(bytes, &wanted, value);
  return value;
}

void AvroDecoder::decode(std::string_view bytes, const Wanted* wanted, Value& into) const {
  AvroReading(*this, bytes).all(wanted, into);
}

}  // namespace tailrace::record
