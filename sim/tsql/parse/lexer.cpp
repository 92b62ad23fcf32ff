// The lexer: one pass, no allocation.
#include "sim/tsql/parse/lexer.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tailrace::sim::tsql {
namespace {

bool is_word_start(unsigned char byte) {
  return std::isalpha(byte) != 0 || byte == '_' || byte == '#' || byte >= 0x80;
}
bool is_word_byte(unsigned char byte) {
  return std::isalnum(byte) != 0 || byte == '_' || byte == '#' || byte == '@' || byte == '$' || byte >= 0x80;
}
bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

}  // namespace

bool same_word(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(left[i])) !=
        std::toupper(static_cast<unsigned char>(right[i]))) {
      return false;
    }
  }
  return true;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& byte : out)
    byte = static_cast<char>(std::toupper(static_cast<unsigned char>(byte)));
  return out;
}

std::string unquoted(const Token& token) {
  if (!token.doubled) return std::string(token.text);
  std::string out;
  out.reserve(token.text.size());
  for (std::size_t i = 0; i < token.text.size(); ++i) {
    const char byte = token.text[i];
    out.push_back(byte);
    const bool is_quote = byte == '\'' || byte == '"' || byte == ']';
    if (is_quote && i + 1 < token.text.size() && token.text[i + 1] == byte) ++i;
  }
  return out;
}

void Lexer::skip_blank_and_comments(Token& token) {
  while (at_ < text_.size()) {
    const char byte = text_[at_];
    if (byte == '\n') {
      ++line_;
      ++at_;
    } else if (static_cast<unsigned char>(byte) <= ' ') {
      ++at_;
    } else if (byte == '-' && at_ + 1 < text_.size() && text_[at_ + 1] == '-') {
      const std::size_t end = text_.find('\n', at_);
      at_ = end == std::string_view::npos ? text_.size() : end;
    } else if (byte == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '*') {
      const std::size_t begin = at_;
      int depth = 0;
      do {
        if (at_ + 1 >= text_.size()) {
          token.kind = TokenKind::bad;
          token.text = text_.substr(begin, 2);
          at_ = text_.size();
          return;
        }
        if (text_[at_] == '/' && text_[at_ + 1] == '*') {
          ++depth;
          at_ += 2;
        } else if (text_[at_] == '*' && text_[at_ + 1] == '/') {
          --depth;
          at_ += 2;
        } else {
          if (text_[at_] == '\n') ++line_;
          ++at_;
        }
      } while (depth > 0);
    } else {
      return;
    }
  }
}

void Lexer::read_quoted(Token& token, char close) {
  const std::size_t begin = at_;
  while (true) {
    const void* found =
        at_ < text_.size() ? std::memchr(text_.data() + at_, close, text_.size() - at_) : nullptr;
    if (found == nullptr) {
      token.kind = TokenKind::bad;
      token.text = text_.substr(begin - 1);
      at_ = text_.size();
      return;
    }
    const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
    if (end + 1 < text_.size() && text_[end + 1] == close) {
      token.doubled = true;
      at_ = end + 2;
      continue;
    }
    token.text = text_.substr(begin, end - begin);
    at_ = end + 1;
    line_ += static_cast<std::int32_t>(std::count(token.text.begin(), token.text.end(), '\n'));
    return;
  }
}

void Lexer::read_number(Token& token) {
  const std::size_t begin = at_;
  token.kind = TokenKind::integer;
  while (at_ < text_.size() && is_digit(text_[at_]))
    ++at_;
  if (at_ < text_.size() && text_[at_] == '.') {
    token.kind = TokenKind::decimal;
    ++at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    token.kind = TokenKind::float_;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
  }
  token.text = text_.substr(begin, at_ - begin);
}

void Lexer::read_symbol(Token& token) {
  token.kind = TokenKind::symbol;
  const char first = text_[at_];
  const char second = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  const bool assigns = second == '=' && std::string_view("<>!+-*/%&|^").find(first) != std::string_view::npos;
  const bool compares = (first == '<' && second == '>') || (first == '!' && (second == '<' || second == '>'));
  const bool is_double = assigns || compares || (first == ':' && second == ':');
  token.text = text_.substr(at_, is_double ? 2 : 1);
  at_ += token.text.size();
}

Token Lexer::next() {
  Token token;
  skip_blank_and_comments(token);
  token.line = line_;
  token.offset = at_;
  if (token.kind == TokenKind::bad || at_ >= text_.size()) return token;
  const char byte = text_[at_];
  const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (is_digit(byte) || (byte == '.' && is_digit(after))) {
    if (byte == '0' && (after == 'x' || after == 'X')) {
      at_ += 2;
      const std::size_t begin = at_;
      while (at_ < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[at_])) != 0)
        ++at_;
      token.kind = TokenKind::binary;
      token.text = text_.substr(begin, at_ - begin);
    } else {
      read_number(token);
    }
  } else if (byte == '\'' || ((byte == 'N' || byte == 'n') && after == '\'')) {
    token.kind = byte == '\'' ? TokenKind::string : TokenKind::nstring;
    at_ += byte == '\'' ? 1U : 2U;
    read_quoted(token, '\'');
  } else if (byte == '[') {
    token.kind = TokenKind::name;
    ++at_;
    read_quoted(token, ']');
  } else if (byte == '"') {
    token.kind = quoted_identifier_ ? TokenKind::name : TokenKind::string;
    ++at_;
    read_quoted(token, '"');
  } else if (byte == '@') {
    const std::size_t begin = at_;
    ++at_;
    if (at_ < text_.size() && text_[at_] == '@') ++at_;
    token.kind = at_ - begin == 2 ? TokenKind::system : TokenKind::variable;
    while (at_ < text_.size() && is_word_byte(static_cast<unsigned char>(text_[at_])))
      ++at_;
    token.text = text_.substr(begin, at_ - begin);
  } else if (byte == '$' && (is_digit(after) || after == '.')) {
    ++at_;
    read_number(token);
    token.kind = TokenKind::money;
  } else if (is_word_start(static_cast<unsigned char>(byte))) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word_byte(static_cast<unsigned char>(text_[at_])))
      ++at_;
    token.kind = TokenKind::word;
    token.text = text_.substr(begin, at_ - begin);
  } else {
    read_symbol(token);
  }
  return token;
}

}  // namespace tailrace::sim::tsql
