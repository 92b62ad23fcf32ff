// Logins, users, roles; GRANT, DENY, REVOKE.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

CreatePrincipal Parser::create_principal(std::string kind) {
  CreatePrincipal out;
  out.kind = std::move(kind);
  out.name = identifier();
  if (out.kind == "ROLE") {
    if (accept_word("AUTHORIZATION")) identifier();
    return out;
  }
  if (out.kind == "USER") {
    if (accept_word("FOR") || accept_word("FROM")) {
      expect_word("LOGIN");
      out.for_login = identifier();
    } else if (at_word("WITHOUT") && at_word("LOGIN", 1)) {
      take();
      take();
      out.for_login = "";
      out.password = "WITHOUT LOGIN";
    } else {
      out.for_login = out.name;
    }
    if (accept_word("WITH")) {
      expect_word("DEFAULT_SCHEMA");
      expect_symbol("=");
      out.default_schema = identifier();
    }
    return out;
  }
  if (!accept_word("WITH")) not_supported("CREATE LOGIN ... FROM", peek().line);
  do {
    const std::string option = any_word();
    expect_symbol("=");
    if (option == "PASSWORD") {
      out.password = string_literal();
      if (at_word("MUST_CHANGE") || at_word("HASHED")) not_supported(upper(peek().text), peek().line);
    } else if (option == "DEFAULT_DATABASE") {
      out.default_database = identifier();
    } else {
      take();  // CHECK_POLICY, CHECK_EXPIRATION, DEFAULT_LANGUAGE, SID: without effect here.
    }
  } while (accept_symbol(","));
  return out;
}

AlterPrincipal Parser::alter_principal(std::string kind) {
  AlterPrincipal out;
  out.kind = std::move(kind);
  out.name = peek().kind == TokenKind::word && is_reserved(peek().text) ? any_word() : identifier();
  if (out.kind == "ROLE" || out.kind == "SERVER ROLE") {
    out.action = any_word();
    if (out.action != "ADD" && out.action != "DROP")
      not_supported("ALTER ROLE ... " + out.action, peek().line);
    expect_word("MEMBER");
    out.member = identifier();
    return out;
  }
  if (out.kind == "LOGIN" && (at_word("ENABLE") || at_word("DISABLE"))) {
    out.action = any_word();
    return out;
  }
  expect_word("WITH");
  out.action = any_word();
  expect_symbol("=");
  if (out.action == "PASSWORD") {
    out.member = string_literal();
  } else {
    out.member = identifier();
  }
  return out;
}

PermissionChange Parser::permission_statement(std::string action) {
  PermissionChange out;
  out.action = std::move(action);
  if (at_word("GRANT") && at_word("OPTION", 1)) not_supported("GRANT OPTION FOR", peek().line);
  do {
    std::string permission = any_word();
    while (peek().kind == TokenKind::word && !at_word("ON") && !at_word("TO") && !at_word("FROM"))
      permission += " " + any_word();
    if (at_symbol("(")) not_supported("column permissions", peek().line);
    out.permissions.push_back(std::move(permission));
  } while (accept_symbol(","));
  if (accept_word("ON")) {
    out.class_ = "OBJECT";
    if (peek(1).kind == TokenKind::symbol && peek(1).text == "::") {
      out.class_ = any_word();
      take();
    }
    out.object = object_name();
  } else {
    out.class_ = "DATABASE";
  }
  if (!accept_word("TO")) expect_word("FROM");
  do {
    out.principals.push_back(at_word("PUBLIC") ? (take(), std::string("public")) : identifier());
  } while (accept_symbol(","));
  if (at_word("WITH") && at_word("GRANT", 1)) not_supported("WITH GRANT OPTION", peek().line);
  accept_word("CASCADE");
  return out;
}

}  // namespace tailrace::sim::tsql
