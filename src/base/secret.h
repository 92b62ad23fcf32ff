// A value that must not be shown: prints as ***, and says its text only where it is asked for by name.
#pragma once

#include <string>
#include <utility>

namespace tailrace {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  // For the client library alone; never put it into a message.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace tailrace
