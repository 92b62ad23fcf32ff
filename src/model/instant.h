// A moment as people write it.
//
// Units   100 ns since 0001-01-01 in UTC.
// Source  ISO 8601, the extended form with an offset.
#pragma once

#include <cstdint>
#include <string_view>

namespace tailrace {

// 2026-11-23T10:00:00+01:00, 2026-11-23 09:00Z: seconds and up to seven digits of them may be left out, the offset may not, for without one
// nobody knows which moment is meant. Throws config.
std::int64_t parse_instant(std::string_view text);

}  // namespace tailrace
