// The JSON encoder: a schema compiled once to a flat list of operations, and a writer that is driven as AvroWriter is.
//
// Shape    Each operation has the text that leads to its value (a comma, the field's name) ready, and how many objects end behind it.
// Errors   internal: a value of another type than the plan has at that place.
// Threads  A plan is immutable and shared; a writer is of one thread.
// Source   Kafka Connect 4.3, JsonConverter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "base/int128.h"
#include "record/schema.h"

namespace tailrace::record {

// decimal.format of the converter.
enum class DecimalFormat : std::uint8_t { base64, numeric };

struct JsonOperation {
  enum class Kind : std::uint8_t {
    boolean,
    integer,
    float32,
    float64,
    text,
    bytes,
    number,
    record,
    array,
    map
  };

  Kind kind = Kind::record;
  bool optional = false;
  bool is_object = false;     // Of a map: its keys are strings.
  std::int32_t scale = 0;     // Of a decimal that is a number.
  std::uint32_t next = 0;     // The operation behind all that is below this one.
  std::uint32_t objects = 0;  // So many objects end with this value.
  std::string lead = {};      // What stands before the value.
};

class JsonPlan {
 public:
  static std::shared_ptr<const JsonPlan> compile(const Schema& schema,
                                                 DecimalFormat decimals = DecimalFormat::base64);

  const std::vector<JsonOperation>& operations() const { return operations_; }

 private:
  void add(const Schema& schema, std::string lead, std::uint32_t objects, DecimalFormat decimals);

  std::vector<JsonOperation> operations_;
};

class JsonWriter {
 public:
  JsonWriter(std::shared_ptr<const JsonPlan> plan, ByteBuffer& out);

  // A new value of the schema, at the end of the buffer.
  void begin();
  bool is_finished() const { return frames_.empty() && at_ == plan_->operations().size(); }

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void float32(float value);
  void float64(double value);
  void text(std::string_view value);
  void bytes(std::string_view value);
  // The unscaled number.
  void decimal(int128 unscaled);
  void begin_record();
  void begin_array(std::size_t count);
  void begin_map(std::size_t count);
  // One value of any type, as it was written before.
  void written(std::string_view json);

 private:
  struct Frame {
    std::uint32_t container;
    std::uint32_t outer_end;
    std::size_t left;
  };

  const JsonOperation& current() const;
  const JsonOperation& start(JsonOperation::Kind kind);
  void finish();
  void begin_block(JsonOperation::Kind kind, std::size_t count);
  void end_block(const JsonOperation& container);
  void finish_element();

  std::shared_ptr<const JsonPlan> plan_;
  ByteBuffer* out_;
  std::vector<Frame> frames_;
  std::uint32_t at_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace tailrace::record
