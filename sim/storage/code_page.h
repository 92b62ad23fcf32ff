// Text of Windows code pages, as the C library's iconv knows them.
//
// Shape    1250 to 1258, 437, 850, 874, 932, 936, 949, 950; 65001 is UTF-8. What a code page lacks becomes '?' for each
//          UTF-16 unit.
// Threads  Conversions are kept for each thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim {

std::string encode_code_page(std::string_view utf8, std::uint16_t page);
std::string decode_code_page(std::string_view bytes, std::uint16_t page);

}  // namespace tailrace::sim
