// Confluent's frame.
#include "record/wire_format.h"

#include <string>

#include "base/error.h"

namespace tailrace::record {

void put_frame(ByteBuffer& out, std::int32_t schema_id) {
  char* at = out.extend(frame_bytes);
  *at++ = '\0';
  for (int shift = 24; shift >= 0; shift -= 8)
    *at++ = static_cast<char>(static_cast<std::uint32_t>(schema_id) >> shift);
}

Framed parse_frame(std::string_view bytes) {
  if (bytes.size() < frame_bytes || bytes.front() != '\0') {
    throw Error(ErrorKind::protocol,
                bytes.size() < frame_bytes
                    ? "A value is too short to say its schema: " + std::to_string(bytes.size()) + " bytes."
                    : "A value does not begin with a zero byte: it was not written with a Schema Registry.");
  }
  std::uint32_t id = 0;
  for (std::size_t i = 1; i < frame_bytes; ++i)
    id = id << 8 | static_cast<std::uint8_t>(bytes[i]);
  return {static_cast<std::int32_t>(id), bytes.substr(frame_bytes)};
}

}  // namespace tailrace::record
