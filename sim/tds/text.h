// Text between the simulator (UTF-8) and the wire (UTF-16LE, or a code page by collation).
//
// Errors   What the engine hands out must be UTF-8 (lone surrogates as WTF-8): anything else is `internal`.
// Source   Windows code page 1252 (bytes 81, 8D, 8F, 90, 9D are U+0081 ... as Windows maps them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/tds/byte_buffer.h"

namespace tailrace::sim::tds {

// The UTF-16 units that the text takes.
std::size_t utf16_units(std::string_view utf8);
// Writes utf16_units(utf8) * 2 bytes; returns one past the last.
char* write_utf16le(char* out, std::string_view utf8);

// The bytes that the text takes in code page 1252.
std::size_t code_page_1252_bytes(std::string_view utf8);
// What the code page lacks becomes '?', as with SQL Server. Returns one past the last byte written.
char* write_code_page_1252(char* out, std::string_view utf8);
void append_utf8_from_1252(std::string& out, std::string_view bytes);

// A client's UTF-16LE; an odd number of bytes throws `protocol`.
std::string utf8_from_utf16le(std::string_view utf16le);

// The first `units` UTF-16 units of the text (or one less, never half a pair).
std::string_view first_utf16_units(std::string_view utf8, std::size_t units);

// A client's single-byte text by the collation's five bytes; nothing where its code page is not known.
std::optional<std::string> utf8_from_collation(std::string_view bytes, std::string_view collation);

// Length-prefixed text in UTF-16LE: the count of units as one byte or two. Longer text is cut.
void put_b_varchar(ByteBuffer& out, std::string_view utf8);
void put_us_varchar(ByteBuffer& out, std::string_view utf8, std::size_t most_units);

}  // namespace tailrace::sim::tds
