// Expressions: operators, operands, CASE, CAST and CONVERT, calls of functions.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

ExprPtr Parser::expression() {
  const Level level(*this);
  return additive();
}

ExprPtr Parser::additive() {
  ExprPtr left = multiplicative();
  while (at_symbol("+") || at_symbol("-") || at_symbol("&") || at_symbol("|") || at_symbol("^")) {
    link();
    auto node = make(ExprKind::binary);
    node->text = take().text;
    node->args.push_back(std::move(left));
    node->args.push_back(multiplicative());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::multiplicative() {
  ExprPtr left = unary();
  while (at_symbol("*") || at_symbol("/") || at_symbol("%")) {
    link();
    auto node = make(ExprKind::binary);
    node->text = take().text;
    node->args.push_back(std::move(left));
    node->args.push_back(unary());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::unary() {
  const Level level(*this);
  if (at_symbol("-") || at_symbol("+") || at_symbol("~")) {
    const bool minus = at_symbol("-");
    auto node = make(at_symbol("~") ? ExprKind::bit_not : minus ? ExprKind::negate : ExprKind::plus);
    take();
    const Token& number = peek();
    const bool is_number = number.kind == TokenKind::integer || number.kind == TokenKind::decimal ||
                           number.kind == TokenKind::float_ || number.kind == TokenKind::money;
    if (minus && is_number) {
      node->kind = ExprKind::literal;  // So that -9223372036854775808 is one literal.
      node->token_kind = number.kind;
      node->text = "-" + std::string(take().text);
      return node;
    }
    node->args.push_back(unary());
    return node;
  }
  ExprPtr value = primary();
  while (accept_word("COLLATE")) {
    link();
    auto node = make(ExprKind::collate);
    node->text = identifier();
    node->args.push_back(std::move(value));
    value = std::move(node);
  }
  if (at_word("AT") && at_word("TIME", 1)) not_supported("AT TIME ZONE", peek().line);
  return value;
}

bool Parser::parenthesis_opens_query() {
  std::size_t ahead = 0;
  while (at_symbol("(", ahead))
    ++ahead;
  return at_word("SELECT", ahead) || (ahead == 1 && at_word("WITH", ahead));
}

ExprPtr Parser::parenthesised() {
  if (parenthesis_opens_query()) {
    auto node = make(ExprKind::subquery);
    take();
    node->query = query_expression();
    expect_symbol(")");
    return node;
  }
  take();
  ExprPtr inner = or_level();  // A predicate in parentheses is a predicate; the binder tells them apart.
  expect_symbol(")");
  return inner;
}

ExprPtr Parser::primary() {
  const Level level(*this);
  const Token token = peek();
  switch (token.kind) {
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::float_:
    case TokenKind::money:
    case TokenKind::binary: {
      auto node = make(ExprKind::literal);
      node->token_kind = token.kind;
      node->text = take().text;
      return node;
    }
    case TokenKind::string:
    case TokenKind::nstring: {
      auto node = make(ExprKind::literal);
      node->token_kind = token.kind;
      node->text = unquoted(take());
      return node;
    }
    case TokenKind::variable:
    case TokenKind::system: {
      auto node = make(token.kind == TokenKind::variable ? ExprKind::variable : ExprKind::system);
      node->text = take().text;
      return node;
    }
    case TokenKind::symbol:
      if (token.text == "(") return parenthesised();
      if (token.text == "*") {
        auto node = make(ExprKind::star);
        take();
        return node;
      }
      fail();
    case TokenKind::word:
    case TokenKind::name: return word_primary();
    default: fail();
  }
}

ExprPtr Parser::word_primary() {
  const Token token = peek();
  if (token.kind == TokenKind::word) {
    if (at_word("NULL")) {
      auto node = make(ExprKind::null);
      take();
      return node;
    }
    if (at_word("DEFAULT")) {
      auto node = make(ExprKind::default_);
      take();
      return node;
    }
    if (at_word("CASE")) return case_expression();
    if ((at_word("CAST") || at_word("TRY_CAST")) && at_symbol("(", 1)) return cast_call(at_word("TRY_CAST"));
    if (at_word("PARSE") && at_symbol("(", 1)) return parse_call();
    if ((at_word("CONVERT") || at_word("TRY_CONVERT")) && at_symbol("(", 1))
      return convert_call(at_word("TRY_CONVERT"));
    static const std::vector<std::string_view> bare{"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER",
                                                    "SYSTEM_USER", "USER"};
    for (const std::string_view name : bare) {
      if (!at_word(name)) continue;
      auto node = make(ExprKind::function);
      node->parts.emplace_back(upper(take().text));
      return node;
    }
    // Reserved words that are functions.
    if (at_symbol("(", 1)) {
      static const std::vector<std::string_view> functions{"COALESCE", "NULLIF", "LEFT", "RIGHT"};
      for (const std::string_view name : functions) {
        if (at_word(name)) return function_call({std::string(take().text)}, token.line);
      }
    }
  }
  std::vector<std::string> parts;
  parts.push_back(identifier());
  if (at_symbol("::")) {  // geometry::STGeomFromText: one name to the binder.
    take();
    parts.back() += "::" + identifier();
  }
  while (at_symbol(".")) {
    take();
    if (at_symbol("*")) {
      take();
      auto node = make(ExprKind::star);
      node->parts = std::move(parts);
      return node;
    }
    if (at_symbol(".")) {
      parts.emplace_back();
    } else if (peek().kind == TokenKind::word && !parts.empty()) {
      parts.emplace_back(
          take().text);  // After a dot SQL Server too wants brackets for keywords; harmless here.
    } else {
      parts.push_back(identifier());
    }
  }
  if (at_symbol("(")) return function_call(std::move(parts), token.line);
  auto node = make(ExprKind::column);
  node->line = token.line;
  node->parts = std::move(parts);
  return node;
}

ExprPtr Parser::case_expression() {
  auto node = make(ExprKind::case_);
  take();
  if (!at_word("WHEN")) {
    node->has_operand = true;
    node->args.push_back(expression());
  }
  if (!at_word("WHEN")) fail();
  while (accept_word("WHEN")) {
    node->args.push_back(node->has_operand ? expression() : predicate());
    expect_word("THEN");
    node->args.push_back(expression());
  }
  if (accept_word("ELSE")) {
    node->has_else = true;
    node->args.push_back(expression());
  }
  expect_word("END");
  return node;
}

ExprPtr Parser::cast_call(bool try_cast) {
  auto node = make(ExprKind::cast);
  node->try_ = try_cast;
  take();
  expect_symbol("(");
  node->args.push_back(expression());
  expect_word("AS");
  node->type = data_type();
  expect_symbol(")");
  return node;
}

ExprPtr Parser::parse_call() {
  auto node = make(ExprKind::cast);
  node->text = "PARSE";
  take();
  expect_symbol("(");
  node->args.push_back(expression());
  expect_word("AS");
  node->type = data_type();
  if (at_word("USING")) not_supported("PARSE ... USING", node->line);
  expect_symbol(")");
  return node;
}

ExprPtr Parser::convert_call(bool try_convert) {
  auto node = make(ExprKind::cast);
  node->try_ = try_convert;
  node->is_convert = true;
  take();
  expect_symbol("(");
  node->type = data_type();
  expect_symbol(",");
  node->args.push_back(expression());
  if (accept_symbol(",")) {
    node->has_style = true;
    node->args.push_back(expression());
  }
  expect_symbol(")");
  return node;
}

ExprPtr Parser::function_call(std::vector<std::string> parts, std::int32_t line) {
  auto node = make(ExprKind::function);
  node->line = line;
  node->parts = std::move(parts);
  expect_symbol("(");
  if (!at_symbol(")")) {
    if (accept_word("DISTINCT")) {
      node->distinct = true;
    } else if (at_word("ALL")) {
      take();
    }
    const bool takes_predicate = same_word(node->parts.back(), "IIF");
    do {
      node->args.push_back(takes_predicate && node->args.empty() ? predicate() : expression());
    } while (accept_symbol(","));
  }
  expect_symbol(")");
  if (at_word("WITHIN") && at_word("GROUP", 1)) {
    take();
    take();
    expect_symbol("(");
    expect_word("ORDER");
    expect_word("BY");
    node->within_group = order_items();
    expect_symbol(")");
  }
  if (at_word("OVER") && at_symbol("(", 1)) node->over = over_clause();
  return node;
}

std::unique_ptr<Over> Parser::over_clause() {
  auto over = std::make_unique<Over>();
  take();
  expect_symbol("(");
  if (accept_word("PARTITION")) {
    expect_word("BY");
    do {
      over->partition.push_back(expression());
    } while (accept_symbol(","));
  }
  if (accept_word("ORDER")) {
    expect_word("BY");
    over->order = order_items();
  }
  if (at_word("ROWS") || at_word("RANGE")) {
    while (!at_symbol(")")) {
      const Token token = take();
      if (token.kind != TokenKind::word && token.kind != TokenKind::integer) fail();
      over->frame += (over->frame.empty() ? "" : " ") + upper(token.text);
    }
  }
  expect_symbol(")");
  return over;
}

std::vector<OrderItem> Parser::order_items() {
  std::vector<OrderItem> items;
  do {
    OrderItem item;
    item.expr = expression();
    if (accept_word("DESC")) {
      item.descending = true;
    } else {
      accept_word("ASC");
    }
    items.push_back(std::move(item));
  } while (accept_symbol(","));
  return items;
}

}  // namespace tailrace::sim::tsql
