// CAST and CONVERT: a value of one type as another, with SQL Server's styles, rounding and errors.
//
// Shape    `out.text` is reused as a buffer; `out.type` is set to the target's type.
// Errors   False, with number and text in `error`; nothing is thrown, as conversions run per row.
// Source   Transact-SQL reference: CAST and CONVERT.
#pragma once

#include <string>
#include <string_view>

#include "sim/storage/value.h"

namespace tailrace::sim::tsql {

struct ConversionError {
  std::int32_t number = 0;
  std::string text;
};

inline constexpr int no_style = -1;

// What the conversion is for: a CAST cuts a text that is too long, an assignment to a column does not (8152).
enum class ConversionUse : std::uint8_t { cast, assignment };

[[nodiscard]] bool convert(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
                           ConversionError& error, ConversionUse use = ConversionUse::cast);

bool is_ascii(std::string_view text);
// Units of a text: UTF-16 code units.
std::int64_t utf16_length(std::string_view utf8);
std::u16string to_utf16(std::string_view utf8);     // WTF-8 in
std::string from_utf16(std::u16string_view units);  // WTF-8 out
// A Windows code page (0: 1252; 65001: UTF-8) of a text and back; characters it does not have become '?'.
std::string to_code_page(std::string_view utf8, std::uint16_t page = 0);
std::string from_code_page(std::string_view bytes, std::uint16_t page = 0);
void make_code_page_text(std::string& utf8, std::uint16_t page = 0);  // As varchar keeps it.

bool parse_guid(std::string_view text, std::string& wire);
std::string format_guid(std::string_view wire);

}  // namespace tailrace::sim::tsql
