// Rows into, out of and inside one table, with everything that a change of a row entails.
//
// Shape    insert(), update(), remove() change rows at once; finish() makes the checks that SQL Server makes at a
//          statement's end (references). Defaults, identity values, NOT NULL, CHECK, foreign keys with their actions,
//          OUTPUT.
// Errors   StatementError: 515, 547, 544, 545, 2627, 2601, 7139.
// Source   sim/README.md, "Deferred updates": an update of a key is a delete and an insert.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/tsql/session/session_core.h"

namespace tailrace::sim::tsql {

// Binds a row's column (by position in the table) to a parameter of a statement.
using ColumnBinder = std::function<void(sim::Statement& statement, int index, std::size_t column)>;

// SQL over the columns of a row as parameters "INSERTED.<position>" and "DELETED.<position>".
struct RowExpression {
  std::string sql;
  std::vector<std::string> parameters;
};

// "INSERTED.3" with its prefix -> 3
bool row_parameter(const std::string& name, std::string_view prefix, std::size_t& position);

class RowWriter {
 public:
  RowWriter(SessionCore& session, TablePtr table);
  ~RowWriter();

  const TableDef& table() const { return *table_; }
  std::uint64_t rows() const { return rows_; }

  // The columns that insert() gives, in order; the others get their defaults.
  void prepare_insert(std::vector<const ColumnDef*> columns);
  void expect_rows(std::int64_t count) { expected_ = count; }  // So many identity values at once.
  // Those of the given columns that are marked in `defaulted` get their defaults, too.
  void insert(std::span<const Cell> cells, const std::vector<bool>& defaulted = {});

  // What update() and remove() want to know of a row before they change it.
  bool needs_old_rows(const std::vector<std::size_t>& set_columns) const;
  bool needs_old_rows() const;  // For remove()

  // `old_rows`: the locator's columns, then (if needed) all columns by position. `new_values`: the set columns.
  void update(const RowStore& old_rows, const RowStore& new_values,
              const std::vector<std::size_t>& set_columns);
  void remove(const RowStore& old_rows);
  void finish();

  // OUTPUT: bound before the first row, collected row by row.
  void prepare_output(const OutputClause& clause, bool inserted, bool deleted);
  bool has_output() const { return output_.has_value(); }
  const std::vector<OutputColumn>& output_columns() const { return output_columns_; }
  const std::vector<std::vector<Value>>& output_rows() const { return output_rows_; }

  // The sources of rows' columns as parameters.
  static SourceTable parameter_source(Binder& binder, const TablePtr& table, const std::string& name);
  std::string locator_list(const std::string& alias) const;
  std::string column_list(
      const std::string& alias) const;  // All columns by position; NULL for computed ones.
  std::size_t locator_width() const { return locator_.size(); }
  const char* verb = "INSERT";  // For messages

 private:
  void update_with_rowversion(const RowStore& old_rows, const RowStore& new_values,
                              const std::vector<std::size_t>& set_columns);
  // 7139: a LOB that is too long for the change table.
  void check_lob(const ColumnDef& column, std::string_view text);
  struct Reference {  // A foreign key to be looked at at the statement's end.
    const ForeignKeyDef* key;
    RowStore values;
  };

  void prepare_defaults();
  void prepare_checks();
  void next_identity(Cell& cell);
  void fill_defaults();
  void run_checks(const ColumnBinder& bind);
  void check_references(const ColumnBinder& bind, const std::vector<bool>* changed);
  void collect_output(const ColumnBinder* inserted, const ColumnBinder* deleted);
  // `bind` gives the row's values to the message of a duplicate key; without it no key changes.
  void write_row(sim::Statement& statement, const ColumnBinder* bind = nullptr);
  std::string key_text(const std::vector<std::size_t>& columns, const ColumnBinder& bind);
  void missing_value(const ColumnDef& column) const;
  void insert_full(const RowStore& old_rows, std::size_t row, const RowStore& new_values,
                   const std::vector<std::size_t>& set_columns);
  std::string where_locator(int first_parameter) const;
  bool key_column(std::size_t position) const;
  void referenced_rows_changed(const RowStore& old_rows, std::size_t row, const RowStore* new_values,
                               const std::vector<std::size_t>* set_columns);
  void cascade(const ForeignKeyDef& key, const RowStore& old_rows, std::size_t row,
               const RowStore* new_values, const std::vector<std::size_t>* set_columns);
  std::size_t position_of(std::int32_t column_id) const;
  [[noreturn]] void conflict(const char* statement, const char* kind, const std::string& constraint,
                             const TableDef& where, const std::string& column) const;

  SessionCore& session_;
  TablePtr table_;
  bool local_;
  std::vector<std::string> locator_;
  std::vector<std::string> stored_;  // Column names by position; empty for computed ones.
  std::uint64_t rows_ = 0;
  std::int64_t expected_ = 1;

  std::vector<const ColumnDef*> given_;
  std::vector<std::size_t> given_positions_;
  std::vector<Cell> row_;              // The full row, by position.
  std::vector<Value> default_values_;  // By position
  std::vector<std::size_t> volatile_defaults_;
  std::optional<sim::Statement> default_statement_;
  std::vector<std::string> default_parameters_;
  std::optional<sim::Statement> insert_statement_;
  std::optional<std::size_t> identity_position_;
  std::optional<std::size_t> rowversion_position_;
  bool identity_given_ = false;
  std::int64_t identity_next_ = 0;
  std::int64_t identity_left_ = 0;

  bool checks_ready_ = false;
  std::vector<std::pair<const CheckDef*, RowExpression>> checks_;
  std::vector<Reference>
      pending_children_;  // Rows of this table whose parent was not there yet (self-reference).
  std::vector<std::unique_ptr<Reference>> pending_parents_;  // Keys of this table that are gone.
  std::vector<std::unique_ptr<RowWriter>> children_;

  std::optional<RowExpression> output_;
  std::vector<OutputColumn> output_columns_;
  std::vector<std::vector<Value>> output_rows_;
};

}  // namespace tailrace::sim::tsql
