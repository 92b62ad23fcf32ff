// Predicates: AND, OR, NOT, comparisons, BETWEEN, IN, LIKE, EXISTS.
#include <map>

#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

ExprPtr Parser::predicate() {
  return or_level();
}

ExprPtr Parser::or_level() {
  const Level level(*this);
  ExprPtr left = and_level();
  if (!at_word("OR")) return left;
  // One flat node: a thousand OR terms must not be a thousand levels.
  auto node = make(ExprKind::or_);
  node->args.push_back(std::move(left));
  while (accept_word("OR"))
    node->args.push_back(and_level());
  return node;
}

ExprPtr Parser::and_level() {
  ExprPtr left = not_level();
  if (!at_word("AND")) return left;
  auto node = make(ExprKind::and_);
  node->args.push_back(std::move(left));
  while (accept_word("AND"))
    node->args.push_back(not_level());
  return node;
}

ExprPtr Parser::not_level() {
  if (!at_word("NOT")) return comparison();
  auto node = make(ExprKind::not_);
  take();
  const Level level(*this);
  node->args.push_back(not_level());
  return node;
}

ExprPtr Parser::comparison() {
  if (at_word("EXISTS")) {
    auto node = make(ExprKind::exists);
    take();
    expect_symbol("(");
    node->query = query_expression();
    expect_symbol(")");
    return node;
  }
  return comparison_tail(additive());
}

ExprPtr Parser::comparison_tail(ExprPtr left) {
  const Token& token = peek();
  if (token.kind == TokenKind::symbol) {
    static const std::map<std::string_view, std::string_view> operators{
        {"=", "="},   {"<>", "<>"}, {"!=", "<>"}, {"<", "<"},  {">", ">"},
        {"<=", "<="}, {">=", ">="}, {"!<", ">="}, {"!>", "<="}};
    const auto found = operators.find(token.text);
    if (found == operators.end()) return left;
    auto node = make(ExprKind::compare);
    node->text = found->second;
    take();
    node->args.push_back(std::move(left));
    if (at_word("ALL") || at_word("ANY") || at_word("SOME")) {
      node->kind = ExprKind::quantified;
      node->all = at_word("ALL");
      take();
      expect_symbol("(");
      node->query = query_expression();
      expect_symbol(")");
      return node;
    }
    node->args.push_back(additive());
    return node;
  }
  if (at_word("IS")) {
    auto node = make(ExprKind::is_null);
    take();
    node->negated = accept_word("NOT");
    if (at_word("DISTINCT")) not_supported("IS DISTINCT FROM", peek().line);
    expect_word("NULL");
    node->args.push_back(std::move(left));
    return node;
  }
  bool negated = false;
  if (at_word("NOT") && (at_word("IN", 1) || at_word("LIKE", 1) || at_word("BETWEEN", 1))) {
    take();
    negated = true;
  }
  if (at_word("IN")) return in_tail(std::move(left), negated);
  if (at_word("LIKE")) {
    auto node = make(ExprKind::like);
    take();
    node->negated = negated;
    node->args.push_back(std::move(left));
    node->args.push_back(additive());
    if (accept_word("ESCAPE")) node->args.push_back(additive());
    return node;
  }
  if (at_word("BETWEEN")) {
    auto node = make(ExprKind::between);
    take();
    node->negated = negated;
    node->args.push_back(std::move(left));
    node->args.push_back(additive());
    expect_word("AND");
    node->args.push_back(additive());
    return node;
  }
  return left;
}

ExprPtr Parser::in_tail(ExprPtr left, bool negated) {
  auto node = make(ExprKind::in_list);
  take();
  node->negated = negated;
  node->args.push_back(std::move(left));
  expect_symbol("(");
  if (at_word("SELECT") || at_word("WITH")) {
    node->kind = ExprKind::in_query;
    node->query = query_expression();
  } else {
    do {
      node->args.push_back(expression());
    } while (accept_symbol(","));
  }
  expect_symbol(")");
  return node;
}

}  // namespace tailrace::sim::tsql
