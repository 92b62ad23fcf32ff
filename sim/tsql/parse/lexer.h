// Tokens of T-SQL text, made one at a time so that a thousand-row INSERT costs no token list.
//
// Shape    Tokens borrow from the text. A doubled quote inside a string or a bracketed name is left as it is;
//          `doubled` says so, and unquoted() undoes it.
// Errors   An unclosed string, comment or name is a token of kind `bad` (SQL Server's 105, 113).
// Source   Transact-SQL reference: constants, identifiers, comments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim::tsql {

enum class TokenKind : std::uint8_t {
  end,
  word,      // an unquoted identifier or a keyword
  name,      // [name] or "name"
  variable,  // @x, with its @
  system,    // @@x, with its @@
  integer,
  decimal,  // digits with a point
  float_,   // with an exponent
  money,    // $1.5, text without the sign
  string,
  nstring,
  binary,  // 0x..., text without 0x
  symbol,
  bad,
};

struct Token {
  TokenKind kind = TokenKind::end;
  bool doubled = false;
  std::int32_t line = 1;
  std::size_t offset = 0;  // of the first byte of the token in the text
  std::string_view text;
};

class Lexer {
 public:
  Lexer(std::string_view text, bool quoted_identifier) : text_(text), quoted_identifier_(quoted_identifier) {}
  Token next();
  std::string_view text() const { return text_; }

 private:
  void skip_blank_and_comments(Token& token);
  void read_quoted(Token& token, char close);
  void read_number(Token& token);
  void read_symbol(Token& token);

  std::string_view text_;
  std::size_t at_ = 0;
  std::int32_t line_ = 1;
  bool quoted_identifier_;
};

// The text of a string or name token with its doubled quotes made single.
std::string unquoted(const Token& token);

// ASCII case-insensitive comparison, as keywords are compared.
bool same_word(std::string_view left, std::string_view right);
std::string upper(std::string_view text);

bool is_reserved(std::string_view word);

}  // namespace tailrace::sim::tsql
