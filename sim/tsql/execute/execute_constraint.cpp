// Constraints: foreign keys and checks as definitions, whether the rows obey them, and ALTER TABLE ADD of one.
#include <algorithm>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

ForeignKeyAction action_of(const std::string& name) {
  return name == "CASCADE"       ? ForeignKeyAction::cascade
         : name == "SET_NULL"    ? ForeignKeyAction::set_null
         : name == "SET_DEFAULT" ? ForeignKeyAction::set_default
                                 : ForeignKeyAction::no_action;
}

}  // namespace

ForeignKeyDef SessionCore::foreign_key_definition(const ConstraintClause& clause, const TableDef& table,
                                                  const std::string& own_column) {
  ForeignKeyDef key;
  key.name = clause.name;
  key.parent_id = table.object_id;
  key.on_delete = action_of(clause.reference.on_delete);
  key.on_update = action_of(clause.reference.on_update);
  key.not_trusted = clause.no_check;
  std::vector<std::string> own;
  for (const KeyColumn& column : clause.columns)
    own.push_back(column.name);
  if (own.empty()) own.push_back(own_column);
  Binder binder(*this);
  TablePtr referenced;
  if (same_name(names(), clause.reference.table.name, table.name) &&
      (clause.reference.table.schema.empty() ||
       same_name(names(), clause.reference.table.schema, table.schema))) {
    referenced = active_->catalog.table(table.object_id);
    if (!referenced) referenced = std::make_shared<TableDef>(table);
  } else {
    referenced = binder.find_table(clause.reference.table, false);
  }
  if (!referenced)
    raise(1767, "Foreign key '" + clause.name + "' references invalid table '" +
                    clause.reference.table.text() + "'.");
  key.referenced_id = referenced->object_id;
  std::vector<std::string> wanted = clause.reference.columns;
  if (wanted.empty()) {
    const IndexDef* primary = referenced->primary_key();
    if (primary == nullptr)
      raise(1773, "Foreign key '" + clause.name + "' has implicit reference to object '" + referenced->name +
                      "' which does not have a primary key defined on it.");
    for (const IndexColumn& column : primary->columns)
      wanted.push_back(referenced->column(column.column_id)->name);
  }
  if (wanted.size() != own.size()) {
    raise(8139,
          "Number of referencing columns in foreign key differs from number of referenced columns, table '" +
              table.name + "'.");
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    const ColumnDef* from = table.column(own[i]);
    const ColumnDef* to = referenced->column(wanted[i]);
    if (from == nullptr)
      raise(1769, "Foreign key '" + clause.name + "' references invalid column '" + own[i] +
                      "' in referencing table '" + table.name + "'.");
    if (to == nullptr)
      raise(1770, "Foreign key '" + clause.name + "' references invalid column '" + wanted[i] +
                      "' in referenced table '" + referenced->name + "'.");
    if (from->type.type != to->type.type ||
        (!is_text(from->type.type) && !(from->type == to->type) && from->type.type != Type::decimal)) {
      raise(1778, "Column '" + referenced->name + "." + wanted[i] +
                      "' is not the same data type as referencing column '" + table.name + "." + own[i] +
                      "' in foreign key '" + clause.name + "'.");
    }
    key.columns.emplace_back(from->column_id, to->column_id);
  }
  const bool unique =
      std::any_of(referenced->indexes.begin(), referenced->indexes.end(), [&](const IndexDef& index) {
        if (!index.unique && !index.primary_key) return false;
        std::size_t keys = 0;
        for (const IndexColumn& column : index.columns) {
          if (column.included) continue;
          ++keys;
          if (std::none_of(key.columns.begin(), key.columns.end(),
                           [&](const auto& pair) { return pair.second == column.column_id; }))
            return false;
        }
        return keys == key.columns.size() && index.filter.empty();
      });
  if (!unique) {
    raise(1776, "There are no primary or candidate keys in the referenced table '" + referenced->name +
                    "' that match the referencing column list in the foreign key '" + clause.name + "'.");
  }
  return key;
}

// Binds a CHECK over its table; the SQL finds a row that breaks it.
std::string SessionCore::stored_check(const TableDef& table, const CheckDef& item) {
  Binder binder(*this);
  binder.push_block();
  const TablePtr shared = std::make_shared<TableDef>(table);
  const SourceTable& source = binder.add_table(shared, "");
  const std::string from = table.stored_name() + " AS " + source.sqlite_alias;
  const ExprPtr expr = parse_predicate(item.text);
  std::string sql = "SELECT 1 FROM " + from + " WHERE NOT " + binder.predicate(*expr) + " LIMIT 1";
  binder.pop_block();
  return sql;
}

void SessionCore::verify_check(const TableDef& table, const CheckDef& item) {
  sim::Statement statement = prepare(stored_check(table, item));
  if (!step(statement)) return;
  raise(547,
        "The ALTER TABLE statement conflicted with the CHECK constraint \"" + item.name +
            "\". The conflict occurred in database \"" + active_->database->name + "\", table \"" +
            table.schema + "." + table.name + "\".",
        0, 0);
}

void SessionCore::verify_foreign_key(const TableDef& table, const ForeignKeyDef& key) {
  const TablePtr parent = active_->catalog.table(key.referenced_id);
  std::string sql = "SELECT 1 FROM " + table.stored_name() + " AS c WHERE ";
  for (const auto& pair : key.columns)
    sql += "c.c" + std::to_string(pair.first) + " IS NOT NULL AND ";
  sql += "NOT EXISTS (SELECT 1 FROM " + parent->stored_name() + " AS p WHERE ";
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    sql += (i == 0 ? "" : " AND ") + std::string("p.c") + std::to_string(key.columns[i].second) + " = c.c" +
           std::to_string(key.columns[i].first);
  }
  sim::Statement statement = prepare(sql + ") LIMIT 1");
  if (!step(statement)) return;
  raise(547,
        "The ALTER TABLE statement conflicted with the FOREIGN KEY constraint \"" + key.name +
            "\". The conflict occurred in database \"" + active_->database->name + "\", table \"" +
            parent->schema + "." + parent->name + "\".",
        0, 0);
}

void SessionCore::add_constraint(const TablePtr& table, const ConstraintClause& clause) {
  switch (clause.kind) {
    case ConstraintClause::Kind::primary_key:
    case ConstraintClause::Kind::unique: {
      const bool primary = clause.kind == ConstraintClause::Kind::primary_key;
      if (primary && table->primary_key() != nullptr)
        raise(1779, "Table '" + table->name + "' already has a primary key defined on it.", 0, 0);
      IndexClause index_clause;
      index_clause.name = clause.name;
      index_clause.unique = true;
      index_clause.columns = clause.columns;
      const bool has_clustered = std::any_of(table->indexes.begin(), table->indexes.end(),
                                             [](const IndexDef& index) { return index.clustered; });
      index_clause.clustered = clause.clustered.value_or(primary && !has_clustered);
      IndexDef index = index_definition(index_clause, *table);
      index.primary_key = primary;
      index.unique_constraint = !primary;
      if (primary) {
        for (const IndexColumn& column : index.columns) {
          if (table->column(column.column_id)->nullable)
            raise(8111,
                  "Cannot define PRIMARY KEY constraint on nullable column in table '" + table->name + "'.");
        }
      }
      check(active_->catalog.add_index(*table, index));
      break;
    }
    case ConstraintClause::Kind::foreign_key: {
      ForeignKeyDef key = foreign_key_definition(clause, *table, "");
      check(active_->catalog.add_foreign_key(key));
      if (!clause.no_check) verify_foreign_key(*table, key);
      break;
    }
    case ConstraintClause::Kind::check: {
      CheckDef item;
      item.name = clause.name;
      item.text = clause.text.starts_with('(') ? clause.text.substr(1, clause.text.size() - 2) : clause.text;
      check(active_->catalog.add_check(*table, item));
      if (!clause.no_check) verify_check(*table, item);
      break;
    }
    case ConstraintClause::Kind::default_: {
      const ColumnDef* column = table->column(clause.for_column);
      if (column == nullptr)
        raise(1752,
              "Column '" + clause.for_column + "' in table '" + table->name +
                  "' is invalid for creating a default constraint.",
              0, 0);
      if (column->default_value) raise(1781, "Column already has a DEFAULT bound to it.");
      DefaultDef value;
      value.name = clause.name;
      value.text = default_text(clause);
      Binder binder(*this);
      binder.convert_to(binder.expression(*clause.expr), column->type);
      check(active_->catalog.add_default(*table, column->column_id, value));
      break;
    }
  }
  active_->catalog.touch();
  active_->catalog.refresh();
}

}  // namespace tailrace::sim::tsql
