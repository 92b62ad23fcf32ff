// Definitions of tables and columns, from the clauses of CREATE TABLE and ALTER TABLE.
#include <algorithm>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

std::string without_outer_parentheses(std::string text) {
  while (text.size() >= 2 && text.front() == '(' && text.back() == ')') {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      if (text[i] == '\'') quoted = !quoted;
      if (quoted) continue;
      if (text[i] == '(') ++depth;
      if (text[i] == ')' && --depth == 0) return text;
    }
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

// "The result of most expressions is considered nullable even if only nonnullable columns are present, because possible
// underflows or overflows produce null results" (computed_column_definition).
bool can_overflow(const Expr& expr, const Typed& value) {
  return (expr.kind == ExprKind::binary || expr.kind == ExprKind::negate) && is_numeric(value.type.type);
}

}  // namespace

// As SQL Server keeps it, less the outer parentheses: a number stands in a pair of its own, ((1.5)).
std::string default_text(const ConstraintClause& clause) {
  const std::string text = without_outer_parentheses(clause.text);
  const Expr& expr = *clause.expr;
  const bool number = expr.kind == ExprKind::literal && expr.token_kind != TokenKind::string &&
                      expr.token_kind != TokenKind::nstring && expr.token_kind != TokenKind::binary;
  return number ? "(" + text + ")" : text;
}

ColumnDef SessionCore::column_definition(const ColumnClause& clause, const std::string& table) {
  ColumnDef column;
  column.name = clause.name;
  column.type = clause.type.type;
  column.sysname = clause.type.sysname;
  column.nullable = clause.nullable.value_or(!clause.type.sysname);
  column.rowguidcol = clause.rowguidcol;
  column.sparse = clause.sparse;
  if (is_text(column.type.type) && column.type.guise != Guise::xml) {
    // Temporary tables are tempdb's, whose collation is the server's.
    const std::string own =
        table.starts_with('#') ? std::string(default_collation) : active_->database->collation;
    column.collation = clause.collation.empty() ? own : clause.collation;
    if (!find_collation(column.collation, column.collation_kind))
      raise(448, "Invalid collation '" + clause.collation + "'.", clause.line);
    if (!is_wide_text(column.type.type)) column.type.code_page = code_page_of(column.collation);
  } else if (!clause.collation.empty()) {
    raise(447, "Expression type " + std::string(type_name(column.type)) + " is invalid for COLLATE clause.",
          clause.line);
  }
  if (clause.identity) {
    const bool whole = (is_integer(column.type.type) && column.type.type != Type::bit) ||
                       (column.type.type == Type::decimal && column.type.scale == 0);
    if (!whole) {
      raise(2749,
            "Identity column '" + clause.name +
                "' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with a scale "
                "of 0, unencrypted, and constrained to be nonnullable.",
            clause.line, 2);
    }
    if (clause.nullable.value_or(false))
      raise(8147,
            "Could not create IDENTITY attribute on nullable column '" + clause.name + "', table '" + table +
                "'.",
            clause.line);
    column.identity = IdentityDef{clause.seed, clause.increment};
    column.nullable = false;
  }
  for (const ConstraintClause& constraint : clause.constraints) {
    if (constraint.kind == ConstraintClause::Kind::primary_key) column.nullable = false;
    if (constraint.kind != ConstraintClause::Kind::default_) continue;
    DefaultDef value;
    value.name = constraint.name;
    value.text = default_text(constraint);
    Binder binder(*this);
    binder.convert_to(binder.expression(*constraint.expr), column.type,
                      clause.line);  // Refuses what cannot be a default.
    column.default_value = std::move(value);
  }
  return column;
}

void check_column_count(std::string_view action, const TableDef& table, const ColumnClause& one_more) {
  constexpr std::size_t most_columns = 1024;
  if (table.columns.size() < most_columns) return;
  raise(1702,
        std::string(action) + " TABLE failed because column '" + one_more.name + "' in table '" + table.name +
            "' exceeds the maximum of 1024 columns.",
        one_more.line);
}

TableDef SessionCore::table_definition(const CreateTable& node, bool local) {
  TableDef table;
  table.name = node.name.name;
  if (!table.name.starts_with('#')) table.identifiers = names();  // Those of tempdb compare as the server's.
  table.schema = node.name.schema.empty() ? default_schema_ : node.name.schema;
  if (!local) {
    const std::optional<std::int32_t> schema = active_->catalog.schema_id(table.schema);
    if (!schema)
      raise(2760,
            "The specified schema name \"" + table.schema +
                "\" either does not exist or you do not have permission to use it.",
            node.name.line);
    table.schema_id = *schema;
    table.schema = active_->catalog.schema_name(*schema);
  } else {
    table.schema = "dbo";
  }
  std::int32_t id = 0;
  for (const ColumnClause& clause : node.columns) {
    if (table.column(clause.name) != nullptr) {
      raise(2705,
            "Column names in each table must be unique. Column name '" + clause.name + "' in table '" +
                table.name + "' is specified more than once.",
            clause.line, 3);
    }
    check_column_count("CREATE", table, clause);
    ColumnDef column;
    if (clause.computed_expr) {
      column.name = clause.name;
      column.computed = clause.computed;
      column.persisted = clause.persisted;
    } else {
      column = column_definition(clause, table.name);
    }
    column.column_id = ++id;
    if (column.identity && std::any_of(table.columns.begin(), table.columns.end(),
                                       [](const ColumnDef& other) { return other.identity.has_value(); })) {
      raise(2744,
            "Multiple identity columns specified for table '" + table.name +
                "'. Only one identity column per table is allowed.",
            clause.line, 2);
    }
    table.columns.push_back(std::move(column));
  }
  // A computed column's type is that of its expression over the others.
  for (std::size_t i = 0; i < node.columns.size(); ++i) {
    if (!node.columns[i].computed_expr) continue;
    Binder binder(*this);
    Block& block = binder.push_block();
    SourceTable source;
    source.alias = table.name;
    for (const ColumnDef& column : table.columns) {
      if (!column.computed.empty()) continue;
      Typed value;
      value.sql = column.stored_name();
      value.type = column.type;
      value.nullable = column.nullable;
      value.collation = column.collation;
      source.columns.push_back({column.name, std::move(value), false});
    }
    block.tables.push_back(std::move(source));
    const Typed value = binder.expression(*node.columns[i].computed_expr);
    binder.pop_block();
    table.columns[i].type = value.type;
    table.columns[i].nullable = node.columns[i].nullable.value_or(
        value.nullable || can_overflow(*node.columns[i].computed_expr, value));
    if (is_text(value.type.type)) {
      table.columns[i].collation = active_->database->collation;
      find_collation(table.columns[i].collation, table.columns[i].collation_kind);
    }
  }
  const auto add_key = [&](const ConstraintClause& constraint, const std::string& own_column) {
    IndexClause clause;
    clause.name = constraint.name;
    clause.unique = true;
    clause.columns = constraint.columns;
    if (clause.columns.empty()) clause.columns.push_back({own_column, false});
    const bool primary = constraint.kind == ConstraintClause::Kind::primary_key;
    if (primary) {
      if (table.primary_key() != nullptr) {
        raise(8110, "Cannot add multiple PRIMARY KEY constraints to table '" + table.name + "'.",
              node.name.line, 0);
      }
      for (const KeyColumn& key : clause.columns) {
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
          ColumnDef& column = table.columns[c];
          if (!same_name(table.identifiers, column.name, key.name)) continue;
          if (c < node.columns.size() && node.columns[c].nullable.value_or(false)) {
            raise(8111,
                  "Cannot define PRIMARY KEY constraint on nullable column in table '" + table.name + "'.",
                  node.name.line);
          }
          column.nullable = false;
        }
      }
    }
    const bool has_clustered = std::any_of(table.indexes.begin(), table.indexes.end(),
                                           [](const IndexDef& index) { return index.clustered; });
    clause.clustered = constraint.clustered.value_or(primary && !has_clustered);
    IndexDef index = index_definition(clause, table);
    index.primary_key = primary;
    index.unique_constraint = !primary;
    table.indexes.push_back(std::move(index));
  };
  // A clustered UNIQUE leaves the primary key nonclustered, wherever it is written: the explicit ones come first.
  std::vector<std::pair<const ConstraintClause*, std::string>> keys;
  const auto collect = [&](const ConstraintClause& constraint, const std::string& own_column) {
    if (constraint.kind == ConstraintClause::Kind::primary_key ||
        constraint.kind == ConstraintClause::Kind::unique)
      keys.emplace_back(&constraint, own_column);
    if (constraint.kind == ConstraintClause::Kind::check) {
      CheckDef check;
      check.name = constraint.name;
      check.text = without_outer_parentheses(constraint.text);
      if (!own_column.empty()) check.column_id = table.column(own_column)->column_id;
      table.checks.push_back(std::move(check));
    }
  };
  for (const ColumnClause& column : node.columns) {
    for (const ConstraintClause& constraint : column.constraints)
      collect(constraint, column.name);
  }
  for (const ConstraintClause& constraint : node.constraints)
    collect(constraint, "");
  std::stable_sort(keys.begin(), keys.end(), [](const auto& left, const auto& right) {
    return left.first->clustered.value_or(false) > right.first->clustered.value_or(false);
  });
  for (const auto& [constraint, own_column] : keys)
    add_key(*constraint, own_column);
  for (const IndexClause& clause : node.indexes)
    table.indexes.push_back(index_definition(clause, table));
  return table;
}

}  // namespace tailrace::sim::tsql
