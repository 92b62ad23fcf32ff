// CREATE and DROP of tables, indexes, databases and schemas.
// Long: a table's definition has many clauses, and their errors stand where they are found.
#include <algorithm>

#include "sim/tsql/parser.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
namespace {

ForeignKeyAction action_of(const std::string& name) {
  return name == "CASCADE"       ? ForeignKeyAction::cascade
         : name == "SET_NULL"    ? ForeignKeyAction::set_null
         : name == "SET_DEFAULT" ? ForeignKeyAction::set_default
                                 : ForeignKeyAction::no_action;
}

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

void SessionCore::require_owner(std::string_view what) {
  if (active_->security.is_owner(active_->principal)) return;
  raise(262, std::string(what) + " permission denied in database '" + active_->database->name + "'.");
}

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

IndexDef SessionCore::index_definition(const IndexClause& clause, const TableDef& table) {
  IndexDef index;
  index.name = clause.name;
  index.unique = clause.unique;
  index.clustered = clause.clustered.value_or(false);
  const auto add = [&](const std::string& name, bool descending, bool included) {
    const ColumnDef* column = table.column(name);
    if (column == nullptr)
      raise(1911, "Column name '" + name + "' does not exist in the target table or view.");
    if (!column->computed.empty() && !included) not_supported("an index on a computed column");
    if (!included && column->type.length < 0) {
      raise(1919, "Column '" + name + "' in table '" + table.name +
                      "' is of a type that is invalid for use as a key column in an index.");
    }
    index.columns.push_back({column->column_id, descending, included});
  };
  constexpr std::size_t most_keys = 32;
  if (clause.columns.size() > most_keys) {
    raise(1904, "The index '" + clause.name + "' on table '" + table.name + "' has " +
                    std::to_string(clause.columns.size()) +
                    " columns in the key list. The maximum limit for index key column list is 32.");
  }
  for (const KeyColumn& column : clause.columns)
    add(column.name, column.descending, false);
  for (const std::string& name : clause.included)
    add(name, false, true);
  if (!clause.filter.empty()) {
    index.filter = clause.filter;
    index.stored_filter = stored_predicate(table, clause.filter);
  }
  return index;
}

// A predicate over a table's own columns as SQLite stores them: filters of indexes.
std::string SessionCore::stored_predicate(const TableDef& table, const std::string& text) {
  Binder binder(*this);
  Block& block = binder.push_block();
  SourceTable source;
  source.alias = table.name;
  for (const ColumnDef& column : table.columns) {
    Typed value;
    value.sql = column.stored_name();
    value.type = column.type;
    value.bare = true;
    value.coercibility = Coercibility::implicit;
    value.collation = column.collation;
    source.columns.push_back({column.name, std::move(value), false});
  }
  block.tables.push_back(std::move(source));
  const ExprPtr expr = parse_predicate(text);
  std::string sql = binder.predicate(*expr);
  binder.pop_block();
  if (sql.find("ts(") != std::string::npos || sql.find("tsv(") != std::string::npos ||
      !binder.parameters().empty())
    not_supported("this filter of an index");
  return sql;
}

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

void SessionCore::create_table(const CreateTable& node) {
  if (node.name.name.starts_with('#')) {
    if (local_table(node.name.name))
      raise(2714, "There is already an object named '" + node.name.name + "' in the database.",
            node.name.line, 6);
    temporary_[upper(node.name.name)] = create_local_table(node);
    return;
  }
  if (!node.name.database.empty() && !same_name(node.name.database, active_->database->name)) {
    const DatabasePtr other = state_.server.find(node.name.database);
    if (!other)
      raise(911, "Database '" + node.name.database +
                     "' does not exist. Make sure that the name is entered correctly.");
    active_ = &use(other);
  }
  active_->catalog.refresh();
  require_owner("CREATE TABLE");
  write_statement([&] {
    TableDef table = table_definition(node, false);
    check(active_->catalog.create_table(table));
    active_->catalog.touch();
    active_->catalog.refresh();
    const auto add_keys = [&](const std::vector<ConstraintClause>& constraints,
                              const std::string& own_column) {
      for (const ConstraintClause& constraint : constraints) {
        if (constraint.kind != ConstraintClause::Kind::foreign_key) continue;
        ForeignKeyDef key = foreign_key_definition(constraint, table, own_column);
        check(active_->catalog.add_foreign_key(key));
      }
    };
    for (const ColumnClause& column : node.columns)
      add_keys(column.constraints, column.name);
    add_keys(node.constraints, "");
    // Checks are bound once, so that what they cannot say is refused now.
    for (const CheckDef& item : table.checks)
      stored_check(table, item);
    active_->catalog.touch();
  });
}

TablePtr SessionCore::create_local_table(const CreateTable& node) {
  TableDef table = table_definition(node, true);
  table.object_id = next_local_id_++;
  std::string columns;
  for (const ColumnDef& column : table.columns) {
    columns += (columns.empty() ? "" : ",") + column.stored_name();
    if (!column.collation.empty()) columns += " COLLATE \"" + column.collation + "\"";
  }
  Connection& connection = active_->work->connection();
  connection.execute("CREATE TEMP TABLE " + table.stored_name() + "(" + columns + ")");
  int number = 0;
  for (IndexDef& index : table.indexes) {
    index.index_id = ++number;
    std::string keys;
    for (const IndexColumn& column : index.columns) {
      if (!column.included)
        keys += (keys.empty() ? "" : ",") + std::string("c") + std::to_string(column.column_id) +
                (column.descending ? " DESC" : "");
    }
    connection.execute(std::string("CREATE ") + (index.unique ? "UNIQUE " : "") + "INDEX temp.i" +
                       std::to_string(table.object_id) + "_" + std::to_string(number) + " ON " +
                       table.stored_name() + "(" + keys + ")");
    index.clustered = false;
  }
  local_places_[table.object_id] = active_;
  return std::make_shared<const TableDef>(std::move(table));
}

void SessionCore::drop_local_table(const TablePtr& table) {
  for (auto& [id, item] : uses_) {
    item->work->connection().execute("DROP TABLE IF EXISTS temp." + table->stored_name());
  }
  local_identity_.erase(table->object_id);
  local_places_.erase(table->object_id);
}

void SessionCore::drop_table(const ObjectName& name, bool if_exists) {
  if (name.name.starts_with('#')) {
    const auto found = temporary_.find(upper(name.name));
    if (found == temporary_.end()) {
      if (if_exists) return;
      raise(3701,
            "Cannot drop the table '" + name.name +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    drop_local_table(found->second);
    temporary_.erase(found);
    return;
  }
  in_named_database([&] {
    active_->catalog.refresh();
    Binder binder(*this);
    const TablePtr table = binder.find_table(name, false);
    if (!table) {
      if (if_exists) return;
      raise(3701,
            "Cannot drop the table '" + name.text() +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    if (!active_->security.is_owner(active_->principal)) {
      raise(3701,
            "Cannot drop the table '" + name.text() +
                "', because it does not exist or you do not have permission.",
            name.line, 5);
    }
    write_statement([&] {
      for (const ForeignKeyDef& key : table->referenced_by) {
        if (key.parent_id != table->object_id)
          raise(3726,
                "Could not drop object '" + name.text() +
                    "' because it is referenced by a FOREIGN KEY constraint.",
                name.line);
      }
      active_->cdc.before_drop(*table);
      check(active_->catalog.drop_table(*table));
      active_->catalog.touch();
    });
  });
}

void SessionCore::drop_objects(const DropObjects& node) {
  for (const ObjectName& name : node.names) {
    if (node.kind == "TABLE") {
      drop_table(name, node.if_exists);
    } else if (node.kind == "DATABASE") {
      if (!definition_.sysadmin)
        raise(3701,
              "Cannot drop the database '" + name.name +
                  "', because it does not exist or you do not have permission.",
              name.line);
      if (tran_count_ > 0)
        raise(574, "DROP DATABASE statement cannot be used inside a user transaction.", name.line);
      const DatabasePtr database = state_.server.find(name.name);
      if (!database && node.if_exists) continue;
      if (database && current_->database == database) {
        raise(3702, "Cannot drop database \"" + name.name + "\" because it is currently in use.", name.line,
              3);
      }
      if (database) uses_.erase(database->id);
      check(state_.server.drop_database(name.name));
      state_.jobs.reconsider();
    } else if (node.kind == "SCHEMA") {
      require_owner("DROP SCHEMA");
      active_->catalog.refresh();
      if (node.if_exists && !active_->catalog.schema_id(name.name)) continue;
      write_statement([&] {
        check(active_->catalog.drop_schema(name.name));
        active_->catalog.touch();
      });
    } else if (node.kind == "LOGIN") {
      if (!definition_.sysadmin)
        raise(15151,
              "Cannot drop the login '" + name.name +
                  "', because it does not exist or you do not have permission.",
              name.line);
      check(state_.server.drop_login(name.name));
    } else if (node.kind == "USER" || node.kind == "ROLE") {
      require_owner("DROP " + node.kind);
      write_statement([&] {
        const Outcome outcome = node.kind == "USER" ? active_->security.drop_user(name.name)
                                                    : active_->security.drop_role(name.name);
        if (outcome && node.if_exists) return;
        check(outcome);
        active_->catalog.touch();
      });
    }
  }
}

void SessionCore::create_index(const CreateIndex& node) {
  in_named_database([&] {
    active_->catalog.refresh();
    Binder binder(*this);
    const TablePtr table = binder.find_table(node.table, false);
    if (!table) {
      raise(1088,
            "Cannot find the object \"" + node.table.text() +
                "\" because it does not exist or you do not have permissions.",
            node.table.line, 12);
    }
    if (table->name.starts_with('#')) {
      // Changes no answer of a temporary table; a unique one would refuse rows.
      if (node.index.unique) not_supported("CREATE UNIQUE INDEX on a temporary table", node.table.line);
      return;
    }
    require_owner("CREATE INDEX");
    write_statement([&] {
      IndexDef index = index_definition(node.index, *table);
      check(active_->catalog.add_index(*table, index));
      active_->catalog.touch();
    });
  });
}

void SessionCore::drop_index(const DropIndex& node) {
  in_named_database([&] {
    active_->catalog.refresh();
    Binder binder(*this);
    const TablePtr table = binder.find_table(node.table, false);
    const IndexDef* index = table ? table->index(node.name) : nullptr;
    if (index == nullptr) {
      if (node.if_exists) return;
      raise(3701,
            "Cannot drop the index '" + node.table.text() + "." + node.name +
                "', because it does not exist or you do not have permission.",
            node.table.line, 7);
    }
    if (index->primary_key || index->unique_constraint) {
      raise(3723,
            "An explicit DROP INDEX is not allowed on index '" + node.table.text() + "." + node.name +
                "'. It is being used for " + (index->primary_key ? "PRIMARY KEY" : "UNIQUE KEY") +
                " constraint enforcement.",
            node.table.line, 4);
    }
    require_owner("DROP INDEX");
    write_statement([&] {
      check(active_->cdc.before_alter(*table, node.name, true, false));
      check(active_->catalog.drop_index(*table, node.name));
      active_->catalog.touch();
    });
  });
}

void SessionCore::create_database(const CreateDatabase& node) {
  if (!definition_.sysadmin) raise(262, "CREATE DATABASE permission denied in database 'master'.");
  if (tran_count_ > 0)
    raise(226, "CREATE DATABASE statement not allowed within multi-statement transaction.");
  check(state_.server.create_database(node.name, node.collation));
  state_.jobs.reconsider();
}

void SessionCore::alter_database(const AlterDatabase& node) {
  const DatabasePtr database = node.name.empty() || same_word(node.name, "CURRENT")
                                   ? current_->database
                                   : state_.server.find(node.name);
  if (!database)
    raise(5011,
          "User does not have permission to alter database '" + node.name +
              "', the database does not exist, or the database is not in a state that allows access checks.",
          0, 9, 14);
  if (!definition_.sysadmin && !current_->security.is_owner(current_->principal)) {
    raise(5011,
          "User does not have permission to alter database '" + database->name +
              "', the database does not exist, or the database is not in a state that allows access checks.",
          0, 9, 14);
  }
  const bool on = node.value == "ON";
  if (node.option == "ALLOW_SNAPSHOT_ISOLATION") {
    state_.server.set_allow_snapshot(*database, on);
  } else if (node.option == "READ_COMMITTED_SNAPSHOT") {
    state_.server.set_read_committed_snapshot(*database, on);
  } else {
    static const std::vector<std::string_view> harmless{"RECOVERY",
                                                        "AUTO_CLOSE",
                                                        "AUTO_SHRINK",
                                                        "AUTO_CREATE_STATISTICS",
                                                        "AUTO_UPDATE_STATISTICS",
                                                        "MULTI_USER",
                                                        "COMPATIBILITY_LEVEL",
                                                        "PAGE_VERIFY",
                                                        "QUERY_STORE",
                                                        "TRUSTWORTHY",
                                                        "DELAYED_DURABILITY"};
    if (std::find(harmless.begin(), harmless.end(), node.option) == harmless.end())
      not_supported("ALTER DATABASE ... SET " + node.option);
  }
}

void SessionCore::create_schema(const CreateSchema& node) {
  require_owner("CREATE SCHEMA");
  write_statement([&] {
    check(active_->catalog.create_schema(node.name));
    active_->catalog.touch();
  });
}

}  // namespace tailrace::sim::tsql
