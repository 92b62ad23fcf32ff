// Blocks, TRY and CATCH, transactions.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

std::string Parser::transaction_name() {
  if (at_identifier() && !at_word("THROW")) return identifier();
  if (peek().kind == TokenKind::variable) not_supported("transaction name in a variable", peek().line);
  return {};
}

void Parser::skip_optional_parenthesised() {
  if (!at_symbol("(")) return;
  int depth = 0;
  do {
    if (at_end()) fail();
    if (at_symbol("(")) ++depth;
    if (at_symbol(")")) --depth;
    take();
  } while (depth > 0);
}

StatementList Parser::block_until(std::string_view second_word) {
  StatementList out;
  while (true) {
    while (accept_symbol(";"))
      continue;
    if (at_word("END") && (second_word.empty() || at_word(second_word, 1))) break;
    if (at_end()) fail();
    out.push_back(statement());
  }
  take();
  if (!second_word.empty()) take();
  return out;
}

std::unique_ptr<Statement> Parser::begin_statement() {
  auto out = with_line(peek().line);
  take();
  if (accept_word("TRAN") || accept_word("TRANSACTION")) {
    BeginTransaction node;
    node.name = transaction_name();
    if (at_word("WITH") && at_word("MARK", 1)) not_supported("WITH MARK", peek().line);
    out->body = std::move(node);
    return out;
  }
  if (at_word("DISTRIBUTED")) not_supported("BEGIN DISTRIBUTED TRANSACTION", peek().line);
  if (accept_word("TRY")) {
    TryCatch node;
    node.body = block_until("TRY");
    while (accept_symbol(";"))
      continue;
    expect_word("BEGIN");
    expect_word("CATCH");
    node.handler = block_until("CATCH");
    out->body = std::move(node);
    return out;
  }
  BlockStatement block;
  block.statements = block_until("");
  if (block.statements.empty()) syntax_error("END", out->line);
  out->body = std::move(block);
  return out;
}

}  // namespace tailrace::sim::tsql
