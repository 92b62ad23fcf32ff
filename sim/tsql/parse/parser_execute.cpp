// EXEC: procedures with their arguments, and texts.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

void Parser::execute_arguments(Execute& execute) {
  const auto starts_argument = [&] {
    switch (peek().kind) {
      case TokenKind::integer:
      case TokenKind::decimal:
      case TokenKind::float_:
      case TokenKind::money:
      case TokenKind::string:
      case TokenKind::nstring:
      case TokenKind::binary:
      case TokenKind::variable:
      case TokenKind::name:
      case TokenKind::system: return true;
      case TokenKind::symbol: return at_symbol("-");
      case TokenKind::word: return at_word("NULL") || at_word("DEFAULT") || !is_reserved(peek().text);
      default: return false;
    }
  };
  if (!starts_argument()) return;
  do {
    ExecuteArgument argument;
    if (peek().kind == TokenKind::variable && at_symbol("=", 1)) {
      argument.name = take().text;
      take();
    }
    if (at_word("DEFAULT")) {
      argument.value = make(ExprKind::default_);
      take();
    } else if (peek().kind == TokenKind::word && !at_word("NULL")) {
      argument.value = make(ExprKind::literal);  // A bare word is a string.
      argument.value->token_kind = TokenKind::nstring;
      argument.value->text = take().text;
    } else if (peek().kind == TokenKind::name) {
      argument.value = make(ExprKind::literal);
      argument.value->token_kind = TokenKind::nstring;
      argument.value->text = unquoted(take());
    } else {
      argument.value = unary();
    }
    argument.output = accept_word("OUTPUT") || accept_word("OUT");
    execute.arguments.push_back(std::move(argument));
  } while (accept_symbol(","));
  if (at_word("WITH") && (at_word("RECOMPILE", 1) || at_word("RESULT", 1))) {
    take();
    if (!accept_word("RECOMPILE")) not_supported("WITH RESULT SETS", peek().line);
  }
}

std::unique_ptr<Statement> Parser::execute_statement() {
  auto out = with_line(peek().line);
  take();
  Execute node;
  if (accept_symbol("(")) {
    node.texts.push_back(expression());
    if (at_symbol(",")) not_supported("EXEC (string, arguments)", peek().line);
    expect_symbol(")");
    if (at_word("AT")) not_supported("EXEC ... AT", peek().line);
    out->body = std::move(node);
    return out;
  }
  if (peek().kind == TokenKind::variable) {
    node.return_variable = take().text;
    expect_symbol("=");
  }
  node.procedure = object_name();
  execute_arguments(node);
  out->body = std::move(node);
  return out;
}

}  // namespace tailrace::sim::tsql
