// The syntax tree of queries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/tsql/parse/ast_expression.h"

namespace tailrace::sim::tsql {

struct SelectItem {
  ExprPtr expr;
  std::string alias;
  std::string variable;  // @x = expr
  std::string op = "=";  // = or +=
};

enum class JoinKind : std::uint8_t { inner, left, right, full, cross, cross_apply, outer_apply };

struct TableSource {
  enum class Kind : std::uint8_t { named, function, derived, values, variable, join };
  Kind kind = Kind::named;
  std::int32_t line = 1;
  ObjectName name;   // named, function
  std::string text;  // variable
  std::string alias;
  std::vector<std::string> column_aliases;
  std::vector<ExprPtr> args;               // function
  SelectPtr query;                         // derived
  std::vector<std::vector<ExprPtr>> rows;  // values
  std::vector<std::string> hints;          // upper case
  JoinKind join = JoinKind::inner;
  std::unique_ptr<TableSource> left;
  std::unique_ptr<TableSource> right;
  ExprPtr on;
};

struct Top {
  ExprPtr count;
  bool percent = false;
  bool with_ties = false;
};

struct QueryBlock {
  bool distinct = false;
  std::optional<Top> top;
  std::vector<SelectItem> items;
  std::optional<ObjectName> into;
  std::vector<std::unique_ptr<TableSource>> from;
  ExprPtr where;
  std::vector<ExprPtr> group_by;
  ExprPtr having;
  std::vector<std::vector<ExprPtr>> values;  // A VALUES block of INSERT or of a derived table.
  SelectPtr nested;                          // A parenthesised query as a term.
  std::int32_t line = 1;
};

enum class SetOperator : std::uint8_t { union_, union_all, except, intersect };

struct CommonTable {
  std::string name;
  std::vector<std::string> columns;
  SelectPtr query;
};

struct Select {
  std::vector<CommonTable> ctes;
  std::vector<std::unique_ptr<QueryBlock>> terms;
  std::vector<SetOperator>
      operators;  // One less than terms; INTERSECT terms are nested where they bind tighter.
  std::vector<OrderItem> order_by;
  ExprPtr offset;
  ExprPtr fetch;
  std::int32_t line = 1;
};

}  // namespace tailrace::sim::tsql
