// FROM: tables, joins, derived tables, hints.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

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
