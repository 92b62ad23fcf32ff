// The Avro encoder: a schema compiled once to a flat list of operations, and a writer that is driven through them.
//
// Shape    A plan is compiled from the document that the registry has, so its bytes are that document's. The writer takes one
//          value after the other in the schema's order; the branch of an optional one is written by itself, and null() leaves out
//          all that is below. Nothing is allocated per value but what the buffer grows by.
// Errors   internal: a value of another type than the plan has at that place. compile: data, for what is read but never
//          written (unions of several types, enums, fixed).
// Threads  A plan is immutable and shared; a writer is of one thread.
// Source   Avro 1.12 specification, Binary Encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "base/int128.h"
#include "record/avro_type.h"
#include "record/decimal.h"

namespace tailrace::record {

struct AvroOperation {
  enum class Kind : std::uint8_t { boolean, integer, float32, float64, text, bytes, record, array, map };
  enum class Branch : std::uint8_t {
    none,
    first,
    second
  };  // Of an optional value: where it stands in its union.

  Kind kind = Kind::record;
  Branch branch = Branch::none;
  std::uint8_t bits = 64;  // Of an integer.
  std::uint32_t next = 0;  // The operation behind all that is below this one.
};

class AvroPlan {
 public:
  static std::shared_ptr<const AvroPlan> compile(const AvroType& type);

  const std::vector<AvroOperation>& operations() const { return operations_; }
  // How deep arrays and maps nest.
  std::size_t depth() const { return depth_; }

 private:
  void add(const AvroType& type, AvroOperation::Branch branch, std::size_t depth);

  std::vector<AvroOperation> operations_;
  std::size_t depth_ = 0;
};

inline char* write_varint(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

inline char* write_zigzag(char* out, std::int64_t value) {
  return write_varint(out, static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

class AvroWriter {
 public:
  AvroWriter(std::shared_ptr<const AvroPlan> plan, ByteBuffer& out)
      : plan_(std::move(plan)), operations_(plan_->operations().data()), out_(&out) {
    frames_.reserve(plan_->depth() + 1);
    begin();
  }

  // A new value of the schema, at the end of the buffer. What was begun and not finished is dropped from the plan, not from
  // the buffer.
  void begin() {
    frames_.clear();
    at_ = 0;
    end_ = static_cast<std::uint32_t>(plan_->operations().size());
  }
  void begin(ByteBuffer& out) {
    out_ = &out;
    begin();
  }
  // All of the value was written.
  bool is_finished() const { return frames_.empty() && at_ == plan_->operations().size(); }

  void null() {
    const AvroOperation& operation = operations_[checked(at_)];
    TAILRACE_ASSERT(operation.branch != AvroOperation::Branch::none);
    out_->put_byte(operation.branch == AvroOperation::Branch::first ? '\2' : '\0');
    advance(operation.next);
  }
  void boolean(bool value) {
    char* at = start(AvroOperation::Kind::boolean, 1);
    *at++ = value ? '\1' : '\0';
    finish(at);
  }
  void integer(std::int64_t value) {
    const int unused = 64 - operations_[checked(at_)].bits;
    TAILRACE_ASSERT(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused ==
                    value);
    finish(write_zigzag(start(AvroOperation::Kind::integer, 10), value));
  }
  void float32(float value) { number(AvroOperation::Kind::float32, value); }
  void float64(double value) { number(AvroOperation::Kind::float64, value); }
  // UTF-8.
  void text(std::string_view value) { sized(AvroOperation::Kind::text, value); }
  void bytes(std::string_view value) { sized(AvroOperation::Kind::bytes, value); }
  // Into bytes: the unscaled number of Connect's Decimal.
  void decimal(int128 unscaled) {
    char* const at = start(AvroOperation::Kind::bytes, 17);
    char* const end = write_decimal(at + 1, unscaled);
    *at = static_cast<char>((end - at - 1) << 1);  // At most 16: its length is one byte.
    finish(end);
  }

  // Its fields follow.
  void begin_record() {
    finish_inside(start(AvroOperation::Kind::record, 0));
    advance(at_ + 1);
  }
  // `count` elements follow; of a map a key and a value for each.
  void begin_array(std::size_t count) { begin_block(AvroOperation::Kind::array, count); }
  void begin_map(std::size_t count) { begin_block(AvroOperation::Kind::map, count); }

  // One value of any type as it was written before, with its branch: what is the same in every record.
  void written(std::string_view bytes) {
    const AvroOperation& operation = operations_[checked(at_)];
    out_->put_bytes(bytes);
    advance(operation.next);
  }

 private:
  struct Frame {
    std::uint32_t begin;  // The operation of the first element.
    std::uint32_t outer_end;
    std::size_t left;
  };

  std::uint32_t checked(std::uint32_t at) const {
    TAILRACE_ASSERT(at < end_);
    return at;
  }
  // Room for the branch and `count` bytes; the branch is written.
  char* start(AvroOperation::Kind kind, std::size_t count) {
    const AvroOperation& operation = operations_[checked(at_)];
    TAILRACE_ASSERT(operation.kind == kind);
    char* at = out_->room(count + 1);
    if (operation.branch != AvroOperation::Branch::none) {
      *at++ = operation.branch == AvroOperation::Branch::first ? '\0' : '\2';
    }
    return at;
  }
  void finish_inside(const char* end) { out_->end_at(end); }
  void finish(const char* end) {
    finish_inside(end);
    advance(operations_[at_].next);
  }
  template <class Number>
  void number(AvroOperation::Kind kind, Number value) {
    char* const at = start(kind, sizeof value);
    std::memcpy(at, &value, sizeof value);  // Little-endian, as Avro has it.
    finish(at + sizeof value);
  }
  void sized(AvroOperation::Kind kind, std::string_view value) {
    char* at = write_zigzag(start(kind, 10 + value.size()), static_cast<std::int64_t>(value.size()));
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    finish(at + value.size());
  }
  void begin_block(AvroOperation::Kind kind, std::size_t count) {
    char* const at = start(kind, 10);
    finish_inside(write_zigzag(at, static_cast<std::int64_t>(count)));
    const std::uint32_t next = operations_[at_].next;
    if (count == 0) return advance(next);
    frames_.push_back({at_ + 1, end_, count});
    end_ = next;
    ++at_;
  }
  void advance(std::uint32_t to) {
    at_ = to;
    if (to == end_ && !frames_.empty()) finish_element();
  }
  void finish_element();

  std::shared_ptr<const AvroPlan> plan_;
  const AvroOperation* operations_;
  ByteBuffer* out_;
  std::vector<Frame> frames_;
  std::uint32_t at_ = 0;
  std::uint32_t end_ = 0;  // Of the innermost array's element, or of the plan.
};

}  // namespace tailrace::record
