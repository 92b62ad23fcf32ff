// CREATE TABLE, ALTER TABLE and CREATE INDEX: columns, constraints, indexes.
#include "sim/tsql/parse/parser_internal.h"

namespace tailrace::sim::tsql {

CreateTable Parser::create_table(ObjectName name) {
  CreateTable table;
  table.name = std::move(name);
  table_elements(table);
  if (accept_word("ON")) identifier();  // A filegroup.
  if (accept_word("TEXTIMAGE_ON")) identifier();
  if (at_word("WITH")) {
    const std::int32_t line = peek().line;
    take();
    if (!at_word("DATA_COMPRESSION", 1)) not_supported("CREATE TABLE ... WITH", line);
    skip_optional_parenthesised();
  }
  return table;
}

void Parser::table_elements(CreateTable& table) {
  expect_symbol("(");
  while (true) {
    if (at_constraint()) {
      table.constraints.push_back(constraint_clause(false));
    } else if (at_word("INDEX") && at_identifier(1)) {
      table.indexes.push_back(table_index());
    } else if (at_word("PERIOD")) {
      not_supported("PERIOD FOR SYSTEM_TIME", peek().line);
    } else {
      table.columns.push_back(column_clause(table.columns.size() + 1));
    }
    if (!accept_symbol(",")) break;
    if (at_symbol(")")) break;  // SQL Server takes a trailing comma.
  }
  expect_symbol(")");
}

bool Parser::at_constraint() {
  return at_word("CONSTRAINT") || at_word("PRIMARY") || at_word("UNIQUE") || at_word("FOREIGN") ||
         at_word("CHECK");
}

ColumnClause Parser::column_clause(std::size_t position) {
  ColumnClause column;
  column.line = peek().line;
  column.name = identifier();
  if (accept_word("AS")) {
    const std::size_t begin = peek().offset;
    column.computed_expr = expression();
    column.computed = source_text(begin);
    if (accept_word("PERSISTED")) column.persisted = true;
    if (at_word("NOT") && at_word("NULL", 1)) {
      take();
      take();
      column.nullable = false;
    }
    return column;
  }
  column.type = data_type(position);
  column_options(column);
  return column;
}

void Parser::column_options(ColumnClause& column) {
  while (true) {
    if (accept_word("NOT")) {
      if (at_word("FOR")) {  // IDENTITY ... NOT FOR REPLICATION
        take();
        expect_word("REPLICATION");
        continue;
      }
      expect_word("NULL");
      column.nullable = false;
    } else if (accept_word("NULL")) {
      column.nullable = true;
    } else if (accept_word("IDENTITY")) {
      column.identity = true;
      if (accept_symbol("(")) {
        column.seed = signed_integer();
        expect_symbol(",");
        column.increment = signed_integer();
        expect_symbol(")");
      }
    } else if (accept_word("COLLATE")) {
      column.collation = identifier();
    } else if (accept_word("ROWGUIDCOL")) {
      column.rowguidcol = true;
    } else if (at_constraint() || at_word("DEFAULT") || at_word("REFERENCES")) {
      column.constraints.push_back(constraint_clause(true));
    } else if (accept_word("SPARSE")) {
      column.sparse = true;
    } else if (at_word("GENERATED") || at_word("ENCRYPTED") || at_word("MASKED") || at_word("FILESTREAM")) {
      not_supported(upper(peek().text), peek().line);
    } else {
      return;
    }
  }
}

ReferenceClause Parser::reference_clause() {
  ReferenceClause out;
  expect_word("REFERENCES");
  out.table = object_name();
  if (accept_symbol("(")) {
    do {
      out.columns.push_back(identifier());
    } while (accept_symbol(","));
    expect_symbol(")");
  }
  while (at_word("ON")) {
    take();
    const std::string event = any_word();
    if (event != "DELETE" && event != "UPDATE") syntax_error(event, peek().line);
    std::string action = any_word();
    if (action == "NO" || action == "SET") action += "_" + any_word();
    if (action != "NO_ACTION" && action != "CASCADE" && action != "SET_NULL" && action != "SET_DEFAULT") {
      syntax_error(action, peek().line);
    }
    (event == "DELETE" ? out.on_delete : out.on_update) = action;
  }
  if (at_word("NOT") && at_word("FOR", 1)) {
    take();
    take();
    expect_word("REPLICATION");
  }
  return out;
}

ConstraintClause Parser::constraint_clause(bool of_column) {
  ConstraintClause out;
  if (accept_word("CONSTRAINT")) out.name = identifier();
  if (at_word("PRIMARY") || at_word("UNIQUE")) {
    const bool primary = accept_word("PRIMARY");
    primary ? expect_word("KEY") : expect_word("UNIQUE");
    out.kind = primary ? ConstraintClause::Kind::primary_key : ConstraintClause::Kind::unique;
    if (accept_word("CLUSTERED"))
      out.clustered = true;
    else if (accept_word("NONCLUSTERED"))
      out.clustered = false;
    if (at_symbol("(")) {
      if (of_column && !at_identifier(1)) fail();
      out.columns = key_columns();
    } else if (!of_column) {
      fail();
    }
    index_options();
  } else if (at_word("FOREIGN") || (of_column && at_word("REFERENCES"))) {
    out.kind = ConstraintClause::Kind::foreign_key;
    if (accept_word("FOREIGN")) {
      expect_word("KEY");
      if (at_symbol("(")) out.columns = key_columns();
    }
    out.reference = reference_clause();
  } else if (accept_word("CHECK")) {
    out.kind = ConstraintClause::Kind::check;
    if (at_word("NOT") && at_word("FOR", 1)) {
      take();
      take();
      expect_word("REPLICATION");
    }
    if (!at_symbol("(")) fail();
    const std::size_t begin = peek().offset;
    take();
    out.expr = predicate();
    expect_symbol(")");
    out.text = source_text(begin);
  } else if (accept_word("DEFAULT")) {
    out.kind = ConstraintClause::Kind::default_;
    const std::size_t begin = peek().offset;
    out.expr = expression();
    out.text = source_text(begin);
    if (accept_word("FOR")) out.for_column = identifier();
  } else {
    fail();
  }
  return out;
}

std::vector<KeyColumn> Parser::key_columns() {
  std::vector<KeyColumn> out;
  expect_symbol("(");
  do {
    KeyColumn column;
    column.name = identifier();
    if (accept_word("DESC"))
      column.descending = true;
    else
      accept_word("ASC");
    out.push_back(std::move(column));
  } while (accept_symbol(","));
  expect_symbol(")");
  return out;
}

// WITH (...) and ON filegroup say how an index is stored, which changes no answer.
void Parser::index_options() {
  if (at_word("WITH") && (at_symbol("(", 1) || at_word("FILLFACTOR", 1))) {
    take();
    if (at_symbol("(")) {
      if (at_word("IGNORE_DUP_KEY", 1) && at_word("ON", 3)) not_supported("IGNORE_DUP_KEY", peek().line);
      skip_optional_parenthesised();
    } else {
      take();
      expect_symbol("=");
      integer();
    }
  }
  if (at_word("ON") && at_identifier(1)) {
    take();
    identifier();
  }
}

IndexClause Parser::table_index() {
  IndexClause out;
  take();
  out.name = identifier();
  if (accept_word("UNIQUE")) out.unique = true;
  if (accept_word("CLUSTERED"))
    out.clustered = true;
  else if (accept_word("NONCLUSTERED"))
    out.clustered = false;
  out.columns = key_columns();
  if (accept_word("INCLUDE")) {
    for (KeyColumn& column : key_columns())
      out.included.push_back(column.name);
  }
  index_options();
  return out;
}

CreateIndex Parser::create_index(bool unique, std::optional<bool> clustered) {
  CreateIndex out;
  out.index.unique = unique;
  out.index.clustered = clustered;
  out.index.name = identifier();
  expect_word("ON");
  out.table = object_name();
  out.index.columns = key_columns();
  if (accept_word("INCLUDE")) {
    for (KeyColumn& column : key_columns())
      out.index.included.push_back(column.name);
  }
  if (accept_word("WHERE")) {
    const std::size_t begin = peek().offset;
    out.index.filter_expr = predicate();
    out.index.filter = source_text(begin);
  }
  index_options();
  return out;
}

AlterTable Parser::alter_table() {
  AlterTable out;
  out.name = object_name();
  bool no_check = false;
  bool with_check = false;
  if (at_word("WITH") && (at_word("CHECK", 1) || at_word("NOCHECK", 1))) {
    take();
    no_check = any_word() == "NOCHECK";
    with_check = !no_check;
  }
  if (accept_word("ADD")) {
    out.action = AlterTable::Action::add;
    do {
      if (at_constraint() || at_word("DEFAULT")) {
        ConstraintClause clause = constraint_clause(false);
        clause.no_check = no_check;
        out.constraints.push_back(std::move(clause));
      } else {
        out.columns.push_back(column_clause(out.columns.size() + 1));
        if (at_word("WITH") && at_word("VALUES", 1)) {
          take();
          take();
          for (ConstraintClause& clause : out.columns.back().constraints) {
            if (clause.kind == ConstraintClause::Kind::default_) clause.for_column = "WITH VALUES";
          }
        }
      }
    } while (accept_symbol(","));
  } else if (accept_word("DROP")) {
    const bool column = accept_word("COLUMN");
    if (!column) accept_word("CONSTRAINT");
    out.action = column ? AlterTable::Action::drop_column : AlterTable::Action::drop_constraint;
    if (accept_word("IF")) {
      expect_word("EXISTS");
      out.if_exists = true;
    }
    do {
      out.names.push_back(identifier());
    } while (accept_symbol(","));
  } else if (accept_word("ALTER")) {
    expect_word("COLUMN");
    out.action = AlterTable::Action::alter_column;
    ColumnClause column;
    column.line = peek().line;
    column.name = identifier();
    if (at_word("ADD") || at_word("DROP"))
      not_supported("ALTER COLUMN ... " + upper(peek().text), peek().line);
    column.type = data_type(1);
    column_options(column);
    out.columns.push_back(std::move(column));
  } else if (at_word("CHECK") || at_word("NOCHECK")) {
    out.action = at_word("CHECK") ? AlterTable::Action::check : AlterTable::Action::nocheck;
    take();
    expect_word("CONSTRAINT");
    do {
      out.names.push_back(at_word("ALL") ? any_word() : identifier());
    } while (accept_symbol(","));
    out.if_exists = with_check;  // WITH CHECK CHECK: trusted again; without it the rows are not looked at.
  } else if (at_word("SET") || at_word("REBUILD") || at_word("SWITCH") || at_word("ENABLE") ||
             at_word("DISABLE")) {
    not_supported("ALTER TABLE ... " + upper(peek().text), peek().line);
  } else {
    fail();
  }
  return out;
}

}  // namespace tailrace::sim::tsql
