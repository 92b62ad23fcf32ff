// One login entry: a class, a flag, options name="value", a semicolon.
#include "kafka/jaas.h"

#include <cctype>

namespace tailrace::kafka {
namespace {

class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front())) != 0)
      text_.remove_prefix(1);
  }
  bool take(char c) {
    skip_blanks();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string_view word() {
    skip_blanks();
    std::size_t length = 0;
    while (length < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[length])) != 0 ||
                                     text_[length] == '.' || text_[length] == '_' || text_[length] == '-'))
      ++length;
    const std::string_view out = text_.substr(0, length);
    text_.remove_prefix(length);
    return out;
  }
  // Bare, or in quotes of either kind with backslashes before what is meant as it stands.
  std::optional<std::string> value() {
    skip_blanks();
    const char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '"' && quote != '\'') {
      const std::string_view bare = word();
      if (bare.empty()) return std::nullopt;
      return std::string(bare);
    }
    text_.remove_prefix(1);
    std::string out;
    out.reserve(text_.size());  // It may be a password: it must not grow out of its memory.
    while (!text_.empty() && text_.front() != quote) {
      if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
      out += text_.front();
      text_.remove_prefix(1);
    }
    if (text_.empty()) return std::nullopt;
    text_.remove_prefix(1);
    return out;
  }
  bool at_end() {
    skip_blanks();
    return text_.empty();
  }

 private:
  std::string_view text_;
};

}  // namespace

std::optional<JaasLogin> parse_jaas(std::string_view text) {
  Words words(text);
  const std::string_view module = words.word();
  JaasLogin out;
  if (module == "org.apache.kafka.common.security.plain.PlainLoginModule") {
    out.plain = true;
  } else if (module != "org.apache.kafka.common.security.scram.ScramLoginModule") {
    return std::nullopt;
  }
  if (words.word() != "required") return std::nullopt;
  while (!words.take(';')) {
    const std::string_view name = words.word();
    if (name.empty() || !words.take('=')) return std::nullopt;
    std::optional<std::string> value = words.value();
    if (!value) return std::nullopt;
    if (name == "username") {
      out.user = std::move(*value);
    } else if (name == "password") {
      out.password = Secret(std::move(*value));
    } else {
      return std::nullopt;  // tokenauth and the like change who logs in.
    }
  }
  if (!words.at_end() || out.user.empty()) return std::nullopt;
  return out;
}

}  // namespace tailrace::kafka
