// __$update_mask: which captured columns an update changed.
//
// Source  SQL Server: column ordinal 1 is bit 0 of the mask's last byte.
#pragma once

#include <cstddef>
#include <span>

namespace tailrace::sqlserver {

// `ordinal` counts from 1 in the capture instance. A column beyond the mask has not changed.
inline bool is_changed(std::span<const std::byte> mask, std::size_t ordinal) {
  const std::size_t from_end = (ordinal - 1) / 8;
  if (from_end >= mask.size()) return false;
  const std::byte bits = mask[mask.size() - 1 - from_end];
  return (bits >> ((ordinal - 1) % 8) & std::byte{1}) != std::byte{0};
}

}  // namespace tailrace::sqlserver
