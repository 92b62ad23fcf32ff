// Bytes on their way to PostgreSQL: a byte buffer with integers in network order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/byte_buffer.h"

namespace tailrace::postgres {

template <class Integer>
inline void store_big_endian(char* at, Integer value) {
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  if constexpr (sizeof(Integer) == 2) bits = __builtin_bswap16(bits);
  if constexpr (sizeof(Integer) == 4) bits = __builtin_bswap32(bits);
  if constexpr (sizeof(Integer) == 8) bits = __builtin_bswap64(bits);
  std::memcpy(at, &bits, sizeof bits);
}
static_assert(std::endian::native == std::endian::little);

class WireBuffer : public ByteBuffer {
 public:
  template <class Integer>
  void put(Integer value) {
    store_big_endian(extend(sizeof value), value);
  }
  // Writes over bytes put earlier.
  template <class Integer>
  void put_at(std::size_t offset, Integer value) {
    store_big_endian(data() + offset, value);
  }
};

}  // namespace tailrace::postgres
