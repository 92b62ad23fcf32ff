// INSERT, UPDATE, DELETE, MERGE and their OUTPUT clause.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

std::unique_ptr<Statement> Parser::wrap_with() {
  auto out = std::make_unique<Statement>();
  out->line = peek().line;
  std::vector<CommonTable> ctes;
  if (at_word("WITH")) ctes = common_tables();
  if (at_word("INSERT")) {
    out->body = insert_statement(std::move(ctes));
  } else if (at_word("UPDATE")) {
    out->body = update_statement(std::move(ctes));
  } else if (at_word("DELETE")) {
    out->body = delete_statement(std::move(ctes));
  } else if (at_word("MERGE")) {
    out->body = merge_statement(std::move(ctes));
  } else {
    SelectPtr select = query_expression();
    select->ctes = std::move(ctes);
    option_clause();
    out->body = std::move(select);
  }
  return out;
}

DmlTarget Parser::dml_target() {
  DmlTarget target;
  if (peek().kind == TokenKind::variable) {
    target.variable = take().text;
    return target;
  }
  target.name = object_name();
  if (at_word("WITH") && at_symbol("(", 1)) {
    take();
    target.hints = table_hints();
  }
  return target;
}

std::optional<OutputClause> Parser::output_clause() {
  if (!at_word("OUTPUT")) return std::nullopt;
  take();
  OutputClause output;
  do {
    output.items.push_back(select_item());
  } while (accept_symbol(","));
  if (accept_word("INTO")) {
    if (peek().kind == TokenKind::variable) {
      output.into_variable = take().text;
    } else {
      output.into = object_name();
    }
    if (at_symbol("(") && !at_word("SELECT", 1)) {
      take();
      do {
        output.into_columns.push_back(identifier());
      } while (accept_symbol(","));
      expect_symbol(")");
    }
  }
  return output;
}

// A plain literal stays text; everything else becomes an expression.
ValueCell Parser::value_cell() {
  ValueCell cell;
  const Token first = peek();
  bool plain = false;
  switch (first.kind) {
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::float_:
    case TokenKind::money:
    case TokenKind::string:
    case TokenKind::nstring:
    case TokenKind::binary: plain = at_symbol(",", 1) || at_symbol(")", 1); break;
    case TokenKind::symbol: {
      const TokenKind next = peek(1).kind;
      const bool number = next == TokenKind::integer || next == TokenKind::decimal ||
                          next == TokenKind::float_ || next == TokenKind::money;
      if (first.text == "-" && number && (at_symbol(",", 2) || at_symbol(")", 2))) {
        take();
        cell.negative = true;
        plain = true;
      }
      break;
    }
    case TokenKind::word:
      if (at_word("NULL") && (at_symbol(",", 1) || at_symbol(")", 1))) {
        take();
        cell.kind = TokenKind::word;
        return cell;
      }
      if (at_word("DEFAULT")) {
        take();
        cell.kind = TokenKind::word;
        cell.is_default = true;
        return cell;
      }
      break;
    default: break;
  }
  if (plain) {
    const Token literal = take();
    cell.kind = literal.kind;
    cell.text = literal.text;
    cell.doubled = literal.doubled;
  } else {
    cell.expr = expression();
  }
  return cell;
}

void Parser::insert_values(Insert& insert) {
  expect_word("VALUES");
  std::size_t rows = 0;
  do {
    const std::int32_t line = peek().line;
    expect_symbol("(");
    const std::size_t begin = insert.cells.size();
    do {
      insert.cells.push_back(value_cell());
    } while (accept_symbol(","));
    expect_symbol(")");
    const std::size_t width = insert.cells.size() - begin;
    if (insert.row_width != 0 && width != insert.row_width) {
      raise(10709, "The number of columns for each row in a table value constructor must be the same.", line,
            1, 15);
    }
    insert.row_width = width;
    if (++rows > 1000) {
      raise(10738,
            "The number of row value expressions in the INSERT statement exceeds the maximum allowed number "
            "of 1000 row values.",
            line, 1, 15);
    }
  } while (accept_symbol(","));
}

Insert Parser::insert_statement(std::vector<CommonTable> ctes) {
  Insert insert;
  insert.ctes = std::move(ctes);
  expect_word("INSERT");
  insert.top = top_clause();
  accept_word("INTO");
  insert.target = dml_target();
  if (at_symbol("(") && !at_word("SELECT", 1)) {
    take();
    do {
      insert.columns.push_back(identifier());
    } while (accept_symbol(","));
    expect_symbol(")");
  }
  insert.output = output_clause();
  if (at_word("VALUES")) {
    insert_values(insert);
  } else if (at_word("DEFAULT") && at_word("VALUES", 1)) {
    take();
    take();
    insert.default_values = true;
  } else if (at_word("EXEC") || at_word("EXECUTE")) {
    insert.execute = execute_statement();
  } else {
    insert.query = query_expression();
  }
  option_clause();
  return insert;
}

std::vector<SetItem> Parser::set_items() {
  std::vector<SetItem> out;
  do {
    SetItem item;
    if (peek().kind == TokenKind::variable) {
      item.variable = take().text;
      if (at_symbol("=") && at_identifier(1) && (at_symbol("=", 2) || at_symbol("+=", 2))) {
        take();
        item.column.push_back(identifier());
      }
    } else {
      do {
        item.column.push_back(identifier());
      } while (accept_symbol("."));
    }
    if (peek().kind != TokenKind::symbol || !peek().text.ends_with('=')) fail();
    item.op = take().text;
    item.value = expression();
    out.push_back(std::move(item));
  } while (accept_symbol(","));
  return out;
}

Update Parser::update_statement(std::vector<CommonTable> ctes) {
  Update update;
  update.ctes = std::move(ctes);
  expect_word("UPDATE");
  update.top = top_clause();
  update.target = dml_target();
  expect_word("SET");
  update.items = set_items();
  update.output = output_clause();
  if (accept_word("FROM")) update.from = table_sources();
  if (accept_word("WHERE")) {
    if (at_word("CURRENT")) not_supported("CURRENT OF", peek().line);
    update.where = predicate();
  }
  option_clause();
  return update;
}

Delete Parser::delete_statement(std::vector<CommonTable> ctes) {
  Delete out;
  out.ctes = std::move(ctes);
  expect_word("DELETE");
  out.top = top_clause();
  accept_word("FROM");
  out.target = dml_target();
  out.output = output_clause();
  if (accept_word("FROM")) out.from = table_sources();
  if (accept_word("WHERE")) {
    if (at_word("CURRENT")) not_supported("CURRENT OF", peek().line);
    out.where = predicate();
  }
  option_clause();
  return out;
}

MergeClause Parser::merge_clause() {
  MergeClause clause;
  expect_word("WHEN");
  if (accept_word("NOT")) {
    clause.when = MergeClause::When::not_matched;
    expect_word("MATCHED");
    if (accept_word("BY")) {
      if (accept_word("SOURCE")) {
        clause.when = MergeClause::When::not_matched_by_source;
      } else {
        expect_word("TARGET");
      }
    }
  } else {
    expect_word("MATCHED");
  }
  if (accept_word("AND")) clause.condition = predicate();
  expect_word("THEN");
  if (accept_word("DELETE")) {
    clause.action = MergeClause::Action::delete_;
  } else if (accept_word("UPDATE")) {
    expect_word("SET");
    clause.items = set_items();
  } else {
    expect_word("INSERT");
    clause.action = MergeClause::Action::insert;
    if (accept_symbol("(")) {
      do {
        clause.columns.push_back(identifier());
      } while (accept_symbol(","));
      expect_symbol(")");
    }
    if (accept_word("DEFAULT")) {
      expect_word("VALUES");
      clause.default_values = true;
    } else {
      expect_word("VALUES");
      expect_symbol("(");
      do {
        clause.values.push_back(expression());
      } while (accept_symbol(","));
      expect_symbol(")");
    }
  }
  return clause;
}

Merge Parser::merge_statement(std::vector<CommonTable> ctes) {
  Merge merge;
  merge.ctes = std::move(ctes);
  expect_word("MERGE");
  if (at_word("TOP")) not_supported("MERGE TOP", peek().line);
  accept_word("INTO");
  merge.target = dml_target();
  if (accept_word("AS") || (at_identifier() && !at_word("USING"))) merge.alias = identifier();
  if (at_word("WITH")) {
    take();
    merge.target.hints = table_hints();
  }
  expect_word("USING");
  merge.source = table_source();
  expect_word("ON");
  merge.on = predicate();
  while (at_word("WHEN"))
    merge.clauses.push_back(merge_clause());
  if (merge.clauses.empty()) fail();
  merge.output = output_clause();
  option_clause();
  if (!at_symbol(";")) {
    raise(10713, "A MERGE statement must be terminated by a semi-colon (;).", peek().line, 1, 15);
  }
  return merge;
}

}  // namespace tailrace::sim::tsql
