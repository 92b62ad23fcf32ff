// Bytes as text: binary.handling.mode.
//
// Source  java.util.Base64 (RFC 4648, with padding); Debezium's HexConverter.
#pragma once

#include <string_view>

#include "base/byte_buffer.h"

namespace tailrace::debezium {

void put_base64_text(ByteBuffer& out, std::string_view bytes, bool url_safe);
// In lower case.
void put_hex_text(ByteBuffer& out, std::string_view bytes);

}  // namespace tailrace::debezium
