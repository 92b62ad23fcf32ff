// OUTPUT: the rows that a statement tells of what it changed.
#include <sqlite3.h>

#include "base/error.h"
#include "sim/tsql/rows/row_writer.h"

namespace tailrace::sim::tsql {

void RowWriter::prepare_output(const OutputClause& clause, bool inserted, bool deleted) {
  Binder binder(session_);
  Block& block = binder.push_block();
  if (inserted) block.tables.push_back(parameter_source(binder, table_, "INSERTED"));
  if (deleted) block.tables.push_back(parameter_source(binder, table_, "DELETED"));
  RowExpression expression;
  for (const SelectItem& item : clause.items) {
    std::vector<OutputColumn> columns;
    if (item.expr->kind == ExprKind::star) {
      for (const SourceTable& source : block.tables) {
        if (!item.expr->parts.empty() && !same_name(source.alias, item.expr->parts.back())) continue;
        for (const ColumnDef& column : table_->columns) {
          for (const SourceColumn& candidate : source.columns) {
            if (candidate.name == column.name) columns.push_back({candidate.name, candidate.value});
          }
        }
      }
      if (columns.empty())
        raise(107,
              "The column prefix '" +
                  (item.expr->parts.empty() ? std::string("*") : item.expr->parts.back()) +
                  "' does not match with a table name or alias name used in the query.",
              0, 1, 15);
    } else {
      columns.push_back({item.alias, binder.expression(*item.expr)});
      if (columns.back().name.empty() && item.expr->kind == ExprKind::column)
        columns.back().name = item.expr->parts.back();
    }
    for (OutputColumn& column : columns) {
      expression.sql += (expression.sql.empty() ? "SELECT " : ",") + column.value.sql;
      output_columns_.push_back(std::move(column));
    }
  }
  expression.parameters = binder.parameters();
  binder.pop_block();
  output_ = std::move(expression);
}

void RowWriter::collect_output(const ColumnBinder* inserted, const ColumnBinder* deleted) {
  sim::Statement statement = session_.prepare(output_->sql);
  const int count = sqlite3_bind_parameter_count(statement.handle());
  for (std::size_t i = 0; i < output_->parameters.size() && static_cast<int>(i) < count; ++i) {
    std::size_t position = 0;
    const int index = static_cast<int>(i) + 1;
    if (row_parameter(output_->parameters[i], "INSERTED.", position)) {
      if (inserted != nullptr) (*inserted)(statement, index, position);
    } else if (row_parameter(output_->parameters[i], "DELETED.", position)) {
      if (deleted != nullptr) (*deleted)(statement, index, position);
    } else {
      statement.bind(index, session_.parameter_value(output_->parameters[i]));
    }
  }
  if (!session_.step(statement)) return;
  std::vector<Value> row;
  for (std::size_t i = 0; i < output_columns_.size(); ++i) {
    row.push_back(
        decode(sqlite3_column_value(statement.handle(), static_cast<int>(i)), output_columns_[i].value.type));
  }
  output_rows_.push_back(std::move(row));
}

}  // namespace tailrace::sim::tsql
