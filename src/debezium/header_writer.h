// A struct of scalars as the text of a header: what Connect's SimpleHeaderConverter makes of a key.
//
// Shape   {"id":1,"name":"a \"b\""}; driven as AvroWriter is.
// Errors  internal: driven otherwise than its schema says.
// Threads One thread.
// Source  Kafka Connect 4.3, org.apache.kafka.connect.data.Values.append; moments of Connect's own logical types in UTC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/int128.h"
#include "record/schema.h"

namespace tailrace::debezium {

class HeaderWriter {
 public:
  HeaderWriter(const record::Schema& schema, ByteBuffer& out) : schema_(schema), out_(out) {}

  void begin_record();
  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void float32(float value);
  void float64(double value);
  void text(std::string_view value);
  void bytes(std::string_view value);
  void decimal(int128 unscaled);

 private:
  // The name of the field whose value comes; answers its schema.
  const record::Schema& start();
  void finish();

  const record::Schema& schema_;
  ByteBuffer& out_;
  std::size_t at_ = 0;
};

}  // namespace tailrace::debezium
