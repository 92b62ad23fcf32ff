// The parser's tokens, names and entry points.
#include "sim/tsql/parse/parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {
namespace {

// Deep enough for every generated statement, shallow enough for the stack.
constexpr int max_nesting = 800;

[[noreturn]] void refuse_nesting() {
  raise(191,
        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
        "smaller queries.",
        0, 1, 15);
}

}  // namespace

std::string ObjectName::text() const {
  std::string out;
  if (!database.empty()) out += database + "." + (schema.empty() ? "." : "");
  if (!schema.empty()) out += schema + ".";
  return out + name;
}

Parser::Parser(std::string_view text, bool quoted_identifier)
    : text_(text), lexer_(text, quoted_identifier) {}

const Token& Parser::peek(std::size_t ahead) {
  while (window_.size() <= ahead)
    window_.push_back(lexer_.next());
  return window_[ahead];
}

Parser::Level::Level(Parser& parser) : parser_(parser), height_before_(std::exchange(parser.height_, 0)) {
  ++parser.depth_;
  if (parser.depth_ <= max_nesting) return;
  --parser.depth_;
  refuse_nesting();
}

Parser::Level::~Level() {
  --parser_.depth_;
  parser_.height_ = std::max(height_before_, parser_.height_ + 1);
}

void Parser::link() {
  if (depth_ + ++height_ > max_nesting) refuse_nesting();
}

Token Parser::take() {
  const Token token = peek();
  window_.erase(window_.begin());
  consumed_end_ = token.offset + token.text.size();
  switch (token.kind) {
    case TokenKind::string:
    case TokenKind::name:
    case TokenKind::binary: consumed_end_ += 2; break;
    case TokenKind::nstring: consumed_end_ += 3; break;
    case TokenKind::money: consumed_end_ += 1; break;
    default: break;
  }
  return token;
}

std::string Parser::source_text(std::size_t begin) const {
  return std::string(text_.substr(begin, consumed_end_ - begin));
}

bool Parser::at_word(std::string_view word, std::size_t ahead) {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::word && same_word(token.text, word);
}
bool Parser::at_symbol(std::string_view symbol, std::size_t ahead) {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::symbol && token.text == symbol;
}
bool Parser::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  take();
  return true;
}
bool Parser::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  take();
  return true;
}
void Parser::expect_word(std::string_view word) {
  if (!accept_word(word)) fail();
}
void Parser::expect_symbol(std::string_view symbol) {
  if (!accept_symbol(symbol)) fail();
}

void Parser::fail() {
  const Token& token = peek();
  if (token.kind == TokenKind::bad) {
    if (token.text.starts_with("/*")) raise(113, "Missing end comment mark '*/'.", token.line);
    raise(105,
          "Unclosed quotation mark after the character string '" + std::string(token.text.substr(1, 100)) +
              "'.",
          token.line);
  }
  if (token.kind == TokenKind::end) {
    // SQL Server names the last token that it could read.
    std::string_view last = text_.substr(0, consumed_end_);
    std::size_t begin = last.size();
    while (begin > 0 && static_cast<unsigned char>(last[begin - 1]) > ' ' && last.size() - begin < 40)
      --begin;
    syntax_error(last.substr(begin), token.line);
  }
  if (token.kind == TokenKind::word) syntax_error(token.text, token.line);
  raise(102, "Incorrect syntax near '" + std::string(token.text.substr(0, 128)) + "'.", token.line);
}

bool Parser::at_identifier(std::size_t ahead) {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::name || (token.kind == TokenKind::word && !is_reserved(token.text));
}

std::string Parser::identifier() {
  if (!at_identifier()) fail();
  const Token token = take();
  std::string out = unquoted(token);
  if (out.empty()) raise(1038, "An object or column name is missing or empty.", token.line, 4, 15);
  return out;
}

std::string Parser::any_word() {
  if (peek().kind != TokenKind::word) fail();
  return upper(take().text);
}

ObjectName Parser::object_name() {
  ObjectName name;
  name.line = peek().line;
  std::vector<std::string> parts;
  parts.push_back(identifier());
  while (accept_symbol(".")) {
    if (at_symbol(".")) {
      parts.emplace_back();
    } else {
      parts.push_back(identifier());
    }
  }
  if (parts.size() > 3) not_supported("four-part name", name.line);
  name.name = parts.back();
  if (parts.size() >= 2) name.schema = parts[parts.size() - 2];
  if (parts.size() == 3) name.database = parts[0];
  return name;
}

std::int32_t Parser::integer() {
  const Token token = peek();
  std::int32_t value = 0;
  if (token.kind != TokenKind::integer) fail();
  const auto [end, code] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
  if (code != std::errc{} || end != token.text.data() + token.text.size()) fail();
  take();
  return value;
}

std::int64_t Parser::signed_integer() {
  const bool negative = accept_symbol("-");
  if (!negative) accept_symbol("+");
  const Token token = peek();
  std::int64_t value = 0;
  if (token.kind != TokenKind::integer) fail();
  std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
  take();
  return negative ? -value : value;
}

std::string Parser::string_literal() {
  if (peek().kind != TokenKind::string && peek().kind != TokenKind::nstring) fail();
  return unquoted(take());
}

ExprPtr Parser::make(ExprKind kind) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = peek().line;
  return expr;
}

ExprPtr Parser::whole_expression() {
  ExprPtr expr = expression();
  if (!at_end()) fail();
  return expr;
}
ExprPtr Parser::whole_predicate() {
  ExprPtr expr = predicate();
  if (!at_end()) fail();
  return expr;
}
ObjectName Parser::whole_name() {
  ObjectName name = object_name();
  if (!at_end()) fail();
  return name;
}

StatementList Parser::batch() {
  StatementList out;
  while (accept_symbol(";"))
    continue;
  while (!at_end()) {
    out.push_back(statement());
    while (accept_symbol(";"))
      continue;
  }
  return out;
}

StatementList parse_batch(std::string_view text, bool quoted_identifier) {
  return Parser(text, quoted_identifier).batch();
}
ExprPtr parse_expression(std::string_view text) {
  return Parser(text, true).whole_expression();
}
ExprPtr parse_predicate(std::string_view text) {
  return Parser(text, true).whole_predicate();
}
ObjectName parse_object_name(std::string_view text) {
  return Parser(text, true).whole_name();
}

std::vector<ParameterDeclaration> parse_parameters(std::string_view text) {
  Parser parser(text, true);
  std::vector<ParameterDeclaration> out;
  while (!parser.at_end()) {
    ParameterDeclaration declaration;
    if (parser.peek().kind != TokenKind::variable) parser.fail();
    declaration.name = std::string(parser.take().text);
    parser.accept_word("AS");
    declaration.type = parser.data_type(out.size() + 1);
    declaration.output = parser.accept_word("OUTPUT") || parser.accept_word("OUT");
    parser.accept_word("READONLY");
    out.push_back(std::move(declaration));
    if (!parser.accept_symbol(",")) break;
  }
  if (!parser.at_end()) parser.fail();
  return out;
}

}  // namespace tailrace::sim::tsql
