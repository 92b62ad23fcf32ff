// The code page that char and varchar values are read in without the server's help: Windows 1252, of most Western European
// collations. Other ones become UTF-16 at the server, at twice the bytes on the wire and a conversion of every value.
//
// Shape    The native reader alone decodes it; ODBC drivers would convert by a table of their own.
// Source   Windows-1252 as the server converts it: five bytes without a character (81, 8D, 8F, 90, 9D) are the control
//          characters of the same number. [MS-TDS] 2.2.5.1.2 (Collation Rule Definition): LCID, flags, SortId.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/utf.h"
#include "tds/types.h"

namespace tailrace::sqlserver {

// How char and varchar columns are asked for.
enum class TextForm : std::uint8_t {
  utf16,    // As nvarchar, whatever their code page is.
  western,  // Those whose collation is_western() as they are, the others as nvarchar.
};

// By the collation's name: certain, not complete.
bool is_western(std::string_view collation);
// By what the server says of the column in the result.
bool is_western(const tds::Collation& collation);

// Appends the bytes as UTF-8. U+0000 becomes one zero byte and is reported.
TextFaults append_utf8_from_western(std::string& out, std::span<const std::byte> bytes);

}  // namespace tailrace::sqlserver
