// Log sequence numbers.
//
// Shape    A position is a counter of the database: one for every logged change and one for every commit. Its LSN is
//          binary(10): 4 bytes file number, 4 block, 2 slot, big-endian; both orders are the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim {

using Lsn = std::string;  // 10 bytes.

inline constexpr std::size_t lsn_bytes = 10;

Lsn lsn_of_position(std::int64_t position);
Lsn increment_lsn(std::string_view lsn);
Lsn decrement_lsn(std::string_view lsn);
Lsn zero_lsn();
// "00000027:00000758:0003"
std::string lsn_text(std::string_view lsn);
// The opposite, for tests' arguments: also "0x..." and hexadecimal digits alone. Empty: it is none.
Lsn lsn_from_text(std::string_view text);

}  // namespace tailrace::sim
