// Control of flow, variables, session options, transactions, EXEC; and the choice of a statement's parser.
#include "sim/tsql/parser_internal.h"

namespace tailrace::sim::tsql {

namespace {

std::unique_ptr<Statement> with_line(std::int32_t line) {
  auto out = std::make_unique<Statement>();
  out->line = line;
  return out;
}

}  // namespace

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

std::unique_ptr<Statement> Parser::set_statement() {
  auto out = with_line(peek().line);
  take();
  if (peek().kind == TokenKind::variable) {
    SetVariable node;
    node.name = take().text;
    if (peek().kind != TokenKind::symbol || !peek().text.ends_with('=')) fail();
    node.op = take().text;
    node.value = expression();
    out->body = std::move(node);
    return out;
  }
  SetOption node;
  node.names.push_back(any_word());
  if (node.names[0] == "TRANSACTION") {
    expect_word("ISOLATION");
    expect_word("LEVEL");
    node.names[0] = "TRANSACTION ISOLATION LEVEL";
    node.value = any_word();
    if (node.value == "READ" || node.value == "REPEATABLE") node.value += " " + any_word();
  } else if (node.names[0] == "IDENTITY_INSERT") {
    node.table = object_name();
    node.value = any_word();
  } else if (node.names[0] == "STATISTICS") {
    do {
      node.names.push_back(any_word());
    } while (accept_symbol(","));
    node.value =
        node.names.back().find("ON") == 0 || node.names.back() == "OFF" ? node.names.back() : any_word();
  } else {
    while (accept_symbol(","))
      node.names.push_back(any_word());
    const Token value = peek();
    if (value.kind == TokenKind::word) {
      node.value = any_word();
    } else if (value.kind == TokenKind::string || value.kind == TokenKind::nstring) {
      node.value = unquoted(take());
    } else if (value.kind == TokenKind::variable || value.kind == TokenKind::binary) {
      node.expr = primary();
    } else {
      node.value = std::to_string(signed_integer());
    }
  }
  out->body = std::move(node);
  return out;
}

std::unique_ptr<Statement> Parser::declare_statement() {
  auto out = with_line(peek().line);
  take();
  Declare node;
  do {
    Declare::Item item;
    if (peek().kind != TokenKind::variable) {
      if (at_identifier() && at_word("CURSOR", 1)) not_supported("CURSOR", peek().line);
      fail();
    }
    item.name = take().text;
    if (!declared_.insert(upper(item.name)).second)
      raise(134,
            "The variable name '" + item.name +
                "' has already been declared. Variable names must be unique within a query batch or stored "
                "procedure.",
            peek().line);
    accept_word("AS");
    if (accept_word("TABLE")) {
      item.table = std::make_unique<CreateTable>();
      item.table->name.name = item.name;
      table_elements(*item.table);
    } else {
      if (at_word("CURSOR")) not_supported("CURSOR", peek().line);
      item.type = data_type(node.items.size() + 1);
      if (accept_symbol("=")) item.value = expression();
    }
    node.items.push_back(std::move(item));
  } while (accept_symbol(","));
  out->body = std::move(node);
  return out;
}

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
