// Queries: SELECT, set operators, common table expressions.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

std::optional<Top> Parser::top_clause() {
  if (!at_word("TOP")) return std::nullopt;
  take();
  Top top;
  if (accept_symbol("(")) {
    top.count = expression();
    expect_symbol(")");
  } else {
    top.count = primary();
  }
  if (accept_word("PERCENT")) not_supported("TOP ... PERCENT", peek().line);
  if (at_word("WITH") && at_word("TIES", 1)) not_supported("WITH TIES", peek().line);
  return top;
}

std::vector<CommonTable> Parser::common_tables() {
  std::vector<CommonTable> out;
  expect_word("WITH");
  do {
    CommonTable table;
    table.name = identifier();
    if (accept_symbol("(")) {
      do {
        table.columns.push_back(identifier());
      } while (accept_symbol(","));
      expect_symbol(")");
    }
    expect_word("AS");
    expect_symbol("(");
    table.query = query_expression();
    expect_symbol(")");
    out.push_back(std::move(table));
  } while (accept_symbol(","));
  return out;
}

SelectPtr Parser::select_statement() {
  std::vector<CommonTable> ctes;
  if (at_word("WITH")) ctes = common_tables();
  SelectPtr select = query_expression();
  select->ctes = std::move(ctes);
  option_clause();
  return select;
}

void Parser::option_clause() {
  if (!at_word("OPTION")) return;
  take();
  // Hints change no result; they are read and left.
  expect_symbol("(");
  int depth = 1;
  while (depth > 0) {
    if (at_end()) fail();
    if (at_symbol("(")) ++depth;
    if (at_symbol(")")) --depth;
    take();
  }
}

// One level of UNION and EXCEPT; INTERSECT binds tighter and is nested by query_term().
SelectPtr Parser::query_expression() {
  const Level level(*this);
  auto select = std::make_unique<Select>();
  select->line = peek().line;
  if (at_word("WITH")) select->ctes = common_tables();
  const auto add_term = [&] {
    SelectPtr term = query_term();
    if (term->operators.empty() && term->order_by.empty() && !term->offset) {
      select->terms.push_back(std::move(term->terms.front()));
    } else {
      auto block = std::make_unique<QueryBlock>();
      block->line = term->line;
      block->nested = std::move(term);
      select->terms.push_back(std::move(block));
    }
  };
  add_term();
  while (at_word("UNION") || at_word("EXCEPT")) {
    if (accept_word("EXCEPT")) {
      select->operators.push_back(SetOperator::except);
    } else {
      take();
      select->operators.push_back(accept_word("ALL") ? SetOperator::union_all : SetOperator::union_);
    }
    add_term();
  }
  order_and_offset(*select);
  return select;
}

SelectPtr Parser::query_term() {
  auto select = std::make_unique<Select>();
  select->line = peek().line;
  select->terms.push_back(query_primary());
  while (accept_word("INTERSECT")) {
    select->operators.push_back(SetOperator::intersect);
    select->terms.push_back(query_primary());
  }
  return select;
}

std::unique_ptr<QueryBlock> Parser::query_primary() {
  if (!at_symbol("(")) return query_block();
  auto block = std::make_unique<QueryBlock>();
  block->line = peek().line;
  take();
  block->nested = query_expression();
  expect_symbol(")");
  return block;
}

void Parser::order_and_offset(Select& select) {
  if (!at_word("ORDER")) {
    if (at_word("FOR") && (at_word("XML", 1) || at_word("JSON", 1)))
      not_supported("FOR " + upper(peek(1).text), peek().line);
    return;
  }
  take();
  expect_word("BY");
  select.order_by = order_items();
  if (accept_word("OFFSET")) {
    select.offset = expression();
    if (!accept_word("ROWS")) expect_word("ROW");
    if (accept_word("FETCH")) {
      if (!accept_word("NEXT")) expect_word("FIRST");
      select.fetch = expression();
      if (!accept_word("ROWS")) expect_word("ROW");
      expect_word("ONLY");
    }
  }
  if (at_word("FOR") && (at_word("XML", 1) || at_word("JSON", 1)))
    not_supported("FOR " + upper(peek(1).text), peek().line);
}

std::vector<std::vector<ExprPtr>> Parser::values_rows() {
  std::vector<std::vector<ExprPtr>> rows;
  expect_word("VALUES");
  do {
    expect_symbol("(");
    std::vector<ExprPtr> row;
    do {
      row.push_back(expression());
    } while (accept_symbol(","));
    expect_symbol(")");
    if (!rows.empty() && rows.front().size() != row.size()) {
      raise(10709, "The number of columns for each row in a table value constructor must be the same.",
            peek().line, 1, 15);
    }
    rows.push_back(std::move(row));
  } while (accept_symbol(","));
  return rows;
}

SelectItem Parser::select_item() {
  SelectItem item;
  if (peek().kind == TokenKind::variable && (at_symbol("=", 1) || at_symbol("+=", 1))) {
    item.variable = take().text;
    item.op = take().text;
    item.expr = expression();
    return item;
  }
  if (at_identifier() && at_symbol("=", 1)) {  // alias = expr
    item.alias = identifier();
    take();
    item.expr = expression();
    return item;
  }
  item.expr = expression();
  if (accept_word("AS")) {
    item.alias = peek().kind == TokenKind::string || peek().kind == TokenKind::nstring ? unquoted(take())
                                                                                       : identifier();
  } else if (peek().kind == TokenKind::string) {
    item.alias = unquoted(take());
  } else if (at_identifier()) {
    item.alias = identifier();
  }
  return item;
}

std::unique_ptr<QueryBlock> Parser::query_block() {
  auto block = std::make_unique<QueryBlock>();
  block->line = peek().line;
  if (at_word("VALUES")) fail();
  expect_word("SELECT");
  if (accept_word("DISTINCT")) {
    block->distinct = true;
  } else if (at_word("ALL")) {
    take();
  }
  block->top = top_clause();
  do {
    block->items.push_back(select_item());
  } while (accept_symbol(","));
  if (accept_word("INTO")) block->into = object_name();
  if (accept_word("FROM")) block->from = table_sources();
  if (accept_word("WHERE")) block->where = predicate();
  if (at_word("GROUP")) {
    take();
    expect_word("BY");
    if (at_word("ROLLUP") || at_word("CUBE") || at_word("GROUPING"))
      not_supported("GROUP BY " + upper(peek().text), peek().line);
    do {
      block->group_by.push_back(expression());
    } while (accept_symbol(","));
    if (at_word("WITH") && (at_word("ROLLUP", 1) || at_word("CUBE", 1)))
      not_supported("WITH ROLLUP", peek().line);
  }
  if (accept_word("HAVING")) block->having = predicate();
  return block;
}

}  // namespace tailrace::sim::tsql
