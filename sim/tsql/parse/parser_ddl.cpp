// CREATE, ALTER and DROP: which object, and what is said of all but tables and indexes.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

std::unique_ptr<Statement> Parser::create_statement() {
  auto out = std::make_unique<Statement>();
  out->line = peek().line;
  take();
  if (at_word("OR") && at_word("ALTER", 1)) not_supported("CREATE OR ALTER", peek().line);
  const std::string kind = any_word();
  if (kind == "TABLE") {
    ObjectName name = object_name();
    out->body = create_table(std::move(name));
  } else if (kind == "DATABASE") {
    CreateDatabase node;
    node.name = identifier();
    if (accept_word("COLLATE")) node.collation = identifier();
    if (at_word("ON") || at_word("LOG") || at_word("CONTAINMENT"))
      not_supported("CREATE DATABASE ... " + upper(peek().text), peek().line);
    out->body = std::move(node);
  } else if (kind == "SCHEMA") {
    CreateSchema node;
    if (!at_word("AUTHORIZATION")) node.name = identifier();
    if (accept_word("AUTHORIZATION")) node.owner = identifier();
    if (node.name.empty()) node.name = node.owner;
    out->body = std::move(node);
  } else if (kind == "UNIQUE" || kind == "CLUSTERED" || kind == "NONCLUSTERED" || kind == "INDEX") {
    const bool unique = kind == "UNIQUE";
    std::string word = unique ? any_word() : kind;
    std::optional<bool> clustered;
    if (word == "CLUSTERED" || word == "NONCLUSTERED") {
      clustered = word == "CLUSTERED";
      if (at_word("COLUMNSTORE")) not_supported("COLUMNSTORE", peek().line);
      word = any_word();
    }
    if (word != "INDEX") syntax_error(word, out->line);
    out->body = create_index(unique, clustered);
  } else if (kind == "LOGIN" || kind == "USER" || kind == "ROLE") {
    out->body = create_principal(kind);
  } else {
    not_supported("CREATE " + kind, out->line);
  }
  return out;
}

std::unique_ptr<Statement> Parser::alter_statement() {
  auto out = std::make_unique<Statement>();
  out->line = peek().line;
  take();
  std::string kind = any_word();
  if (kind == "TABLE") {
    out->body = alter_table();
  } else if (kind == "DATABASE") {
    out->body = alter_database();
  } else if (kind == "ROLE" || kind == "LOGIN" || kind == "USER" || kind == "SERVER") {
    if (kind == "SERVER") {
      expect_word("ROLE");
      kind = "SERVER ROLE";
    }
    out->body = alter_principal(kind);
  } else {
    not_supported("ALTER " + kind, out->line);
  }
  return out;
}

std::unique_ptr<Statement> Parser::drop_statement() {
  auto out = std::make_unique<Statement>();
  out->line = peek().line;
  take();
  const std::string kind = any_word();
  const auto accept_if_exists = [&] {
    if (!at_word("IF")) return false;
    take();
    expect_word("EXISTS");
    return true;
  };
  if (kind == "INDEX") {
    DropIndex node;
    node.if_exists = accept_if_exists();
    const ObjectName first = object_name();
    if (accept_word("ON")) {
      node.name = first.name;
      node.table = object_name();
    } else {  // DROP INDEX table.index
      node.name = first.name;
      node.table.name = first.schema;
      node.table.schema = first.database;
    }
    out->body = std::move(node);
    return out;
  }
  if (kind != "TABLE" && kind != "SCHEMA" && kind != "DATABASE" && kind != "LOGIN" && kind != "USER" &&
      kind != "ROLE") {
    not_supported("DROP " + kind, out->line);
  }
  DropObjects node;
  node.kind = kind;
  node.if_exists = accept_if_exists();
  do {
    node.names.push_back(object_name());
  } while (accept_symbol(","));
  out->body = std::move(node);
  return out;
}

AlterDatabase Parser::alter_database() {
  AlterDatabase out;
  if (accept_word("CURRENT")) {
    out.name.clear();
  } else {
    out.name = identifier();
  }
  if (!at_word("SET")) not_supported("ALTER DATABASE ... " + upper(peek().text), peek().line);
  take();
  out.option = any_word();
  if (accept_symbol("=")) {
    out.value = upper(take().text);
  } else {
    out.value = any_word();
  }
  if (at_symbol("(")) skip_optional_parenthesised();
  if (at_word("WITH")) {  // ROLLBACK IMMEDIATE, NO_WAIT
    take();
    while (peek().kind == TokenKind::word &&
           (at_word("ROLLBACK") || at_word("IMMEDIATE") || at_word("NO_WAIT")))
      take();
  }
  return out;
}

}  // namespace tailrace::sim::tsql
