// UPDATE and DELETE.
#include <sqlite3.h>

#include <algorithm>
#include <unordered_set>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
namespace {

// The target of an UPDATE or DELETE within its FROM: an alias or a table's own name there.
const TableSource* find_target(const std::vector<std::unique_ptr<TableSource>>& sources,
                               const DmlTarget& target, CollationKind names);

const TableSource* find_target(const TableSource& source, const DmlTarget& target, CollationKind names) {
  if (source.kind == TableSource::Kind::join) {
    if (const TableSource* found = find_target(*source.left, target, names)) return found;
    return find_target(*source.right, target, names);
  }
  if (source.kind == TableSource::Kind::variable) {
    const std::string& name = source.alias.empty() ? source.text : source.alias;
    return same_name(name, target.variable.empty() ? target.name.name : target.variable) ? &source : nullptr;
  }
  if (source.kind != TableSource::Kind::named) return nullptr;
  if (target.name.schema.empty() && !source.alias.empty() && same_name(names, source.alias, target.name.name))
    return &source;
  return nullptr;
}

const TableSource* find_by_name(const TableSource& source, const DmlTarget& target, CollationKind names) {
  if (source.kind == TableSource::Kind::join) {
    if (const TableSource* found = find_by_name(*source.left, target, names)) return found;
    return find_by_name(*source.right, target, names);
  }
  if (source.kind != TableSource::Kind::named || !same_name(names, source.name.name, target.name.name))
    return nullptr;
  if (!target.name.schema.empty() && !source.name.schema.empty() &&
      !same_name(names, source.name.schema, target.name.schema))
    return nullptr;
  return &source;
}

const TableSource* find_target(const std::vector<std::unique_ptr<TableSource>>& sources,
                               const DmlTarget& target, CollationKind names) {
  for (const auto& source : sources) {
    if (const TableSource* found = find_target(*source, target, names)) return found;
  }
  for (const auto& source : sources) {
    if (const TableSource* found = find_by_name(*source, target, names)) return found;
  }
  return nullptr;
}

// The rows of a join may name a target's row more than once; it is changed once.
class SeenRows {
 public:
  bool first(const sim::Statement& statement, std::size_t width) {
    std::string key;
    for (std::size_t i = 0; i < width; ++i) {
      key += std::string(statement.text(static_cast<int>(i)));
      key.push_back('\0');
    }
    return seen_.insert(std::move(key)).second;
  }

 private:
  std::unordered_set<std::string> seen_;
};

ExprPtr default_expression(const ColumnDef& column) {
  return parse_expression(column.default_value->text);
}

Value column_as_value(const sim::Statement& statement, int column, const TypeInfo& type) {
  return decode(sqlite3_column_value(statement.handle(), column), type);
}

}  // namespace

// FROM and the target within it, bound; `table` and the index of its source in the block.
struct SessionCore::ChangeSource {
  TablePtr table;
  std::string from;
  std::size_t target = 0;
  bool joined = false;
};

SessionCore::ChangeSource SessionCore::bind_change_source(
    Binder& binder, const DmlTarget& target, const std::vector<std::unique_ptr<TableSource>>& from,
    const std::vector<CommonTable>& ctes) {
  ChangeSource out;
  const TableSource* found = from.empty() ? nullptr : find_target(from, target, names());
  if (reach_ == Reach::several) {
    // Before anything is bound: what is read is copied to where the target is.
    DmlTarget home = target;
    if (found != nullptr) {
      home.variable = found->text;
      home.name = found->name;
    }
    for (const CommonTable& cte : ctes) {
      if (same_name(cte.name, home.name.name)) not_supported("a change through a CTE over several databases");
    }
    dml_table(home, nullptr, nullptr);
  }
  active_->catalog.refresh();
  binder.common_tables(ctes);
  Block& block = binder.push_block();
  if (found == nullptr) {
    out.table = dml_table(target, nullptr, nullptr);
    SourceTable& added = binder.add_table(out.table, "");
    if (!target.variable.empty()) added.alias = target.variable;
    out.from = out.table->stored_name() + " AS " + added.sqlite_alias;
    if (!from.empty()) {
      out.from += " JOIN " + binder.from(from).sql;
      out.joined = true;
    }
    return out;
  }
  out.from = binder.from(from).sql;
  out.joined = from.size() > 1 || from[0]->kind == TableSource::Kind::join;
  const std::string alias = !found->alias.empty()                        ? found->alias
                            : found->kind == TableSource::Kind::variable ? found->text
                                                                         : found->name.name;
  for (std::size_t i = 0; i < block.tables.size(); ++i) {
    if (block.tables[i].table && same_name(names(), block.tables[i].alias, alias)) {
      out.target = i;
      out.table = block.tables[i].table;
      return out;
    }
  }
  raise(208, "Invalid object name '" + target.name.text() + "'.", target.name.line);
}

// c += e is c = c + e, with the column of the target.
Typed SessionCore::compound_assignment(Binder& binder, const SetItem& item, const ColumnDef* column,
                                       const ChangeSource& source) {
  Expr sum;
  sum.kind = ExprKind::binary;
  sum.text = item.op.substr(0, item.op.size() - 1);
  sum.line = item.value->line;
  auto left = std::make_unique<Expr>();
  left->line = item.value->line;
  if (column != nullptr) {
    left->kind = ExprKind::column;
    left->parts = {binder.block().tables[source.target].alias, column->name};
  } else {
    left->kind = ExprKind::variable;
    left->text = item.variable;
  }
  sum.args.push_back(std::move(left));
  // Lent for the call: the tree may be run again.
  sum.args.push_back(std::make_unique<Expr>(std::move(*item.value)));
  const auto give_back = [&] { *item.value = std::move(*sum.args[1]); };
  try {
    Typed out = binder.expression(sum);
    give_back();
    return out;
  } catch (...) {
    give_back();
    throw;
  }
}

void SessionCore::run_update(const Update& update) {
  in_named_database([&] {
    std::uint64_t count = 0;
    Binder binder(*this);
    const ChangeSource source = bind_change_source(binder, update.target, update.from, update.ctes);
    const bool local = source.table->name.starts_with('#') || source.table->name.starts_with('@');
    if (!local) check_right(sim::Permission::update, *source.table);
    const auto body = [&] {
      const std::string table_text =
          active_->database->name + "." + source.table->schema + "." + source.table->name;
      RowWriter writer(*this, source.table);
      writer.verb = "UPDATE";
      if (update.output) writer.prepare_output(*update.output, true, true);
      std::vector<std::size_t> set_columns;
      std::string values;
      std::vector<std::pair<std::string, TypeInfo>> variables;
      std::string variable_values;
      for (const SetItem& item : update.items) {
        Typed value;
        const ColumnDef* column = nullptr;
        if (!item.column.empty()) {
          column = source.table->column(item.column.back());
          if (column == nullptr) raise(207, "Invalid column name '" + item.column.back() + "'.");
          if (column->type.guise == Guise::rowversion) raise(272, "Cannot update a timestamp column.");
          if (!column->computed.empty())
            raise(271, "The column \"" + column->name +
                           "\" cannot be modified because it is either a computed column or is the result of "
                           "a UNION operator.");
          if (column->identity) raise(8102, "Cannot update identity column '" + column->name + "'.");
        }
        if (item.value->kind == ExprKind::default_) {
          value = column->default_value ? binder.expression(*default_expression(*column))
                                        : binder.null_value(column->type);
        } else if (item.op != "=") {
          value = compound_assignment(binder, item, column, source);
        } else {
          value = binder.expression(*item.value);
        }
        if (!item.variable.empty()) {
          const TypeInfo* type = variable_type(item.variable);
          if (type == nullptr)
            raise(137, "Must declare the scalar variable \"" + item.variable + "\".", 0, 1, 15);
          const TypeInfo wanted = *type;
          variables.emplace_back(item.variable, wanted);
          variable_values += "," + binder.convert_to(value, wanted).sql;
        }
        if (column == nullptr) continue;
        const auto position = static_cast<std::size_t>(column - source.table->columns.data());
        if (std::find(set_columns.begin(), set_columns.end(), position) != set_columns.end()) {
          raise(264, "The column name '" + column->name +
                         "' is specified more than once in the SET clause or column list of an INSERT. A "
                         "column cannot be assigned more than one value in the same clause. Modify the "
                         "clause to make sure that a column is updated only once.");
        }
        set_columns.push_back(position);
        values += "," + assigned(binder, std::move(value), *column, table_text, item.value->line).sql;
      }
      const std::string alias = binder.block().tables[source.target].sqlite_alias;
      const bool full = writer.needs_old_rows(set_columns);
      std::string sql = "SELECT " + writer.locator_list(alias) + values +
                        (full ? "," + writer.column_list(alias) : "") + variable_values + " FROM " +
                        source.from;
      if (update.where) sql += " WHERE " + binder.predicate(*update.where);
      if (update.top) sql += " LIMIT " + binder.row_count(*update.top->count, "TOP");
      const std::size_t locator = writer.locator_width();
      const std::size_t columns = full ? source.table->columns.size() : 0;
      RowStore old_rows(locator + columns);
      RowStore new_values(set_columns.size());
      {
        sim::Statement statement = prepare(binder.with_clause() + sql);
        bind_parameters(statement, binder.parameters());
        SeenRows seen;
        while (step(statement)) {
          if (source.joined && !seen.first(statement, locator)) continue;
          old_rows.append(statement, 0, locator);
          new_values.append(statement, static_cast<int>(locator), set_columns.size());
          if (full) old_rows.append(statement, static_cast<int>(locator + set_columns.size()), columns);
          for (std::size_t i = 0; i < variables.size(); ++i) {
            const int at = static_cast<int>(locator + set_columns.size() + columns + i);
            assign(variables[i].first, column_as_value(statement, at, variables[i].second));
          }
          if (old_rows.rows() % 256 == 0) check_stop();
        }
      }
      if (set_columns.empty()) {
        count = old_rows.rows();
        return;
      }
      writer.update(old_rows, new_values, set_columns);
      writer.finish();
      count = writer.rows();
      if (update.output) send_output(*update.output, writer);
    };
    change_table(local, body);
    row_count_ = static_cast<std::int64_t>(count);
    done(StatementKind::update, count);
  });
}

void SessionCore::run_delete(const Delete& node) {
  in_named_database([&] {
    std::uint64_t count = 0;
    Binder binder(*this);
    const ChangeSource source = bind_change_source(binder, node.target, node.from, node.ctes);
    const bool local = source.table->name.starts_with('#') || source.table->name.starts_with('@');
    if (!local) check_right(sim::Permission::delete_, *source.table);
    const auto body = [&] {
      RowWriter writer(*this, source.table);
      writer.verb = "DELETE";
      if (node.output) writer.prepare_output(*node.output, false, true);
      const std::string alias = binder.block().tables[source.target].sqlite_alias;
      const bool full = writer.needs_old_rows();
      std::string sql = "SELECT " + writer.locator_list(alias) +
                        (full ? "," + writer.column_list(alias) : "") + " FROM " + source.from;
      if (node.where) sql += " WHERE " + binder.predicate(*node.where);
      if (node.top) sql += " LIMIT " + binder.row_count(*node.top->count, "TOP");
      const std::size_t locator = writer.locator_width();
      const std::size_t width = locator + (full ? source.table->columns.size() : 0);
      RowStore rows(width);
      {
        sim::Statement statement = prepare(binder.with_clause() + sql);
        bind_parameters(statement, binder.parameters());
        SeenRows seen;
        while (step(statement)) {
          if (source.joined && !seen.first(statement, locator)) continue;
          rows.append(statement, 0, width);
          if (rows.rows() % 256 == 0) check_stop();
        }
      }
      writer.remove(rows);
      writer.finish();
      count = writer.rows();
      if (node.output) send_output(*node.output, writer);
    };
    change_table(local, body);
    row_count_ = static_cast<std::int64_t>(count);
    done(StatementKind::delete_, count);
  });
}

}  // namespace tailrace::sim::tsql
