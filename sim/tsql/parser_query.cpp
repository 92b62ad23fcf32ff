// Queries: SELECT, set operators, FROM, common table expressions.
#include <array>

#include "sim/tsql/parser_internal.h"

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

std::vector<std::unique_ptr<TableSource>> Parser::table_sources() {
  std::vector<std::unique_ptr<TableSource>> out;
  do {
    out.push_back(table_source());
  } while (accept_symbol(","));
  return out;
}

std::unique_ptr<TableSource> Parser::table_source() {
  return joined_table();
}

std::unique_ptr<TableSource> Parser::joined_table() {
  const Level level(*this);
  std::unique_ptr<TableSource> left = primary_table();
  while (true) {
    JoinKind kind = JoinKind::inner;
    bool has_on = true;
    if (at_word("CROSS") && (at_word("JOIN", 1) || at_word("APPLY", 1))) {
      take();
      kind = at_word("JOIN") ? JoinKind::cross : JoinKind::cross_apply;
      take();
      has_on = false;
    } else if (at_word("OUTER") && at_word("APPLY", 1)) {
      take();
      take();
      kind = JoinKind::outer_apply;
      has_on = false;
    } else if (at_word("JOIN") || at_word("INNER") || at_word("LEFT") || at_word("RIGHT") ||
               at_word("FULL")) {
      if (at_word("LEFT")) kind = JoinKind::left;
      if (at_word("RIGHT")) kind = JoinKind::right;
      if (at_word("FULL")) kind = JoinKind::full;
      if (!at_word("JOIN")) take();
      accept_word("OUTER");
      if (!at_word("JOIN")) {  // A join hint.
        if (!at_word("LOOP") && !at_word("HASH") && !at_word("MERGE") && !at_word("REMOTE")) fail();
        take();
      }
      expect_word("JOIN");
    } else {
      return left;
    }
    link();
    auto join = std::make_unique<TableSource>();
    join->kind = TableSource::Kind::join;
    join->line = peek().line;
    join->join = kind;
    join->left = std::move(left);
    // a JOIN b JOIN c ON .. ON ..: the right side may be a join itself.
    join->right = primary_table();
    if (has_on) {
      while (!at_word("ON")) {
        if (!at_word("JOIN") && !at_word("INNER") && !at_word("LEFT") && !at_word("RIGHT") &&
            !at_word("FULL"))
          fail();
        link();
        auto inner = std::make_unique<TableSource>();
        inner->kind = TableSource::Kind::join;
        inner->line = peek().line;
        if (at_word("LEFT")) inner->join = JoinKind::left;
        if (at_word("RIGHT")) inner->join = JoinKind::right;
        if (at_word("FULL")) inner->join = JoinKind::full;
        if (!at_word("JOIN")) take();
        accept_word("OUTER");
        expect_word("JOIN");
        inner->left = std::move(join->right);
        inner->right = primary_table();
        expect_word("ON");
        inner->on = predicate();
        join->right = std::move(inner);
      }
      expect_word("ON");
      join->on = predicate();
    }
    left = std::move(join);
  }
}

void Parser::table_alias(TableSource& source) {
  if (accept_word("AS")) {
    source.alias = identifier();
  } else if (at_identifier() && !at_word("WITH") && !at_word("OUTPUT")) {
    source.alias = identifier();
  }
  if (!source.alias.empty() && source.kind != TableSource::Kind::named && accept_symbol("(")) {
    do {
      source.column_aliases.push_back(identifier());
    } while (accept_symbol(","));
    expect_symbol(")");
  }
}

std::unique_ptr<TableSource> Parser::primary_table() {
  auto source = std::make_unique<TableSource>();
  source->line = peek().line;
  if (peek().kind == TokenKind::variable) {
    source->kind = TableSource::Kind::variable;
    source->text = take().text;
    table_alias(*source);
    return source;
  }
  if (at_symbol("(")) {
    if (at_word("VALUES", 1)) {
      take();
      source->kind = TableSource::Kind::values;
      source->rows = values_rows();
      expect_symbol(")");
      table_alias(*source);
      if (source->alias.empty()) fail();
      return source;
    }
    if (parenthesis_opens_query()) {
      take();
      source->kind = TableSource::Kind::derived;
      source->query = query_expression();
      expect_symbol(")");
      table_alias(*source);
      if (source->alias.empty()) fail();
      return source;
    }
    take();
    source = table_source();
    expect_symbol(")");
    return source;
  }
  source->name = object_name();
  if (at_symbol("(")) {
    // t (NOLOCK), the old form of a hint, or a function's arguments.
    if (at_word("NOLOCK", 1) || at_word("HOLDLOCK", 1) || at_word("UPDLOCK", 1) || at_word("TABLOCK", 1) ||
        at_word("TABLOCKX", 1)) {
      source->hints = table_hints();
    } else {
      take();
      source->kind = TableSource::Kind::function;
      if (!at_symbol(")")) {
        do {
          source->args.push_back(expression());
        } while (accept_symbol(","));
      }
      expect_symbol(")");
    }
  }
  if (at_word("FOR") && at_word("SYSTEM_TIME", 1)) not_supported("FOR SYSTEM_TIME", peek().line);
  if (at_word("TABLESAMPLE")) not_supported("TABLESAMPLE", peek().line);
  table_alias(*source);
  if (at_word("WITH") && at_symbol("(", 1)) {
    take();
    source->hints = table_hints();
  } else if (at_symbol("(") && source->kind == TableSource::Kind::named &&
             (at_word("NOLOCK", 1) || at_word("HOLDLOCK", 1) || at_word("UPDLOCK", 1) ||
              at_word("TABLOCKX", 1))) {
    source->hints = table_hints();
  }
  if (at_word("PIVOT") || at_word("UNPIVOT")) not_supported(upper(peek().text), peek().line);
  return source;
}

std::vector<std::string> Parser::table_hints() {
  static constexpr auto known = std::to_array<std::string_view>({"NOLOCK",
                                                                 "READUNCOMMITTED",
                                                                 "UPDLOCK",
                                                                 "REPEATABLEREAD",
                                                                 "SERIALIZABLE",
                                                                 "READCOMMITTED",
                                                                 "READCOMMITTEDLOCK",
                                                                 "TABLOCK",
                                                                 "TABLOCKX",
                                                                 "PAGLOCK",
                                                                 "ROWLOCK",
                                                                 "XLOCK",
                                                                 "HOLDLOCK",
                                                                 "READPAST",
                                                                 "NOWAIT",
                                                                 "SNAPSHOT",
                                                                 "FORCESEEK",
                                                                 "FORCESCAN",
                                                                 "NOEXPAND",
                                                                 "INDEX",
                                                                 "KEEPIDENTITY",
                                                                 "KEEPDEFAULTS",
                                                                 "IGNORE_CONSTRAINTS",
                                                                 "IGNORE_TRIGGERS"});
  std::vector<std::string> out;
  expect_symbol("(");
  do {
    const Token& token = peek();
    const std::string hint = upper(token.text);
    bool is_known = false;
    for (const std::string_view name : known)
      is_known = is_known || name == hint;
    if (token.kind != TokenKind::word || !is_known) {
      raise(321, "\"" + std::string(token.text) + "\" is not a recognized table hints option.", token.line, 1,
            15);
    }
    take();
    if (hint == "INDEX") {
      if (accept_symbol("=")) {
        take();
      } else {
        expect_symbol("(");
        while (!accept_symbol(")")) {
          if (at_end()) fail();
          take();
        }
      }
    }
    out.push_back(hint);
  } while (accept_symbol(",") || peek().kind == TokenKind::word);
  expect_symbol(")");
  return out;
}

}  // namespace tailrace::sim::tsql
