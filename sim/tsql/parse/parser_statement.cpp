// Statements: the choice of the production by the first words.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

std::unique_ptr<Statement> with_line(std::int32_t line) {
  auto out = std::make_unique<Statement>();
  out->line = line;
  return out;
}

std::unique_ptr<Statement> Parser::statement() {
  const Level level(*this);
  const std::size_t begin = peek().offset;
  std::unique_ptr<Statement> out = bare_statement();
  out->begin = begin;
  out->end = consumed_end_;
  return out;
}

std::unique_ptr<Statement> Parser::bare_statement() {
  const Token first = peek();
  if (first.kind == TokenKind::symbol && first.text == "(") return wrap_with();
  if (first.kind != TokenKind::word) {
    if (first.kind == TokenKind::name) fail();
    fail();
  }
  auto out = with_line(first.line);
  const std::string word = upper(first.text);
  if (word == "SELECT" || word == "WITH" || word == "INSERT" || word == "UPDATE" || word == "DELETE" ||
      word == "MERGE") {
    return wrap_with();
  }
  if (word == "BEGIN") return begin_statement();
  if (word == "SET") return set_statement();
  if (word == "DECLARE") return declare_statement();
  if (word == "EXEC" || word == "EXECUTE") return execute_statement();
  if (word == "CREATE") return create_statement();
  if (word == "ALTER") return alter_statement();
  if (word == "DROP") return drop_statement();
  if (word == "GRANT" || word == "DENY" || word == "REVOKE") {
    take();
    out->body = permission_statement(word);
    return out;
  }
  if (word == "IF") {
    take();
    If node;
    node.condition = predicate();
    node.then = statement();
    // IF a SELECT 1; ELSE ...: a semicolon may stand before ELSE.
    if (at_symbol(";") && at_word("ELSE", 1)) take();
    if (accept_word("ELSE")) node.otherwise = statement();
    out->body = std::move(node);
  } else if (word == "WHILE") {
    take();
    While node;
    node.condition = predicate();
    node.body = statement();
    out->body = std::move(node);
  } else if (word == "BREAK") {
    take();
    out->body = Break{};
  } else if (word == "CONTINUE") {
    take();
    out->body = Continue{};
  } else if (word == "RETURN") {
    take();
    Return node;
    const TokenKind kind = peek().kind;
    const bool value =
        kind == TokenKind::integer || kind == TokenKind::variable || at_symbol("-") || at_symbol("(");
    if (value) node.value = expression();
    out->body = std::move(node);
  } else if (word == "PRINT") {
    take();
    Print node;
    node.value = expression();
    out->body = std::move(node);
  } else if (word == "THROW") {
    take();
    Throw node;
    if (!at_end() && !at_symbol(";") && !at_word("END")) {
      node.number = expression();
      expect_symbol(",");
      node.message = expression();
      expect_symbol(",");
      node.state = expression();
    }
    out->body = std::move(node);
  } else if (word == "RAISERROR") {
    take();
    RaiseError node;
    expect_symbol("(");
    do {
      node.args.push_back(expression());
    } while (accept_symbol(","));
    expect_symbol(")");
    if (node.args.size() < 3) fail();
    if (at_word("WITH")) {
      take();
      do {
        const std::string option = any_word();
        if (option == "NOWAIT")
          node.no_wait = true;
        else if (option != "LOG" && option != "SETERROR")
          fail();
      } while (accept_symbol(","));
    }
    out->body = std::move(node);
  } else if (word == "WAITFOR") {
    take();
    if (!at_word("DELAY")) not_supported("WAITFOR " + upper(peek().text), peek().line);
    take();
    WaitFor node;
    node.delay = primary();
    out->body = std::move(node);
  } else if (word == "USE") {
    take();
    Use node;
    node.database = identifier();
    out->body = std::move(node);
  } else if (word == "COMMIT" || word == "ROLLBACK" || word == "SAVE") {
    take();
    const bool has_tran =
        accept_word("TRAN") || accept_word("TRANSACTION") || (word != "SAVE" && accept_word("WORK"));
    if (word == "SAVE" && !has_tran) fail();
    const std::string name = has_tran ? transaction_name() : "";
    if (word == "COMMIT") {
      if (at_word("WITH") && at_symbol("(", 1)) {
        take();
        skip_optional_parenthesised();
      }
      out->body = CommitTransaction{};
    } else if (word == "ROLLBACK") {
      out->body = RollbackTransaction{name};
    } else {
      if (name.empty()) fail();
      out->body = SaveTransaction{name};
    }
  } else if (word == "TRUNCATE") {
    take();
    expect_word("TABLE");
    out->body = TruncateTable{object_name()};
  } else if (word == "BULK") {
    out->body = bulk_insert_statement();
  } else if (word == "CHECKPOINT" || word == "RECONFIGURE") {
    take();
    if (word == "RECONFIGURE" && at_word("WITH") && at_word("OVERRIDE", 1)) {
      take();
      take();
    }
    out->body = Empty{};
  } else if (word == "DBCC" || word == "BACKUP" || word == "RESTORE" || word == "KILL" || word == "GOTO" ||
             word == "OPEN" || word == "CLOSE" || word == "FETCH" || word == "DEALLOCATE" ||
             word == "SHUTDOWN" || word == "REVERT" || word == "READTEXT" || word == "WRITETEXT" ||
             word == "UPDATETEXT" || word == "ENABLE" || word == "DISABLE") {
    not_supported(word, first.line);
  } else if (!is_reserved(word) && out->line >= 1 && consumed_end_ == 0) {
    // The first statement of a batch may be a procedure's name alone.
    Execute node;
    node.procedure = object_name();
    execute_arguments(node);
    out->body = std::move(node);
  } else {
    fail();
  }
  return out;
}

}  // namespace tailrace::sim::tsql
