// A log sequence number: 10 bytes, big-endian, ordered byte by byte.
//
// Source  facts of SQL Server: 4 bytes VLF, 4 bytes log block, 2 bytes slot; `binary(10)` in every catalog and change
//         table.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tailrace {

struct Lsn {
  std::array<std::uint8_t, 10> bytes{};

  auto operator<=>(const Lsn&) const = default;
  bool is_zero() const { return *this == Lsn{}; }

  // 20 lower-case hex digits, without 0x.
  std::string hex() const;
  // 20 hex digits, with or without 0x, or the form 8:8:4. Throws config.
  static Lsn parse(std::string_view text);
  // Exactly 10 bytes; throws protocol.
  static Lsn from_bytes(std::span<const std::byte> raw);
};

}  // namespace tailrace
