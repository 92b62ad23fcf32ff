// CREATE INDEX and DROP INDEX, definitions of indexes and of their filters.
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {

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

}  // namespace tailrace::sim::tsql
