// What statements that change rows share: their target, values on the way into its columns, their OUTPUT.
#include <algorithm>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

Typed assigned(Binder& binder, Typed value, const ColumnDef& column, const std::string& table_text,
               std::int32_t line) {
  if (value.is_null) return binder.null_value(column.type);
  const bool may_cut = (is_text(column.type.type) || is_bytes(column.type.type)) && column.type.length >= 0 &&
                       !(value.type == column.type) &&
                       !(value.type.length >= 0 && units_of(value.type) <= units_of(column.type) &&
                         is_text(value.type.type) == is_text(column.type.type));
  if (!may_cut) return binder.convert_to(std::move(value), column.type, line);
  if (!conversion_allowed(value.type, column.type, /*implicit=*/true))
    return binder.convert_to(std::move(value), column.type, line);
  value.constant.reset();
  return binder.call(op_assign, {std::move(value)}, column.type,
                     "table '" + table_text + "', column '" + column.name + "'");
}

std::vector<const ColumnDef*> target_columns(const Insert& insert, const TableDef& table,
                                             bool identity_insert) {
  std::vector<const ColumnDef*> out;
  if (insert.columns.empty()) {
    for (const ColumnDef& column : table.columns) {
      if (!column.computed.empty() || (column.identity && !identity_insert) || column.hidden) continue;
      out.push_back(&column);
    }
    return out;
  }
  for (const std::string& name : insert.columns) {
    const ColumnDef* column = table.column(name);
    if (column == nullptr) raise(207, "Invalid column name '" + name + "'.", insert.target.name.line);
    if (!column->computed.empty())
      raise(271, "The column \"" + name +
                     "\" cannot be modified because it is either a computed column or is the result of a "
                     "UNION operator.");
    if (std::find(out.begin(), out.end(), column) != out.end()) {
      raise(264, "The column name '" + name +
                     "' is specified more than once in the SET clause or column list of an INSERT. A column "
                     "cannot be assigned more than one value in the same clause. Modify the clause to make "
                     "sure that a column is updated only once.");
    }
    out.push_back(column);
  }
  return out;
}

void check_width(std::size_t given, std::size_t wanted, bool listed, bool values) {
  if (given == wanted) return;
  if (!listed) raise(213, "Column name or number of supplied values does not match table definition.");
  if (values) {
    if (given < wanted)
      raise(109,
            "There are more columns in the INSERT statement than values specified in the VALUES clause. The "
            "number of values in the VALUES clause must match the number of columns specified in the INSERT "
            "statement.",
            0, 1, 15);
    raise(110,
          "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The "
          "number of values in the VALUES clause must match the number of columns specified in the INSERT "
          "statement.",
          0, 1, 15);
  }
  if (given < wanted)
    raise(120,
          "The select list for the INSERT statement contains fewer items than the insert list. The number of "
          "SELECT values must match the number of INSERT columns.",
          0, 1, 15);
  raise(121,
        "The select list for the INSERT statement contains more items than the insert list. The number of "
        "SELECT values must match the number of INSERT columns.",
        0, 1, 15);
}

TablePtr SessionCore::dml_table(const DmlTarget& target, std::string*,
                                const std::vector<std::unique_ptr<TableSource>>*) {
  if (!target.variable.empty()) {
    const TablePtr table = local_table(target.variable);
    if (!table) raise(1087, "Must declare the table variable \"" + target.variable + "\".", 0, 1, 15);
    place_target(*local_places_.at(table->object_id));
    return table;
  }
  const ObjectName& name = target.name;
  if (const TablePtr table = name.name.starts_with('#') ? local_table(name.name) : nullptr) {
    place_target(*local_places_.at(table->object_id));
    return table;
  }
  if (reach_ == Reach::several) place_target(place_of(name));
  Binder binder(*this);
  active_->catalog.refresh();
  if (find_system_relation(active_->database->name, name.schema.empty() ? "dbo" : name.schema, name.name,
                           active_->database->names) != nullptr) {
    raise(259, "Ad hoc updates to system catalogs are not allowed.", name.line);
  }
  return binder.find_table(name);
}

// A statement over a local table needs no writer's lock and is no part of the database's transaction.
void SessionCore::change_table(bool local, const std::function<void()>& body) {
  if (!local) return write_statement(body);
  before_read();
  Connection& connection = active_->work->connection();
  connection.execute("SAVEPOINT local_statement");
  try {
    body();
  } catch (...) {
    connection.execute("ROLLBACK TO local_statement");
    connection.execute("RELEASE local_statement");
    throw;
  }
  connection.execute("RELEASE local_statement");
}

// The rows of OUTPUT: to the client, or into a table.
void SessionCore::send_output(const OutputClause& clause, const RowWriter& writer) {
  if (!clause.into && clause.into_variable.empty()) {
    std::vector<ResultColumn> columns;
    for (const OutputColumn& column : writer.output_columns())
      columns.push_back(result_column(column));
    sink_->columns(columns);
    std::vector<Cell> cells(columns.size());
    for (const std::vector<Value>& row : writer.output_rows()) {
      for (std::size_t i = 0; i < row.size(); ++i)
        cells[i] = cell_of(row[i]);
      if (!sink_->row(cells)) throw Cancelled{};
    }
    return;
  }
  DmlTarget target;
  if (clause.into) target.name = *clause.into;
  target.variable = clause.into_variable;
  const TablePtr table = dml_table(target, nullptr, nullptr);
  Insert shape;
  shape.columns = clause.into_columns;
  const std::vector<const ColumnDef*> columns = target_columns(shape, *table, false);
  check_width(writer.output_columns().size(), columns.size(), !shape.columns.empty(), false);
  RowWriter into(*this, table);
  into.prepare_insert(columns);
  std::vector<Cell> cells(columns.size());
  for (const std::vector<Value>& row : writer.output_rows()) {
    std::vector<Value> converted(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      ConversionError error;
      if (!convert(row[i].type, cell_of(row[i]), columns[i]->type, no_style, converted[i], error,
                   ConversionUse::assignment))
        raise(error.number, error.text);
      cells[i] = cell_of(converted[i]);
    }
    into.insert(cells);
  }
  into.finish();
}

}  // namespace tailrace::sim::tsql
