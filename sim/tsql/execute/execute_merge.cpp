// MERGE: every clause's rows are read before the first of them is changed.
#include <sqlite3.h>

#include <algorithm>
#include <unordered_set>

#include "sim/tsql/execute/execute_internal.h"
#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// What one WHEN clause has found.
struct ClauseRows {
  const MergeClause* clause = nullptr;
  std::vector<std::size_t> set_columns;
  std::vector<const ColumnDef*> insert_columns;
  RowStore old_rows{0};
  RowStore new_values{0};
  std::vector<std::vector<Value>> inserted;
};

// A clause takes what the earlier ones of its kind have left.
std::string clause_condition(Binder& binder, const Merge& merge, std::size_t index) {
  const MergeClause& clause = merge.clauses[index];
  std::string out;
  for (std::size_t i = 0; i < index; ++i) {
    const MergeClause& earlier = merge.clauses[i];
    if (earlier.when != clause.when) continue;
    if (!earlier.condition) return " AND 0";
    out += " AND (" + binder.predicate(*earlier.condition) + ") IS NOT 1";
  }
  if (clause.condition) out += " AND " + binder.predicate(*clause.condition);
  return out;
}

const ColumnDef& merge_column(const TableDef& table, const std::string& name) {
  const ColumnDef* column = table.column(name);
  if (column == nullptr) raise(207, "Invalid column name '" + name + "'.");
  if (column->type.guise == Guise::rowversion) raise(272, "Cannot update a timestamp column.");
  if (!column->computed.empty())
    raise(271, "The column \"" + name +
                   "\" cannot be modified because it is either a computed column or is the result of a UNION "
                   "operator.");
  return *column;
}

}  // namespace

void SessionCore::run_merge(const Merge& merge) {
  in_named_database([&] {
    const TablePtr table = dml_table(merge.target, nullptr, nullptr);
    const bool local = table->name.starts_with('#') || table->name.starts_with('@');
    for (const MergeClause& clause : merge.clauses) {
      const bool deletes = clause.action == MergeClause::Action::delete_;
      const bool updates = clause.action == MergeClause::Action::update;
      if (!local)
        check_right(deletes   ? sim::Permission::delete_
                    : updates ? sim::Permission::update
                              : sim::Permission::insert,
                    *table);
    }
    std::uint64_t count = 0;
    change_table(local, [&] {
      Binder binder(*this);
      binder.common_tables(merge.ctes);
      binder.push_block();
      const std::string target = binder.add_table(table, merge.alias).sqlite_alias;
      const std::string target_sql = table->stored_name() + " AS " + target;
      const std::string source_sql = binder.source(*merge.source);
      const std::string on = binder.predicate(*merge.on);
      const std::string table_text = active_->database->name + "." + table->schema + "." + table->name;
      RowWriter writer(*this, table);
      writer.verb = "MERGE";
      if (merge.output) writer.prepare_output(*merge.output, true, true);
      std::vector<ClauseRows> found;
      const std::size_t locator = writer.locator_width();
      const auto open = [&](const std::string& sql) {
        sim::Statement statement = prepare(binder.with_clause() + sql);
        bind_parameters(statement, binder.parameters());
        return statement;
      };
      for (std::size_t i = 0; i < merge.clauses.size(); ++i) {
        const MergeClause& clause = merge.clauses[i];
        ClauseRows rows;
        rows.clause = &clause;
        const std::string condition = clause_condition(binder, merge, i);
        const std::string matched = target_sql + " JOIN " + source_sql + " ON " + on + " WHERE 1";
        const std::string only_target =
            target_sql + " WHERE NOT EXISTS (SELECT 1 FROM " + source_sql + " WHERE " + on + ")";
        const std::string only_source =
            source_sql + " WHERE NOT EXISTS (SELECT 1 FROM " + target_sql + " WHERE " + on + ")";
        const std::string& from = clause.when == MergeClause::When::matched       ? matched
                                  : clause.when == MergeClause::When::not_matched ? only_source
                                                                                  : only_target;
        if (clause.action == MergeClause::Action::insert) {
          if (clause.when != MergeClause::When::not_matched)
            raise(10711,
                  "An action of type 'INSERT' is not allowed in the 'WHEN MATCHED' clause of a MERGE "
                  "statement.",
                  0, 1, 15);
          if (clause.columns.empty()) {
            for (const ColumnDef& column : table->columns) {
              if (column.computed.empty() && !column.identity && !clause.default_values)
                rows.insert_columns.push_back(&column);
            }
          }
          for (const std::string& name : clause.columns)
            rows.insert_columns.push_back(&merge_column(*table, name));
          if (rows.insert_columns.size() != clause.values.size()) {
            raise(110,
                  "There are fewer columns in the INSERT statement than values specified in the VALUES "
                  "clause. The number of values in the VALUES clause must match the number of columns "
                  "specified in the INSERT statement.",
                  0, 1, 15);
          }
          std::string select = "SELECT 1";
          std::vector<TypeInfo> types{int_type()};
          for (std::size_t v = 0; v < clause.values.size(); ++v) {
            select += "," + assigned(binder, binder.expression(*clause.values[v]), *rows.insert_columns[v],
                                     table_text, 0)
                                .sql;
            types.push_back(rows.insert_columns[v]->type);
          }
          sim::Statement statement = open(select + " FROM " + from + condition);
          while (step(statement)) {
            std::vector<Value> row;
            for (std::size_t v = 1; v < types.size(); ++v)
              row.push_back(decode(sqlite3_column_value(statement.handle(), static_cast<int>(v)), types[v]));
            rows.inserted.push_back(std::move(row));
          }
        } else {
          std::string values;
          for (const SetItem& item : clause.items) {
            if (item.column.empty() || item.op != "=") not_supported("MERGE ... SET of this form");
            const ColumnDef& column = merge_column(*table, item.column.back());
            if (column.identity) raise(8102, "Cannot update identity column '" + column.name + "'.");
            rows.set_columns.push_back(static_cast<std::size_t>(&column - table->columns.data()));
            Typed value = item.value->kind == ExprKind::default_ ? binder.null_value(column.type)
                                                                 : binder.expression(*item.value);
            values += "," + assigned(binder, std::move(value), column, table_text, 0).sql;
          }
          const std::size_t width = locator + table->columns.size();
          rows.old_rows = RowStore(width);
          rows.new_values = RowStore(rows.set_columns.size());
          sim::Statement statement = open("SELECT " + writer.locator_list(target) + "," +
                                          writer.column_list(target) + values + " FROM " + from + condition);
          std::unordered_set<std::string> seen;
          while (step(statement)) {
            std::string key;
            for (std::size_t l = 0; l < locator; ++l)
              key += std::string(statement.text(static_cast<int>(l))) + '\0';
            if (!seen.insert(key).second) {
              raise(8672,
                    "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This "
                    "happens when a target row matches more than one source row. A MERGE statement cannot "
                    "UPDATE/DELETE the same row of the target table multiple times. Refine the ON clause to "
                    "ensure a target row matches at most one source row, or use the GROUP BY clause to group "
                    "the source rows.");
            }
            rows.old_rows.append(statement, 0, width);
            rows.new_values.append(statement, static_cast<int>(width), rows.set_columns.size());
          }
        }
        found.push_back(std::move(rows));
      }
      binder.pop_block();
      for (ClauseRows& rows : found) {
        if (rows.clause->action == MergeClause::Action::delete_) writer.remove(rows.old_rows);
        if (rows.clause->action == MergeClause::Action::update)
          writer.update(rows.old_rows, rows.new_values, rows.set_columns);
      }
      for (ClauseRows& rows : found) {
        if (rows.clause->action != MergeClause::Action::insert || rows.inserted.empty()) continue;
        writer.prepare_insert(rows.insert_columns);
        std::vector<Cell> cells(rows.insert_columns.size());
        for (const std::vector<Value>& row : rows.inserted) {
          for (std::size_t i = 0; i < row.size(); ++i)
            cells[i] = cell_of(row[i]);
          writer.insert(cells);
        }
      }
      writer.finish();
      count = writer.rows();
      if (merge.output) send_output(*merge.output, writer);
    });
    row_count_ = static_cast<std::int64_t>(count);
    done(StatementKind::merge, count);
  });
}

}  // namespace tailrace::sim::tsql
