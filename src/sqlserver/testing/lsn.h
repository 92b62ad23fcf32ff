// LSNs of tests: small numbers in their order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/lsn.h"

namespace tailrace::sqlserver {

inline Lsn lsn(std::uint32_t number) {
  Lsn out;
  for (std::size_t i = 0; i < 4; ++i)
    out.bytes[9 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

}  // namespace tailrace::sqlserver
