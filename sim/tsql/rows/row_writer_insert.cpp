// Inserting rows: defaults, identity values, the row itself.
#include <sqlite3.h>

#include <algorithm>

#include "base/error.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

void RowWriter::prepare_insert(std::vector<const ColumnDef*> columns) {
  given_ = std::move(columns);
  given_positions_.clear();
  volatile_defaults_.clear();
  default_statement_.reset();
  identity_given_ = false;
  row_.assign(table_->columns.size(), Cell{});
  default_values_.assign(table_->columns.size(), Value{});
  for (const ColumnDef* column : given_) {
    given_positions_.push_back(position_of(column->column_id));
    if (!column->identity) continue;
    identity_given_ = true;
    const bool allowed = session_.identity_insert_ == table_->object_id &&
                         session_.identity_insert_database_ == session_.active_->database->id;
    if (!allowed)
      raise(544, "Cannot insert explicit value for identity column in table '" + table_->name +
                     "' when IDENTITY_INSERT is set to OFF.");
  }
  if (identity_position_ && !identity_given_ && session_.identity_insert_ == table_->object_id &&
      session_.identity_insert_database_ == session_.active_->database->id) {
    raise(545, "Explicit value must be specified for identity column in table '" + table_->name +
                   "' either when IDENTITY_INSERT is set to ON or when a replication user is inserting into "
                   "a NOT FOR REPLICATION identity column.");
  }
  prepare_defaults();
  std::string names;
  std::string values;
  int parameter = 0;
  for (const std::string& name : stored_) {
    if (name.empty()) continue;
    names += (names.empty() ? "" : ",") + name;
    values += (values.empty() ? "?" : ",?") + std::to_string(++parameter);
  }
  insert_statement_ =
      session_.prepare("INSERT INTO " + table_->stored_name() + "(" + names + ") VALUES (" + values + ")");
}

void RowWriter::prepare_defaults() {
  Binder binder(session_);
  std::string select;
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    const ColumnDef& column = table_->columns[i];
    default_values_[i].type = column.type;
    if (!column.default_value || !column.computed.empty()) continue;
    const ExprPtr expr = parse_expression(column.default_value->text);
    Typed value = binder.convert_to(binder.expression(*expr), column.type);
    if (value.constant) {
      default_values_[i] = *value.constant;
      continue;
    }
    select += (select.empty() ? "SELECT " : ",") + value.sql;
    volatile_defaults_.push_back(i);
  }
  if (select.empty()) return;
  default_statement_ = session_.prepare(select);
  default_parameters_ = binder.parameters();
}

void RowWriter::fill_defaults() {
  if (!default_statement_) return;
  default_statement_->reset();
  session_.bind_parameters(*default_statement_, default_parameters_);
  if (!session_.step(*default_statement_)) return;
  for (std::size_t i = 0; i < volatile_defaults_.size(); ++i) {
    const std::size_t position = volatile_defaults_[i];
    default_values_[position] =
        decode(sqlite3_column_value(default_statement_->handle(), static_cast<int>(i)),
               table_->columns[position].type);
  }
}

void RowWriter::next_identity(Cell& cell) {
  const ColumnDef& column = table_->columns[*identity_position_];
  if (identity_left_ == 0) {
    const std::int64_t count = std::max<std::int64_t>(expected_, 1);
    if (local_) {
      auto [found, fresh] = session_.local_identity_.try_emplace(table_->object_id, column.identity->seed);
      identity_next_ = found->second;
      found->second += count * column.identity->increment;
    } else {
      identity_next_ = session_.active_->catalog.take_identity(*table_, count);
    }
    identity_left_ = count;
  }
  --identity_left_;
  cell.null = false;
  if (column.type.type == Type::decimal)
    cell.decimal = identity_next_;
  else
    cell.number = identity_next_;
  Value value;
  value.type = decimal_type(38, 0);
  value.null = false;
  value.decimal = identity_next_;
  session_.scope_identity_ = value;
  identity_next_ += column.identity->increment;
}

void RowWriter::missing_value(const ColumnDef& column) const {
  raise(515,
        "Cannot insert the value NULL into column '" + column.name + "', table '" +
            (local_ ? "tempdb" : session_.active_->database->name) + "." + table_->schema + "." +
            table_->name + "'; column does not allow nulls. " + verb + " fails.",
        0, 2);
}

void RowWriter::insert(std::span<const Cell> cells, const std::vector<bool>& defaulted) {
  fill_defaults();
  for (std::size_t i = 0; i < row_.size(); ++i) {
    row_[i] = cell_of(default_values_[i]);
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (defaulted.empty() || !defaulted[i]) row_[given_positions_[i]] = cells[i];
  }
  if (identity_position_) {
    if (!identity_given_) {
      next_identity(row_[*identity_position_]);
    } else if (!row_[*identity_position_].null && !local_) {
      const Cell& cell = row_[*identity_position_];
      const bool wide = table_->columns[*identity_position_].type.type == Type::decimal;
      const std::int64_t explicit_value = wide ? static_cast<std::int64_t>(cell.decimal) : cell.number;
      session_.active_->catalog.raise_identity(*table_, explicit_value);
      Value value;
      value.type = decimal_type(38, 0);
      value.null = false;
      value.decimal = explicit_value;
      session_.scope_identity_ = value;
    }
  }
  std::string rowversion;
  if (rowversion_position_) {
    Cell& cell = row_[*rowversion_position_];
    if (!cell.null)
      raise(273,
            "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to "
            "exclude the timestamp column, or insert a DEFAULT into the timestamp column.");
    rowversion = session_.active_->catalog.next_rowversion();
    cell.null = false;
    cell.text = rowversion;
  }
  int parameter = 0;
  for (std::size_t i = 0; i < row_.size(); ++i) {
    const ColumnDef& column = table_->columns[i];
    if (stored_[i].empty()) continue;
    if (row_[i].null && !column.nullable) missing_value(column);
    if (!row_[i].null) check_lob(column, row_[i].text);
    insert_statement_->bind(++parameter, column.type, row_[i]);
  }
  const bool look = !table_->checks.empty() || !table_->foreign_keys.empty() || output_.has_value();
  const ColumnBinder bind = [this](sim::Statement& statement, int index, std::size_t column) {
    statement.bind(index, table_->columns[column].type, row_[column]);
  };
  if (look) run_checks(bind);
  write_row(*insert_statement_, &bind);
  if (look) {
    check_references(bind, nullptr);
    if (output_) collect_output(&bind, nullptr);
  }
  ++rows_;
}

// The values as the messages 2627 and 2601 show them: `1, X, <NULL>`.
std::string RowWriter::key_text(const std::vector<std::size_t>& columns, const ColumnBinder& bind) {
  std::string out;
  for (const std::size_t position : columns) {
    Binder binder(session_);
    Block& block = binder.push_block();
    block.tables.push_back(parameter_source(binder, table_, "INSERTED"));
    Expr column;
    column.kind = ExprKind::column;
    column.parts = {table_->columns[position].name};
    const Typed text = binder.cast_to(binder.expression(column), nvarchar_type(-1), no_style, false, 0);
    sim::Statement shown = session_.prepare("SELECT " + text.sql);
    const std::vector<std::string> parameters = binder.parameters();
    binder.pop_block();
    // The value's parameter has the column's place among those of the row.
    const std::string own = "INSERTED." + std::to_string(position);
    const auto found = std::find(parameters.begin(), parameters.end(), own);
    TAILRACE_ASSERT(found != parameters.end());
    bind(shown, static_cast<int>(found - parameters.begin()) + 1, position);
    if (!session_.step(shown)) raise(8623, "A row without a value.");
    out +=
        (out.empty() ? "" : ", ") + (shown.is_null(0) ? std::string("<NULL>") : std::string(shown.text(0)));
  }
  return out;
}

void RowWriter::write_row(sim::Statement& statement, const ColumnBinder* bind) {
  switch (statement.step()) {
    case Step::done: break;
    case Step::unique: {
      const std::string message = session_.active_->work->connection().last_error();
      statement.reset();
      if (local_)
        raise(2627, "Violation of PRIMARY KEY constraint. Cannot insert duplicate key in object '" +
                        table_->schema + "." + table_->name + "'.");
      TAILRACE_ASSERT(bind != nullptr);
      session_.check(session_.active_->catalog.unique_error(*table_, message, [&](const IndexDef& index) {
        std::vector<std::size_t> positions;
        for (const IndexColumn& column : index.columns)
          if (!column.included) positions.push_back(position_of(column.column_id));
        return key_text(positions, *bind);
      }));
      break;
    }
    case Step::not_null:
      statement.reset();
      raise(515, std::string("Cannot insert the value NULL into a column that does not allow nulls. ") +
                     verb + " fails.");
    case Step::interrupted: throw Cancelled{};
    default: session_.raise_step_error();
  }
  statement.reset();
}

}  // namespace tailrace::sim::tsql
