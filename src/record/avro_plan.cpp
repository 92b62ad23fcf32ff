// Compiling plans, and driving them by values.
#include "record/avro_plan.h"

namespace tailrace::record {
namespace {

std::uint8_t bits_of(const AvroType& type) {
  if (type.kind == AvroKind::long_) return 64;
  const std::string* const connect_type = type.properties.find_string("connect.type");
  if (connect_type == nullptr || type.properties.find("logicalType") != nullptr) return 32;
  return *connect_type == "int8" ? 8 : *connect_type == "int16" ? 16 : 32;
}

AvroOperation::Kind operation_of(const AvroType& type) {
  switch (type.kind) {
    case AvroKind::boolean: return AvroOperation::Kind::boolean;
    case AvroKind::int_:
    case AvroKind::long_: return AvroOperation::Kind::integer;
    case AvroKind::float_: return AvroOperation::Kind::float32;
    case AvroKind::double_: return AvroOperation::Kind::float64;
    case AvroKind::bytes: return AvroOperation::Kind::bytes;
    case AvroKind::string: return AvroOperation::Kind::text;
    case AvroKind::record: return AvroOperation::Kind::record;
    case AvroKind::array:
      return type.is_map_entries() ? AvroOperation::Kind::map : AvroOperation::Kind::array;
    case AvroKind::map: return AvroOperation::Kind::map;
    case AvroKind::null:
    case AvroKind::enum_:
    case AvroKind::fixed:
    case AvroKind::union_: break;
  }
  throw Error(ErrorKind::data, "Avro's " + std::string(name_of(type.kind)) + " is read, not written.");
}

}  // namespace

std::shared_ptr<const AvroPlan> AvroPlan::compile(const AvroType& type) {
  auto plan = std::make_shared<AvroPlan>();
  plan->add(type, AvroOperation::Branch::none, 0);
  return plan;
}

void AvroPlan::add(const AvroType& type, AvroOperation::Branch branch, std::size_t depth) {
  if (const AvroTypePtr* const inner = type.optional_branch()) {
    const bool first = *inner == type.branches[0];
    return add(**inner, first ? AvroOperation::Branch::first : AvroOperation::Branch::second, depth);
  }
  const std::size_t at = operations_.size();
  const AvroOperation::Kind kind = operation_of(type);
  operations_.push_back({.kind = kind, .branch = branch});
  if (kind == AvroOperation::Kind::integer) operations_[at].bits = bits_of(type);
  const bool is_block = kind == AvroOperation::Kind::array || kind == AvroOperation::Kind::map;
  depth_ = std::max(depth_, depth + (is_block ? 1 : 0));
  if (kind == AvroOperation::Kind::record) {
    for (const AvroField& field : type.fields)
      add(*field.type, AvroOperation::Branch::none, depth);
  } else if (kind == AvroOperation::Kind::map && type.kind == AvroKind::array) {
    for (const AvroField& field : type.branches[0]->fields)
      add(*field.type, AvroOperation::Branch::none, depth + 1);
  } else if (is_block) {
    if (kind == AvroOperation::Kind::map) {
      operations_.push_back({.kind = AvroOperation::Kind::text, .next = static_cast<std::uint32_t>(at + 2)});
    }
    add(*type.branches[0], AvroOperation::Branch::none, depth + 1);
  }
  operations_[at].next = static_cast<std::uint32_t>(operations_.size());
}

void AvroWriter::finish_element() {
  while (at_ == end_ && !frames_.empty()) {
    Frame& frame = frames_.back();
    if (--frame.left != 0) {
      at_ = frame.begin;
      return;
    }
    out_->put_byte('\0');  // No further block.
    end_ = frame.outer_end;
    frames_.pop_back();
  }
}

}  // namespace tailrace::record
