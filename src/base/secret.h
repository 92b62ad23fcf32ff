// A value that must not be shown: prints as ***, and says its text only where it is asked for by name.
//
// What it held is overwritten before its memory goes back: a dump, or a later owner of the memory, has no use of it.
#pragma once

#include <cstring>
#include <string>
#include <utility>

namespace tailrace {

// Overwrites a text and all of its memory. What it grew out of while it was written is not reached: reserve first.
inline void wipe(std::string& text) noexcept {
  text.resize(text.capacity());  // Allocates nothing.
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

// Wipes a text at the end of a scope, however that ends.
class WipedAfterwards {
 public:
  explicit WipedAfterwards(std::string& text) : text_(text) {}
  ~WipedAfterwards() { wipe(text_); }
  WipedAfterwards(const WipedAfterwards&) = delete;
  WipedAfterwards& operator=(const WipedAfterwards&) = delete;

 private:
  std::string& text_;
};

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) { wipe(text); }
  Secret(const Secret& other) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  // By value: the old text leaves with the argument.
  Secret& operator=(Secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~Secret() { wipe(text_); }

  // For the client library alone; never put it into a message.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace tailrace
