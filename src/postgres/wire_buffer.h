// Bytes on their way to PostgreSQL: grows without clearing, integers in network order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

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

class WireBuffer {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const char* data() const { return bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::string str() const { return std::string(view()); }
  void clear() { size_ = 0; }

  // Room for `count` more bytes, to be written by the caller.
  char* extend(std::size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    char* const at = bytes_.get() + size_;
    size_ += count;
    return at;
  }
  template <class Integer>
  void put(Integer value) {
    store_big_endian(extend(sizeof value), value);
  }
  void put_bytes(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
  // Writes over bytes put earlier.
  template <class Integer>
  void put_at(std::size_t offset, Integer value) {
    store_big_endian(bytes_.get() + offset, value);
  }

 private:
  void grow(std::size_t needed) {
    std::size_t wanted = capacity_ == 0 ? 1024 : capacity_ * 2;
    if (wanted < needed) wanted = needed;
    std::unique_ptr<char[]> bigger(new char[wanted]);
    if (size_ != 0) std::memcpy(bigger.get(), bytes_.get(), size_);
    bytes_ = std::move(bigger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace tailrace::postgres
