// Bytes on their way out: grows without clearing, keeps its memory when it is emptied.
//
// Threads  A value of one thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace tailrace {

class ByteBuffer {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const char* data() const { return bytes_.get(); }
  char* data() { return bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::string str() const { return std::string(view()); }
  void clear() { size_ = 0; }
  // Forgets what was put after the first `size` bytes.
  void truncate(std::size_t size) {
    if (size < size_) size_ = size;
  }

  // Room for `count` more bytes, to be written by the caller.
  char* extend(std::size_t count) {
    char* const at = room(count);
    size_ += count;
    return at;
  }
  // For what is shorter than it might be: room for at most `count` bytes, then where the written ones end.
  char* room(std::size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    return bytes_.get() + size_;
  }
  void end_at(const char* end) { size_ = static_cast<std::size_t>(end - bytes_.get()); }

  void put_byte(char byte) { *extend(1) = byte; }
  void put_bytes(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
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

}  // namespace tailrace
