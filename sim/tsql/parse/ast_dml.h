// The syntax tree of statements that change rows.
//
// Shape    Literals of INSERT ... VALUES stay text (`ValueCell`), as a thousand-row INSERT is mostly literals.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/tsql/parse/ast_query.h"

namespace tailrace::sim::tsql {

// One cell of INSERT ... VALUES: a literal, or an expression where `expr` is set.
struct ValueCell {
  TokenKind kind = TokenKind::end;  // word: NULL or DEFAULT
  bool negative = false;
  bool doubled = false;
  bool is_default = false;
  std::string_view text;  // Borrows from the batch's text.
  ExprPtr expr;
};

struct OutputClause {
  std::vector<SelectItem> items;
  std::optional<ObjectName> into;
  std::string into_variable;
  std::vector<std::string> into_columns;
};

struct DmlTarget {
  ObjectName name;
  std::string variable;  // @t
  std::vector<std::string> hints;
};

struct Insert {
  std::vector<CommonTable> ctes;
  DmlTarget target;
  std::optional<Top> top;
  std::vector<std::string> columns;
  std::optional<OutputClause> output;
  bool default_values = false;
  std::size_t row_width = 0;
  std::vector<ValueCell> cells;  // Row-major.
  SelectPtr query;
  std::unique_ptr<Statement> execute;
};

// BULK INSERT table FROM 'file' WITH (...). Terminators as bytes.
struct BulkInsert {
  ObjectName table;
  std::string file;
  std::string field_terminator = "\t";
  std::string row_terminator = "\r\n";
  std::uint16_t code_page = 0;   // 0: none was named; only ASCII is the same in all of them.
  std::uint64_t batch_rows = 0;  // 0: the whole file in one batch.
  std::uint64_t first_row = 1;
  std::uint64_t last_row = 0;  // 0: the file's last one.
  std::uint64_t max_errors = 10;
  bool keep_nulls = false;
  bool check_constraints = false;
};

struct SetItem {
  std::vector<std::string> column;
  std::string variable;  // @x = or @x = column =
  std::string op = "=";
  ExprPtr value;
};

struct Update {
  std::vector<CommonTable> ctes;
  std::optional<Top> top;
  DmlTarget target;
  std::vector<SetItem> items;
  std::optional<OutputClause> output;
  std::vector<std::unique_ptr<TableSource>> from;
  ExprPtr where;
};

struct Delete {
  std::vector<CommonTable> ctes;
  std::optional<Top> top;
  DmlTarget target;
  std::optional<OutputClause> output;
  std::vector<std::unique_ptr<TableSource>> from;
  ExprPtr where;
};

struct MergeClause {
  enum class When : std::uint8_t { matched, not_matched, not_matched_by_source };
  When when = When::matched;
  ExprPtr condition;
  enum class Action : std::uint8_t { update, delete_, insert };
  Action action = Action::update;
  std::vector<SetItem> items;
  std::vector<std::string> columns;
  std::vector<ExprPtr> values;
  bool default_values = false;
};

struct Merge {
  std::vector<CommonTable> ctes;
  DmlTarget target;
  std::string alias;
  std::unique_ptr<TableSource> source;
  ExprPtr on;
  std::vector<MergeClause> clauses;
  std::optional<OutputClause> output;
};

}  // namespace tailrace::sim::tsql
