// CHECK and foreign keys, as inserts and updates have to obey them.
#include <sqlite3.h>

#include <algorithm>

#include "base/error.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/rows/row_writer.h"

namespace tailrace::sim::tsql {

void RowWriter::prepare_checks() {
  checks_ready_ = true;
  for (const CheckDef& check : table_->checks) {
    if (check.disabled) continue;
    Binder binder(session_);
    Block& block = binder.push_block();
    block.tables.push_back(parameter_source(binder, table_, "INSERTED"));
    block.tables.back().alias = table_->name;
    const ExprPtr expr = parse_predicate(check.text);
    RowExpression expression;
    expression.sql = "SELECT 1 WHERE NOT " + binder.predicate(*expr);
    expression.parameters = binder.parameters();
    binder.pop_block();
    checks_.emplace_back(&check, std::move(expression));
  }
}

void RowWriter::run_checks(const ColumnBinder& bind) {
  if (!checks_ready_) prepare_checks();
  for (const auto& [check, expression] : checks_) {
    sim::Statement statement = session_.prepare(expression.sql);
    // Of the row's columns only those that the expression names are parameters of its SQL.
    const int count = sqlite3_bind_parameter_count(statement.handle());
    for (std::size_t i = 0; i < expression.parameters.size() && static_cast<int>(i) < count; ++i) {
      std::size_t position = 0;
      if (row_parameter(expression.parameters[i], "INSERTED.", position))
        bind(statement, static_cast<int>(i) + 1, position);
      else
        statement.bind(static_cast<int>(i) + 1, session_.parameter_value(expression.parameters[i]));
    }
    if (session_.step(statement)) {
      const ColumnDef* column = check->column_id != 0 ? table_->column(check->column_id) : nullptr;
      conflict(verb, "CHECK", check->name, *table_, column == nullptr ? "" : column->name);
    }
  }
}

void RowWriter::conflict(const char* statement, const char* kind, const std::string& constraint,
                         const TableDef& where, const std::string& column) const {
  raise(547,
        std::string("The ") + statement + " statement conflicted with the " + kind + " constraint \"" +
            constraint + "\". The conflict occurred in database \"" + session_.active_->database->name +
            "\", table \"" + where.schema + "." + where.name + "\"" +
            (column.empty() ? "" : ", column '" + column + "'") + ".",
        0, 0);
}

void RowWriter::check_references(const ColumnBinder& bind, const std::vector<bool>* changed) {
  for (const ForeignKeyDef& key : table_->foreign_keys) {
    if (key.disabled) continue;
    if (changed != nullptr && std::none_of(key.columns.begin(), key.columns.end(), [&](const auto& pair) {
          return (*changed)[position_of(pair.first)];
        }))
      continue;
    const TablePtr parent = session_.active_->catalog.table(key.referenced_id);
    std::string sql = "SELECT 1 FROM " + parent->stored_name() + " WHERE ";
    std::string null_test;
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      const std::string parameter = "?" + std::to_string(i + 1);
      sql += (i == 0 ? "" : " AND ") + std::string("c") + std::to_string(key.columns[i].second) + " = " +
             parameter;
      null_test += (i == 0 ? "SELECT " : " OR ") + parameter + " IS NULL";
    }
    sim::Statement nulls = session_.prepare(null_test);
    for (std::size_t i = 0; i < key.columns.size(); ++i)
      bind(nulls, static_cast<int>(i) + 1, position_of(key.columns[i].first));
    if (session_.step(nulls) && nulls.number(0) != 0) continue;
    sim::Statement statement = session_.prepare(sql);
    for (std::size_t i = 0; i < key.columns.size(); ++i)
      bind(statement, static_cast<int>(i) + 1, position_of(key.columns[i].first));
    if (session_.step(statement)) continue;
    if (key.referenced_id != table_->object_id) {
      const ColumnDef* column = key.columns.size() == 1 ? parent->column(key.columns[0].second) : nullptr;
      conflict(verb, "FOREIGN KEY", key.name, *parent, column == nullptr ? "" : column->name);
    }
    // The parent may be a later row of the same statement.
    sim::Statement values = session_.prepare([&] {
      std::string select = "SELECT ";
      for (std::size_t i = 0; i < key.columns.size(); ++i)
        select += (i == 0 ? "?" : ",?") + std::to_string(i + 1);
      return select;
    }());
    for (std::size_t i = 0; i < key.columns.size(); ++i)
      bind(values, static_cast<int>(i) + 1, position_of(key.columns[i].first));
    session_.step(values);
    auto found = std::find_if(pending_children_.begin(), pending_children_.end(),
                              [&](const Reference& item) { return item.key == &key; });
    if (found == pending_children_.end()) {
      pending_children_.push_back({&key, RowStore(key.columns.size())});
      found = pending_children_.end() - 1;
    }
    found->values.append(values, 0, key.columns.size());
  }
}

}  // namespace tailrace::sim::tsql
