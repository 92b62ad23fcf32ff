// DECLARE and SET: variables and options.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

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

}  // namespace tailrace::sim::tsql
