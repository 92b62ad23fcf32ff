// INSERT in all its forms.
#include <sqlite3.h>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/rows/literals.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
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

}  // namespace tailrace::sim::tsql
