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
  using Null = AvroDecoder::Null;

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

  const std::uint32_t* children(const Node& node) const { return decoder_.children_.data() + node.first; }

  // The branch is read, where there is one.
  bool is_null(const Node& node) {
    return node.null != Null::never && index(2) == static_cast<std::size_t>(node.null);
  }

  void record(const Node& node, Value& into) {
    List& fields = into.make<List>();
    fields.resize(node.count);
    const std::uint32_t* child = children(node);
    for (Value& field : fields)
      this->node(*child++, field);
  }

  void record(const Node& node, const Wanted& wanted, Value& into) {
    List& fields = into.make<List>();
    fields.resize(node.count);
    const std::uint32_t* const child = children(node);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i < wanted.fields.size() && !wanted.fields[i]) {
        skip(child[i]);
        fields[i].make<std::monostate>();
      } else if (i < wanted.inside.size() && !wanted.inside[i].fields.empty()) {
        this->node(child[i], wanted.inside[i], fields[i]);
      } else {
        this->node(child[i], fields[i]);
      }
    }
  }

  // Of a struct what is wanted.
  void node(std::uint32_t which, const Wanted& wanted, Value& into) {
    const Node& node = decoder_.nodes_[which];
    if (node.kind != Kind::record) return this->node(which, into);
    if (is_null(node)) {
      into.make<std::monostate>();
    } else {
      record(node, wanted, into);
    }
  }

  // Read over, with every check that reading has.
  void skip(std::uint32_t which) {
    const Node& node = decoder_.nodes_[which];
    if (is_null(node)) return;
    switch (node.kind) {
      case Kind::null: return;
      case Kind::int_:
      case Kind::long_: integer(node); return;
      case Kind::float32: take(sizeof(float)); return;
      case Kind::float64: take(sizeof(double)); return;
      case Kind::sized: take(length()); return;
      case Kind::fixed: take(node.size); return;
      case Kind::record: {
        const std::uint32_t* const first = children(node);
        for (const std::uint32_t* child = first; child != first + node.count; ++child)
          skip(*child);
        return;
      }
      default: {
        Value unused;
        value(node, unused);
        return;
      }
    }
  }

  void array(const Node& node, Value& into) {
    List& items = into.make<List>();
    items.clear();
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i)
        this->node(*children(node), items.emplace_back());
    }
  }

  void map(const Node& node, Value& into) {
    Entries& entries = into.make<Entries>();
    entries.clear();
    while (const std::size_t count = block()) {
      for (std::size_t i = 0; i < count; ++i) {
        auto& [key, element] = entries.emplace_back();
        this->node(children(node)[0], key);
        this->node(children(node)[1], element);
      }
    }
  }

  // A struct with a field for each branch but null, as avro_connect.cpp makes it.
  void choice(const Node& node, Value& into) {
    const std::uint32_t* const branches = children(node);
    const std::size_t chosen = index(node.count);
    if (decoder_.nodes_[branches[chosen]].kind == Kind::null) {
      into.make<std::monostate>();
      return;
    }
    List& fields = into.make<List>();
    fields.clear();
    for (std::size_t i = 0; i < node.count; ++i) {
      if (decoder_.nodes_[branches[i]].kind == Kind::null) continue;
      Value& field = fields.emplace_back();
      if (i == chosen) this->node(branches[i], field);
    }
  }

  const std::string& symbol(const Node& node) {
    const std::vector<std::string>& symbols = decoder_.symbols_[node.first];
    return symbols[index(symbols.size())];
  }

  void node(std::uint32_t which, Value& into) {
    const Node& node = decoder_.nodes_[which];
    if (is_null(node)) {
      into.make<std::monostate>();
    } else {
      value(node, into);
    }
  }

  void value(const Node& node, Value& into) {
    switch (node.kind) {
      case Kind::null: into.make<std::monostate>(); return;
      case Kind::boolean: into.make<bool>() = boolean(); return;
      case Kind::int_:
      case Kind::long_: into.make<std::int64_t>() = integer(node); return;
      case Kind::float32: into.make<float>() = floating<float>(); return;
      case Kind::float64: into.make<double>() = floating<double>(); return;
      case Kind::sized: into.make<std::string>() = take(length()); return;
      case Kind::fixed: into.make<std::string>() = take(node.size); return;
      case Kind::symbol: into.make<std::string>() = symbol(node); return;
      case Kind::record: record(node, into); return;
      case Kind::array: array(node, into); return;
      case Kind::map: map(node, into); return;
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
  const std::uint32_t index = add_node(node_of(*type));
  if (!type->name.empty()) known_.emplace_back(type.get(), index);
  return index;
}

std::uint32_t AvroDecoder::add_node(const Node& node) {
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void AvroDecoder::give_children(Node& node, const std::vector<std::uint32_t>& children) {
  node.first = static_cast<std::uint32_t>(children_.size());
  node.count = static_cast<std::uint32_t>(children.size());
  children_.insert(children_.end(), children.begin(), children.end());
}

AvroDecoder::Node AvroDecoder::node_of(const AvroType& type) {
  Node node;
  std::vector<std::uint32_t> children;
  switch (type.kind) {
    case AvroKind::null: node.kind = Kind::null; break;
    case AvroKind::boolean: node.kind = Kind::boolean; break;
    case AvroKind::int_: {
      node.kind = Kind::int_;
      const SchemaType connect_type = connect_schema(type)->type;
      node.bits = connect_type == SchemaType::int8 ? 8 : connect_type == SchemaType::int16 ? 16 : 32;
      break;
    }
    case AvroKind::long_:
      node.kind = Kind::long_;
      node.bits = 64;
      break;
    case AvroKind::float_: node.kind = Kind::float32; break;
    case AvroKind::double_: node.kind = Kind::float64; break;
    case AvroKind::bytes:
    case AvroKind::string: node.kind = Kind::sized; break;
    case AvroKind::fixed:
      node.kind = Kind::fixed;
      node.size = type.size;
      break;
    case AvroKind::enum_:
      node.kind = Kind::symbol;
      node.first = static_cast<std::uint32_t>(symbols_.size());
      symbols_.push_back(type.symbols);
      return node;
    case AvroKind::record:
      node.kind = Kind::record;
      for (const AvroField& field : type.fields)
        children.push_back(add(field.type));
      break;
    case AvroKind::array:
      node.kind = type.is_map_entries() ? Kind::map : Kind::array;
      if (node.kind == Kind::array) {
        children.push_back(add(type.branches[0]));
      } else {
        for (const AvroField& field : type.branches[0]->fields)
          children.push_back(add(field.type));
      }
      break;
    case AvroKind::map: {
      node.kind = Kind::map;
      Node key;
      key.kind = Kind::sized;
      children = {add_node(key), add(type.branches[0])};
      break;
    }
    case AvroKind::union_:
      if (const AvroTypePtr* const other = type.optional_branch(); other != nullptr) {
        node = nodes_[add(*other)];
        node.null = other == type.branches.data() ? Null::second : Null::first;
        return node;
      }
      node.kind = Kind::choice;
      for (const AvroTypePtr& branch : type.branches)
        children.push_back(add(branch));
      break;
  }
  give_children(node, children);
  return node;
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
