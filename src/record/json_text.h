// Writing JSON as Jackson does, which Avro and Kafka Connect use: what it escapes, and how it writes numbers.
//
// Source  Jackson 2.21 (WriterBasedJsonGenerator); Java's Double.toString and Float.toString; RFC 4648 4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"

namespace tailrace::record {

// With its quotes. Bytes are taken as they are: text is UTF-8. Jackson writes what is above U+FFFF as two escapes where it
// makes bytes (Connect's values), and as it is where it makes text (Avro's documents).
enum class Supplementary : std::uint8_t { escaped, plain };
void put_json_string(ByteBuffer& out, std::string_view text, Supplementary supplementary);
void put_integer(ByteBuffer& out, std::int64_t value);
// The shortest digits that are this number, as Java lays them out: 1.0, 1.0E10, 1.5E-5; NaN and infinities in quotes.
void put_double(ByteBuffer& out, double value);
void put_float(ByteBuffer& out, float value);

void put_base64(ByteBuffer& out, std::string_view bytes);
// False where it is no base64; padding may be missing, as Jackson takes it.
bool decode_base64(std::string_view text, std::string& bytes);

// Latin-1 as UTF-8: how Avro writes bytes as text; false where a character is above U+00FF.
std::string text_of_latin1(std::string_view bytes);
bool latin1_of_text(std::string_view text, std::string& bytes);

}  // namespace tailrace::record
