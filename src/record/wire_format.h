// Confluent's frame around a serialized value: a zero byte, the schema's id in four bytes, the value.
//
// Errors  protocol, where a value has no such frame.
// Source  Confluent Schema Registry, Wire Format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/byte_buffer.h"

namespace tailrace::record {

constexpr std::size_t frame_bytes = 5;

void put_frame(ByteBuffer& out, std::int32_t schema_id);

struct Framed {
  std::int32_t schema_id = 0;
  std::string_view value = {};
};
// A view of the bytes that it was given.
Framed parse_frame(std::string_view bytes);

}  // namespace tailrace::record
