// Inserting rows: defaults, identity, constraints; and what inserts and updates share.
#include "sim/tsql/row_writer.h"

#include <sqlite3.h>

#include <algorithm>

#include "base/error.h"
#include "sim/tsql/parser.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
namespace {

// A longer value may be too long for a captured column (7139).
constexpr std::size_t lob_bytes = 8000;

}  // namespace

RowWriter::RowWriter(SessionCore& session, TablePtr table) : session_(session), table_(std::move(table)) {
  local_ = table_->name.starts_with('#') || table_->name.starts_with('@');
  locator_ = table_->locator();
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    const ColumnDef& column = table_->columns[i];
    stored_.push_back(column.computed.empty() ? column.stored_name() : "");
    if (column.identity) identity_position_ = i;
    if (column.type.guise == Guise::rowversion) rowversion_position_ = i;
  }
}

RowWriter::~RowWriter() = default;

std::size_t RowWriter::position_of(std::int32_t column_id) const {
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    if (table_->columns[i].column_id == column_id) return i;
  }
  return 0;
}

std::string RowWriter::locator_list(const std::string& alias) const {
  std::string out;
  for (const std::string& name : locator_)
    out += (out.empty() ? "" : ",") + alias + "." + name;
  return out;
}

std::string RowWriter::column_list(const std::string& alias) const {
  std::string out;
  for (const std::string& name : stored_)
    out += (out.empty() ? "" : ",") + (name.empty() ? std::string("NULL") : alias + "." + name);
  return out;
}

std::string RowWriter::where_locator(int first_parameter) const {
  std::string out;
  for (const std::string& name : locator_) {
    out += (out.empty() ? " WHERE " : " AND ") + name + " = ?" + std::to_string(first_parameter++);
  }
  return out;
}

bool RowWriter::key_column(std::size_t position) const {
  const std::int32_t id = table_->columns[position].column_id;
  for (const IndexDef& index : table_->indexes) {
    if (!index.unique && !index.clustered && !index.primary_key) continue;
    for (const IndexColumn& column : index.columns) {
      if (column.column_id == id && !column.included) return true;
    }
  }
  return false;
}

SourceTable RowWriter::parameter_source(Binder& binder, const TablePtr& table, const std::string& name) {
  SourceTable source;
  source.alias = name;
  source.table = table;
  for (std::size_t i = 0; i < table->columns.size(); ++i) {
    const ColumnDef& column = table->columns[i];
    if (!column.computed.empty()) continue;
    Typed value;
    value.type = column.type;
    value.nullable = column.nullable;
    value.sql = binder.parameter(name + "." + std::to_string(i));
    value.coercibility = Coercibility::implicit;
    value.collation = column.collation.empty() ? binder.environment().collation() : column.collation;
    source.columns.push_back({column.name, std::move(value), column.hidden});
  }
  for (const ColumnDef& column : table->columns) {
    if (column.computed.empty()) continue;
    Typed value = binder.column_value(source, column);
    source.columns.push_back({column.name, std::move(value), column.hidden});
  }
  return source;
}

void RowWriter::check_lob(const ColumnDef& column, std::string_view text) {
  if (column.type.length >= 0 || !table_->tracked_by_cdc || text.size() <= lob_bytes) return;
  session_.check(session_.active_->cdc.check_lob(*table_, column, text));
}

// --- Preparation -------------------------------------------------------------------------------------------

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

// --- Insert ------------------------------------------------------------------------------------------------

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

// --- Constraints -------------------------------------------------------------------------------------------

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

namespace {

// "INSERTED.3" -> 3
bool row_parameter(const std::string& name, std::string_view prefix, std::size_t& position) {
  if (!name.starts_with(prefix)) return false;
  position = static_cast<std::size_t>(std::strtoull(name.c_str() + prefix.size(), nullptr, 10));
  return true;
}

}  // namespace

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

// --- OUTPUT ------------------------------------------------------------------------------------------------

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
