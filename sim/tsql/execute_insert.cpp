// INSERT in all its forms.
#include <sqlite3.h>

#include <algorithm>

#include "sim/tsql/literals.h"
#include "sim/tsql/parser.h"
#include "sim/tsql/row_writer.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/session_write.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {

// As much of a text as its column takes, for the message.
static std::string cut_text(const std::string& text, const TypeInfo& type) {
  std::u16string units = to_utf16(is_text(type.type) ? text : std::string());
  units.resize(std::min<std::size_t>(units.size(), static_cast<std::size_t>(std::max(units_of(type), 0))));
  return from_utf16(units);
}

// What a value becomes on its way into a column: as convert, but a text that would be cut is an error that names the
// column.
bool op_assign(OperationCall& call) {
  if (convert(call.op.args[0], call.args[0], call.op.result, no_style, call.out, call.context.error,
              ConversionUse::assignment))
    return true;
  if (call.context.error.number == 8152) {
    call.context.error.number = 2628;
    call.context.error.text = "String or binary data would be truncated in " + call.op.text +
                              ". Truncated value: '" + cut_text(call.out.text, call.op.result) + "'.";
  }
  return false;
}

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

namespace {

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

}  // namespace

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

namespace {

class ValuesInserter {
 public:
  ValuesInserter(SessionCore& session, RowWriter& writer, const std::vector<const ColumnDef*>& columns,
                 std::string table_text)
      : session_(session),
        writer_(writer),
        columns_(columns),
        table_text_(std::move(table_text)),
        cells_(columns.size()),
        scratch_(columns.size()) {}

  std::vector<Cell>& cells() { return cells_; }

  void set_literal(std::size_t i, const ValueCell& literal) {
    ConversionError error;
    if (!literal_cell(literal, columns_[i]->type, scratch_[i], cells_[i], error)) {
      if (error.number == 8152) {
        raise(2628, "String or binary data would be truncated in table '" + table_text_ + "', column '" +
                        columns_[i]->name + "'. Truncated value: '" +
                        cut_text(scratch_[i].text, columns_[i]->type) + "'.");
      }
      raise(error.number, error.text);
    }
  }
  void set_value(std::size_t i, Value value) {
    scratch_[i] = std::move(value);
    cells_[i] = cell_of(scratch_[i]);
  }

 private:
  SessionCore& session_;
  RowWriter& writer_;
  const std::vector<const ColumnDef*>& columns_;
  std::string table_text_;
  std::vector<Cell> cells_;
  std::vector<Value> scratch_;
};

}  // namespace

void SessionCore::insert_values(const Insert& insert, RowWriter& writer,
                                const std::vector<const ColumnDef*>& columns, const std::string& table_text) {
  check_width(insert.row_width, columns.size(), !insert.columns.empty(), true);
  const std::size_t rows = insert.cells.size() / insert.row_width;
  writer.expect_rows(static_cast<std::int64_t>(rows));
  ValuesInserter inserter(*this, writer, columns, table_text);
  for (std::size_t row = 0; row < rows; ++row) {
    const ValueCell* cells = insert.cells.data() + row * insert.row_width;
    std::string select;
    std::vector<std::size_t> computed;
    Binder binder(*this);
    for (std::size_t i = 0; i < insert.row_width; ++i) {
      const ValueCell& cell = cells[i];
      const bool is_null = cell.kind == TokenKind::word;
      const bool keeps_type = columns[i]->type.guise == Guise::sql_variant && !is_null;
      if (!cell.expr && !cell.is_default && !keeps_type) {
        inserter.set_literal(i, cell);
        continue;
      }
      Typed value;
      const ExprPtr literal = cell.expr || cell.is_default ? nullptr : literal_expression(cell);
      const Expr* given = cell.expr ? cell.expr.get() : literal.get();
      const bool is_default = cell.is_default || given->kind == ExprKind::default_;
      if (is_default) {
        if (!columns[i]->default_value) {
          inserter.set_value(i, [&] {
            Value null;
            null.type = columns[i]->type;
            return null;
          }());
          continue;
        }
        const ExprPtr expr = parse_expression(columns[i]->default_value->text);
        value = assigned(binder, binder.expression(*expr), *columns[i], table_text, 0);
      } else {
        value = assigned(binder, binder.expression(*given), *columns[i], table_text, given->line);
      }
      if (value.constant) {
        inserter.set_value(i, *value.constant);
        continue;
      }
      select += (select.empty() ? "SELECT " : ",") + value.sql;
      computed.push_back(i);
    }
    if (!computed.empty()) {
      sim::Statement statement = prepare(select);
      bind_parameters(statement, binder.parameters());
      if (step(statement)) {
        for (std::size_t i = 0; i < computed.size(); ++i) {
          inserter.set_value(computed[i],
                             decode(sqlite3_column_value(statement.handle(), static_cast<int>(i)),
                                    columns[computed[i]]->type));
        }
      }
    }
    writer.insert(inserter.cells());
  }
}

void SessionCore::insert_query(const Insert& insert, RowWriter& writer,
                               const std::vector<const ColumnDef*>& columns, const std::string& table_text) {
  Binder binder(*this);
  binder.common_tables(insert.ctes);
  BoundQuery bound = binder.query(*insert.query, true);
  check_width(bound.columns.size(), columns.size(), !insert.columns.empty(), false);
  // The values are converted over the query, which keeps its own order.
  std::string select;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Typed value = bound.columns[i].value;
    if (!value.is_null) {
      value.sql = "q.c" + std::to_string(i + 1);
      value.constant.reset();
      value = assigned(binder, std::move(value), *columns[i], table_text, insert.query->line);
    }
    select += (i == 0 ? "SELECT " : ",") + value.sql;
  }
  std::string sql = binder.with_clause() + select + " FROM (" + bound.sql + ") AS q";
  if (insert.top) sql += " LIMIT " + binder.row_count(*insert.top->count, "TOP");
  sim::Statement statement = prepare(sql);
  bind_parameters(statement, binder.parameters());
  const bool reads_target =
      bound.sql.find(writer.table().stored_name() + " ") != std::string::npos ||
      binder.with_clause().find(writer.table().stored_name() + " ") != std::string::npos;
  std::vector<TypeInfo> types;
  for (const ColumnDef* column : columns)
    types.push_back(column->type);
  RowReader reader(types);
  std::vector<Cell> cells(types.size());
  if (!reads_target) {
    std::uint64_t count = 0;
    while (step(statement)) {
      reader.read(statement, cells.data());
      writer.insert(cells);
      if (++count % 256 == 0) check_stop();
    }
    return;
  }
  // What is inserted must not be read again.
  std::vector<std::vector<Value>> rows;
  while (step(statement)) {
    reader.read(statement, cells.data());
    std::vector<Value> row;
    for (std::size_t i = 0; i < cells.size(); ++i)
      row.push_back(value_of(types[i], cells[i]));
    rows.push_back(std::move(row));
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      cells[i] = cell_of(row[i]);
    writer.insert(cells);
  }
}

void SessionCore::run_insert(const Insert& insert) {
  in_named_database([&] {
    const TablePtr table = dml_table(insert.target, nullptr, nullptr);
    const bool local = table->name.starts_with('#') || table->name.starts_with('@');
    if (!local) check_right(sim::Permission::insert, *table);
    if (insert.execute) return insert_execute(insert, table);
    std::uint64_t rows = 0;
    const auto body = [&] {
      const bool identity_on =
          identity_insert_ == table->object_id && identity_insert_database_ == active_->database->id;
      const std::vector<const ColumnDef*> columns =
          insert.default_values ? std::vector<const ColumnDef*>{}
                                : target_columns(insert, *table, identity_on && !insert.columns.empty());
      const std::string table_text = active_->database->name + "." + table->schema + "." + table->name;
      RowWriter writer(*this, table);
      writer.prepare_insert(columns);
      if (insert.output) writer.prepare_output(*insert.output, true, false);
      if (insert.default_values)
        writer.insert({});
      else if (insert.query)
        insert_query(insert, writer, columns, table_text);
      else
        insert_values(insert, writer, columns, table_text);
      writer.finish();
      rows = writer.rows();
      if (insert.output) send_output(*insert.output, writer);
    };
    change_table(local, body);
    row_count_ = static_cast<std::int64_t>(rows);
    done(StatementKind::insert, rows);
  });
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
