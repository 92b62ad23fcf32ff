// One kind of record on its way into bytes: Confluent's frame and Avro, or JSON with or without its schema in front.
//
// Threads  One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "debezium/event.h"
#include "debezium/settings.h"
#include "record/avro_plan.h"
#include "record/json_writer.h"
#include "record/schema.h"

namespace tailrace::debezium {

struct OutputPlace {
  const EventSettings& settings;
  const std::string& topic;
  RecordPart part;
  SchemaIds* ids;
};

// A writer's plan, and what stands in front of and behind each value.
template <class Writer>
struct Codec;

template <>
struct Codec<record::AvroWriter> {
  std::shared_ptr<const record::AvroPlan> plan;
  std::string head;
  std::string tail = {};

  static Codec make(const record::Schema& schema, const OutputPlace& place);
};

template <>
struct Codec<record::JsonWriter> {
  std::shared_ptr<const record::JsonPlan> plan;
  std::string head;
  std::string tail = {};

  static Codec make(const record::Schema& schema, const OutputPlace& place);
};

template <class Writer>
class Output {
 public:
  Output(const record::Schema& schema, const OutputPlace& place)
      : codec_(Codec<Writer>::make(schema, place)), writer_(codec_.plan, buffer_) {
    buffer_.put_bytes(codec_.head);
  }
  // The writer points to the buffer.
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // For the next value; the one before it is gone.
  Writer& begin() {
    buffer_.truncate(codec_.head.size());
    writer_.begin();
    return writer_;
  }
  // The whole value; good until the next one begins.
  std::string_view finish() {
    TAILRACE_ASSERT(writer_.is_finished());
    buffer_.put_bytes(codec_.tail);
    return buffer_.view();
  }

 private:
  Codec<Writer> codec_;
  ByteBuffer buffer_;
  Writer writer_;
};

}  // namespace tailrace::debezium
