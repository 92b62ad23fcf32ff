// ALTER TABLE.
#include <algorithm>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// Whether a stored text of T-SQL names a column.
bool mentions_column(const std::string& text, std::string_view name) {
  Lexer lexer(text, true);
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::bad;
       token = lexer.next()) {
    if ((token.kind == TokenKind::word || token.kind == TokenKind::name) && same_name(unquoted(token), name))
      return true;
  }
  return false;
}

}  // namespace

// Computed columns, checks and filters of indexes over a column are kept as text: the column must keep its name and
// be there.
bool has_dependents(const TableDef& table, std::string_view name) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const ColumnDef& other) { return mentions_column(other.computed, name); }) ||
         std::any_of(table.checks.begin(), table.checks.end(),
                     [&](const CheckDef& item) { return mentions_column(item.text, name); }) ||
         std::any_of(table.indexes.begin(), table.indexes.end(),
                     [&](const IndexDef& index) { return mentions_column(index.filter, name); });
}

void SessionCore::add_column(const TablePtr& table, const ColumnClause& clause) {
  if (clause.computed_expr) not_supported("ALTER TABLE ... ADD of a computed column", clause.line);
  if (table->column(clause.name) != nullptr) {
    raise(2705,
          "Column names in each table must be unique. Column name '" + clause.name + "' in table '" +
              table->name + "' is specified more than once.",
          clause.line, 4);
  }
  check_column_count("ALTER", *table, clause);
  ColumnDef column = column_definition(clause, table->name);
  const bool with_values =
      std::any_of(clause.constraints.begin(), clause.constraints.end(),
                  [](const ConstraintClause& item) { return item.for_column == "WITH VALUES"; });
  const bool has_rows = active_->work->connection().single_number("SELECT EXISTS (SELECT 1 FROM " +
                                                                  table->stored_name() + ")") != 0;
  if (!column.nullable && !column.default_value && !column.identity && has_rows) {
    raise(4901,
          "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition "
          "specified, or the column being added is an identity or timestamp column, or alternatively if none "
          "of the previous conditions are satisfied the table must be empty to allow addition of this "
          "column. Column '" +
              clause.name + "' cannot be added to non-empty table '" + table->name +
              "' because it does not satisfy these conditions.",
          clause.line);
  }
  if (column.identity && has_rows)
    not_supported("ADD of an identity column to a table with rows", clause.line);
  check(active_->cdc.before_alter(*table, clause.name, false, false));
  std::string fill;
  if (column.default_value && (with_values || !column.nullable)) {
    Binder binder(*this);
    const ExprPtr expr = parse_expression(column.default_value->text);
    fill = binder.convert_to(binder.expression(*expr), column.type).sql;
    if (!binder.parameters().empty()) not_supported("this default for rows that are there", clause.line);
  }
  // SQLite cannot hold NOT NULL before the rows have their values.
  const bool nullable = column.nullable;
  if (!fill.empty()) column.nullable = true;
  check(active_->catalog.add_column(*table, column));
  active_->catalog.touch();
  active_->catalog.refresh();
  TablePtr current = active_->catalog.table(table->object_id);
  if (!fill.empty()) {
    sim::Statement statement =
        prepare("UPDATE " + current->stored_name() + " SET " + column.stored_name() + " = " + fill);
    while (step(statement))
      continue;
  }
  if (column.nullable != nullable) {
    column.nullable = nullable;
    check(active_->catalog.alter_column(*current, column, ""));
    active_->catalog.touch();
    active_->catalog.refresh();
    current = active_->catalog.table(table->object_id);
  }
  for (const ConstraintClause& constraint : clause.constraints) {
    if (constraint.kind == ConstraintClause::Kind::default_) continue;
    ConstraintClause own;
    own.kind = constraint.kind;
    own.name = constraint.name;
    own.clustered = constraint.clustered;
    own.columns = constraint.columns;
    own.reference = constraint.reference;
    own.text = constraint.text;
    if (own.columns.empty()) own.columns.push_back({clause.name, false});
    add_constraint(active_->catalog.table(table->object_id), own);
  }
  active_->cdc.after_alter(table->object_id, statement_text());
}

void SessionCore::alter_column(const TablePtr& table, const ColumnClause& clause) {
  const ColumnDef* old = table->column(clause.name);
  if (old == nullptr) {
    raise(4924,
          "ALTER TABLE ALTER COLUMN failed because column '" + clause.name + "' does not exist in table '" +
              table->name + "'.",
          clause.line);
  }
  if (!old->computed.empty())
    raise(4928, "Cannot alter column '" + clause.name + "' because it is 'COMPUTED'.", clause.line);
  ColumnDef column = column_definition(clause, table->name);
  column.name = old->name;
  column.column_id = old->column_id;
  column.identity = old->identity;
  column.default_value = old->default_value;
  if (column.identity) column.nullable = false;
  if (clause.collation.empty() && is_text(old->type.type) && is_text(column.type.type)) {
    column.collation = old->collation;
    column.collation_kind = old->collation_kind;
  }
  const bool type_changed = !(old->type == column.type);
  const bool becomes_not_null = !column.nullable && old->nullable;
  for (const IndexDef& index : table->indexes) {
    for (const IndexColumn& key : index.columns) {
      const bool widened = is_text(column.type.type) && column.type.type == old->type.type &&
                           units_of(column.type) >= units_of(old->type);
      if (key.column_id == column.column_id && (becomes_not_null || (type_changed && !widened))) {
        raise(5074,
              "The " + std::string(index.primary_key || index.unique_constraint ? "object" : "index") + " '" +
                  index.name + "' is dependent on column '" + old->name + "'.",
              clause.line);
      }
    }
  }
  check(active_->cdc.before_alter(*table, clause.name, false, false));
  if (becomes_not_null) {
    const bool has_null =
        active_->work->connection().single_number("SELECT EXISTS (SELECT 1 FROM " + table->stored_name() +
                                                  " WHERE " + old->stored_name() + " IS NULL)") != 0;
    if (has_null) {
      raise(515,
            "Cannot insert the value NULL into column '" + old->name + "', table '" +
                active_->database->name + "." + table->schema + "." + table->name +
                "'; column does not allow nulls. UPDATE fails.",
            0, 2);
    }
  }
  std::string conversion;
  if (type_changed) {
    Binder binder(*this);
    Typed value;
    value.sql = old->stored_name();
    value.type = old->type;
    value.collation = old->collation;
    const Typed converted =
        assigned(binder, value, column, active_->database->name + "." + table->schema + "." + table->name,
                 clause.line);
    if (converted.sql != value.sql) conversion = converted.sql;
  }
  if (!conversion.empty()) {
    // A value that does not fit is found before anything moves.
    sim::Statement probe = prepare("SELECT " + conversion + " FROM " + table->stored_name() + " WHERE " +
                                   old->stored_name() + " IS NOT NULL");
    while (step(probe))
      continue;
    // SQL Server finds this when the scan comes to it, which then fails until the change table is mended.
    for (const std::string& rows : active_->cdc.captured_values(table->object_id, *old)) {
      sim::Statement captured = prepare("SELECT " + conversion + " FROM (" + rows + ")");
      try {
        while (step(captured))
          continue;
      } catch (const StatementError&) {
        not_supported("ALTER COLUMN to a type that captured changes do not fit", clause.line);
      }
    }
  }
  check(active_->catalog.alter_column(*table, column, conversion));
  active_->catalog.touch();
  active_->catalog.refresh();
  active_->cdc.after_alter(table->object_id, statement_text(), type_changed ? column.column_id : 0,
                           conversion);
}

void SessionCore::alter_table(const AlterTable& node) {
  in_named_database([&] {
    active_->catalog.refresh();
    Binder binder(*this);
    const TablePtr found = binder.find_table(node.name, false);
    if (!found || !active_->security.is_owner(active_->principal)) {
      raise(4902,
            "Cannot find the object \"" + node.name.text() +
                "\" because it does not exist or you do not have permissions.",
            node.name.line);
    }
    if (found->name.starts_with('#')) not_supported("ALTER TABLE of a temporary table", node.name.line);
    write_statement([&] {
      const auto table = [&] { return active_->catalog.table(found->object_id); };
      switch (node.action) {
        case AlterTable::Action::add:
          for (const ColumnClause& column : node.columns)
            add_column(table(), column);
          for (const ConstraintClause& constraint : node.constraints)
            add_constraint(table(), constraint);
          break;
        case AlterTable::Action::alter_column: alter_column(table(), node.columns.front()); break;
        case AlterTable::Action::drop_column:
          for (const std::string& name : node.names) {
            if (table()->column(name) == nullptr) {
              if (node.if_exists) continue;
              raise(4924,
                    "ALTER TABLE DROP COLUMN failed because column '" + name + "' does not exist in table '" +
                        found->name + "'.",
                    node.name.line);
            }
            if (has_dependents(*table(), name)) {
              raise(5074,
                    "The object is dependent on column '" + name + "'. ALTER TABLE DROP COLUMN " + name +
                        " failed because one or more objects access this column.",
                    node.name.line);
            }
            check(active_->cdc.before_alter(*table(), name, true, false));
            check(active_->catalog.drop_column(*table(), name));
            active_->catalog.touch();
            active_->catalog.refresh();
            active_->cdc.after_alter(found->object_id, statement_text());
          }
          break;
        case AlterTable::Action::drop_constraint:
          for (const std::string& name : node.names) {
            check(active_->cdc.before_alter(*table(), name, true, false));
            const Outcome outcome = active_->catalog.drop_constraint(*table(), name);
            if (outcome && node.if_exists) continue;
            check(outcome);
            active_->catalog.touch();
            active_->catalog.refresh();
          }
          break;
        case AlterTable::Action::check:
        case AlterTable::Action::nocheck: {
          const bool disable = node.action == AlterTable::Action::nocheck;
          std::vector<std::string> names = node.names;
          if (names.size() == 1 && same_word(names[0], "ALL")) {
            names.clear();
            for (const CheckDef& item : found->checks)
              names.push_back(item.name);
            for (const ForeignKeyDef& key : found->foreign_keys)
              names.push_back(key.name);
          }
          for (const std::string& name : names) {
            if (!disable && node.if_exists) {
              for (const CheckDef& item : found->checks) {
                if (same_name(this->names(), item.name, name)) verify_check(*found, item);
              }
              for (const ForeignKeyDef& key : found->foreign_keys) {
                if (same_name(this->names(), key.name, name)) verify_foreign_key(*found, key);
              }
            }
            check(active_->catalog.set_constraint_disabled(*table(), name, disable, node.if_exists));
            active_->catalog.touch();
            active_->catalog.refresh();
          }
          break;
        }
        case AlterTable::Action::switch_: not_supported("ALTER TABLE ... SWITCH", node.name.line);
      }
      active_->catalog.touch();
    });
  });
}

}  // namespace tailrace::sim::tsql
