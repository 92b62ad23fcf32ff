// SELECT: plans, rows to the client, rows into variables and into a new table.
#include <sqlite3.h>

#include <algorithm>

#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// SET TEXTSIZE cuts what a SELECT sends of the max types. `cut` owns what is left of a text.
void cut_to_text_size(const TypeInfo& type, std::int64_t text_bytes, std::string& cut, Cell& cell) {
  if (cell.null) return;
  if (!is_wide_text(type.type)) {
    if (is_bytes(type.type)) {
      if (static_cast<std::int64_t>(cell.text.size()) > text_bytes)
        cell.text = cell.text.substr(0, static_cast<std::size_t>(text_bytes));
      return;
    }
    if (utf16_length(cell.text) <= text_bytes) return;
  } else if (2 * utf16_length(cell.text) <= text_bytes) {
    return;
  }
  const std::u16string units = to_utf16(cell.text);
  cut = from_utf16(std::u16string_view(units).substr(
      0, static_cast<std::size_t>(is_wide_text(type.type) ? text_bytes / 2 : text_bytes)));
  cell.text = cut;
}

bool assigns_variables(const Select& select) {
  return select.terms.size() == 1 && !select.terms[0]->items.empty() &&
         std::any_of(select.terms[0]->items.begin(), select.terms[0]->items.end(),
                     [](const SelectItem& item) { return !item.variable.empty(); });
}

}  // namespace

ResultColumn SessionCore::result_column(const OutputColumn& column) {
  ResultColumn out;
  out.name = column.name;
  out.type = column.value.type;
  if (column.value.is_null) out.type = int_type();
  out.nullable = column.value.nullable;
  out.identity = column.value.identity;
  out.computed = column.value.computed;
  return out;
}

bool SessionCore::plan_is_current(const Plan& plan) {
  if (plan.database != active_->database->name || plan.catalog_version != active_->catalog.refresh())
    return false;
  std::size_t at = 0;
  for (const std::string& name : plan.parameters) {
    if (name.starts_with("@") && !name.starts_with("@@")) {
      const TypeInfo* type = variable_type(name);
      if (type == nullptr || !(*type == plan.parameter_types[at])) return false;
    }
    ++at;
  }
  return true;
}

std::shared_ptr<const Plan> SessionCore::plan_select(const Select& select, const Statement* statement) {
  CachedBatch* batch = nullptr;
  if (statement != nullptr && !cache_.empty()) {
    // The batch that runs is at the front unless an inner text came in between.
    batch = cache_.front().get();
    const auto found = batch->plans.find(statement);
    if (found != batch->plans.end() && plan_is_current(*found->second)) return found->second;
  }
  auto plan = std::make_shared<Plan>();
  plan->catalog_version = active_->catalog.refresh();
  Binder binder(*this);
  BoundQuery bound = binder.query(select, true);
  plan->sql = binder.with_clause() + bound.sql;
  plan->columns = std::move(bound.columns);
  plan->parameters = binder.parameters();
  plan->checks = binder.checks();
  plan->counted = binder.counted_tables();
  plan->database = active_->database->name;
  for (const std::string& name : plan->parameters) {
    const TypeInfo* type = name.starts_with("@") && !name.starts_with("@@") ? variable_type(name) : nullptr;
    plan->parameter_types.push_back(type == nullptr ? TypeInfo{} : *type);
  }
  const bool own = batch != nullptr && std::any_of(batch->statements.begin(), batch->statements.end(),
                                                   [&](const auto& item) { return item.get() == statement; });
  // Temporary tables come and go without the catalog's version: such plans are not kept.
  // Rights are looked at when a statement is bound, and GRANT moves the catalog's version.
  if (own && !binder.uses_local_tables() && active_ == current_) batch->plans[statement] = plan;
  return plan;
}

void SessionCore::run_checks(const Plan& plan) {
  for (const FunctionCheck& check_item : plan.checks) {
    sim::Statement statement = prepare(check_item.arguments_sql);
    for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
      if (static_cast<int>(i) < sqlite3_bind_parameter_count(statement.handle()))
        statement.bind(static_cast<int>(i) + 1, parameter_value(plan.parameters[i]));
    }
    if (!step(statement)) continue;
    std::optional<std::string> values[3];
    for (int i = 0; i < 3; ++i) {
      if (!statement.is_null(i)) values[i] = std::string(i < 2 ? statement.blob(i) : statement.text(i));
    }
    check(active_->cdc.check_change_function(active_->principal, check_item.function, values[0], values[1],
                                             values[2]));
  }
}

void SessionCore::select_rows(const Plan& plan) {
  run_checks(plan);
  sim::Statement statement = prepare(plan.sql);
  bind_parameters(statement, plan.parameters);
  std::vector<ResultColumn> columns;
  std::vector<TypeInfo> types;
  for (const OutputColumn& column : plan.columns) {
    columns.push_back(result_column(column));
    types.push_back(columns.back().type);
  }
  std::vector<std::size_t> max_columns;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i].length < 0 && options_.text_size < 2147483647) max_columns.push_back(i);
  }
  std::vector<std::string> cut(max_columns.size());
  RowReader reader(types);
  std::vector<Cell> cells(types.size());
  std::uint64_t rows = 0;
  bool told = false;
  try {
    // The first step comes before the columns: an error that it finds is then an answer without a result, as most are.
    bool more = step(statement);
    sink_->columns(columns);
    told = true;
    while (more) {
      if (reset_after_rows_ && rows >= *reset_after_rows_) {
        sink_->reset_connection();
        cut_ = true;
        throw Cancelled{};
      }
      reader.read(statement, cells.data());
      for (std::size_t i = 0; i < max_columns.size(); ++i) {
        Cell& cell = cells[max_columns[i]];
        if (!cell.null && static_cast<std::int64_t>(cell.text.size()) > options_.text_size / 2)
          cut_to_text_size(types[max_columns[i]], options_.text_size, cut[i], cell);
      }
      if (!sink_->row(cells)) throw Cancelled{};
      ++rows;
      if (rows % rows_between_stop_checks == 0) check_stop();
      if (options_.row_limit > 0 && rows >= static_cast<std::uint64_t>(options_.row_limit)) break;
      more = step(statement);
    }
  } catch (StatementError&) {
    if (told && try_depth_ > 0) done(StatementKind::select, rows, true);
    throw;
  }
  if (reset_after_rows_ && *reset_after_rows_ >= rows) *reset_after_rows_ -= rows;
  for (const std::string& table : plan.counted)
    state_.faults.count_rows(table, rows);
  row_count_ = static_cast<std::int64_t>(rows);
  done(StatementKind::select, rows);
}

namespace {

bool reads_a_table(const Select& select) {
  return std::any_of(select.terms.begin(), select.terms.end(), [](const auto& term) {
    return !term->from.empty() || (term->where && contains_query(*term->where)) ||
           std::any_of(term->items.begin(), term->items.end(),
                       [](const SelectItem& item) { return contains_query(*item.expr); });
  });
}

}  // namespace

void SessionCore::run_select(const Select& select, const Statement* statement) {
  if (assigns_variables(select)) return select_into_variables(select);
  if (select.terms.size() == 1 && select.terms[0]->into) {
    return in_named_database([&] {
      // The new table is the session's own database's, whatever it is filled from.
      if (reach_ == Reach::named) throw SeveralDatabases{select.line};
      select_into_table(select);
    });
  }
  in_named_database([&] {
    before_read(reads_a_table(select));
    const std::shared_ptr<const Plan> plan = plan_select(select, statement);
    select_rows(*plan);
  });
}

void SessionCore::select_into_variables(const Select& select) {
  const auto& items = select.terms[0]->items;
  for (const SelectItem& item : items) {
    if (item.variable.empty()) {
      raise(141,
            "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
            "operations.",
            select.line, 1, 15);
    }
  }
  // SELECT @a = 1, @b = @a: assignments see those before them when there is no table.
  if (select.terms[0]->from.empty() && !select.terms[0]->where) {
    for (const SelectItem& item : items)
      assign_expression(item.variable, item.op, *item.expr);
    row_count_ = 1;
    return;
  }
  in_named_database([&] {
    before_read();
    active_->catalog.refresh();
    for (const SelectItem& item : items) {
      if (item.op != "=") not_supported("SELECT @x += ... FROM", select.line);
    }
    Binder binder(*this);
    binder.assign_selected_variables(true);
    const BoundQuery bound = binder.query(select, true);
    sim::Statement rows = prepare(binder.with_clause() + bound.sql);
    bind_parameters(rows, binder.parameters());
    std::vector<TypeInfo> types;
    for (const OutputColumn& column : bound.columns)
      types.push_back(column.value.type);
    RowReader reader(types);
    std::vector<Cell> cells(types.size());
    std::vector<Value> last;
    std::int64_t count = 0;
    while (step(rows)) {
      reader.read(rows, cells.data());
      last.clear();
      for (std::size_t i = 0; i < cells.size(); ++i)
        last.push_back(value_of(types[i], cells[i]));
      ++count;
    }
    for (std::size_t i = 0; i < last.size(); ++i)
      assign(items[i].variable, std::move(last[i]));
    row_count_ = count;
  });
}

void SessionCore::select_into_table(const Select& select) {
  const ObjectName& name = *select.terms[0]->into;
  CreateTable create;
  create.name = name;
  Binder probe(*this);
  active_->catalog.refresh();
  const BoundQuery bound = probe.query(select, true);
  for (const OutputColumn& column : bound.columns) {
    if (column.name.empty())
      raise(1038,
            "An object or column name is missing or empty. For SELECT INTO statements, verify each column "
            "has a name.",
            select.line, 5, 15);
    ColumnClause clause;
    clause.name = column.name;
    clause.type.type = column.value.type;
    clause.nullable = column.value.nullable;
    clause.collation = is_text(column.value.type.type) ? column.value.collation : "";
    create.columns.push_back(std::move(clause));
  }
  const auto fill = [&](const TablePtr& table) {
    sim::Statement rows = prepare(probe.with_clause() + bound.sql);
    bind_parameters(rows, probe.parameters());
    std::vector<TypeInfo> types;
    std::vector<const ColumnDef*> columns;
    for (std::size_t i = 0; i < bound.columns.size(); ++i) {
      types.push_back(bound.columns[i].value.type);
      columns.push_back(&table->columns[i]);
    }
    RowWriter writer(*this, table);
    writer.prepare_insert(columns);
    RowReader reader(types);
    std::vector<Cell> cells(types.size());
    while (step(rows)) {
      reader.read(rows, cells.data());
      writer.insert(cells);
    }
    writer.finish();
    row_count_ = static_cast<std::int64_t>(writer.rows());
  };
  if (name.name.starts_with('#')) {
    before_read();
    const TablePtr table = create_local_table(create);
    temporary_[upper(name.name)] = table;
    fill(table);
  } else {
    require_owner("SELECT INTO");
    write_statement([&] {
      TableDef definition = table_definition(create, false);
      check(active_->catalog.create_table(definition));
      active_->catalog.touch();
      active_->catalog.refresh();
      fill(active_->catalog.table(definition.object_id));
    });
  }
  done(StatementKind::select, static_cast<std::uint64_t>(row_count_));
}

}  // namespace tailrace::sim::tsql
