// Bytes as text.
#include "debezium/binary_text.h"

#include <cstdint>

#include "record/json_text.h"

namespace tailrace::debezium {

void put_base64_text(ByteBuffer& out, std::string_view bytes, bool url_safe) {
  const std::size_t begin = out.size();
  record::put_base64(out, bytes);
  if (!url_safe) return;
  for (std::size_t i = begin; i < out.size(); ++i) {
    char& letter = out.data()[i];
    if (letter == '+') letter = '-';
    if (letter == '/') letter = '_';
  }
}

void put_hex_text(ByteBuffer& out, std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  char* at = out.extend(2 * bytes.size());
  for (const char byte : bytes) {
    const auto number = static_cast<std::uint8_t>(byte);
    *at++ = digits[number >> 4];
    *at++ = digits[number & 15];
  }
}

}  // namespace tailrace::debezium
