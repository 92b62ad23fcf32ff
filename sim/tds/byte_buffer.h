// The bytes of a response that have not been sent yet: one growing piece of memory, written at its end and
// sent from its front.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>

namespace tailrace::sim::tds {

class ByteBuffer {
 public:
  std::size_t size() const { return size_; }
  const char* data() const { return memory_.get(); }
  char* data() { return memory_.get(); }
  std::string_view view() const { return {memory_.get(), size_}; }
  void clear() { size_ = 0; }

  // Room for `count` bytes behind the end; what is written there counts after commit().
  char* reserve(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return memory_.get() + size_;
  }
  void commit(const char* end) { size_ = static_cast<std::size_t>(end - memory_.get()); }

  template <class Number>
  void number(Number value) {
    static_assert(std::is_arithmetic_v<Number>);
    char* at = reserve(sizeof value);
    std::memcpy(at, &value, sizeof value);
    size_ += sizeof value;
  }
  void u8(std::uint8_t value) { number(value); }
  void u16(std::uint16_t value) { number(value); }
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  void bytes(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void overwrite_u16(std::size_t position, std::uint16_t value) {
    std::memcpy(memory_.get() + position, &value, sizeof value);
  }
  void overwrite_u32(std::size_t position, std::uint32_t value) {
    std::memcpy(memory_.get() + position, &value, sizeof value);
  }

  void drop_front(std::size_t count) {
    std::memmove(memory_.get(), memory_.get() + count, size_ - count);
    size_ -= count;
  }
  // Gives memory back that one large value has taken.
  void shrink(std::size_t keep_bytes) {
    if (size_ != 0 || capacity_ <= keep_bytes) return;
    memory_.reset();
    capacity_ = 0;
  }

 private:
  void grow(std::size_t count) {
    const std::size_t wanted = std::max({capacity_ * 2, size_ + count, std::size_t{4096}});
    std::unique_ptr<char[]> larger(new char[wanted]);
    if (size_ != 0) std::memcpy(larger.get(), memory_.get(), size_);
    memory_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace tailrace::sim::tds
