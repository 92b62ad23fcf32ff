// The syntax tree of expressions, and names and types as statements write them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/storage/type.h"
#include "sim/tsql/parse/lexer.h"

namespace tailrace::sim::tsql {

struct Expr;
struct Select;
struct Statement;
using ExprPtr = std::unique_ptr<Expr>;
using SelectPtr = std::unique_ptr<Select>;
using StatementList = std::vector<std::unique_ptr<Statement>>;

// [database.][schema.]name; missing parts are empty.
struct ObjectName {
  std::string database;
  std::string schema;
  std::string name;
  std::int32_t line = 1;
  std::string text() const;  // As SQL Server's messages print it.
};

enum class ExprKind : std::uint8_t {
  literal,  // `token_kind`, `text`
  null,
  default_,  // DEFAULT in VALUES and SET
  column,    // `parts`
  star,      // `parts` is the qualifier
  variable,  // `text`
  system,    // @@text
  negate,
  plus,
  bit_not,
  binary,   // `text` is the operator: + - * / % & | ^
  compare,  // = <> < > <= >=
  and_,
  or_,
  not_,
  is_null,     // `negated`
  between,     // args: value, low, high
  in_list,     // args: value, items...
  in_query,    // args: value; `query`
  exists,      // `query`
  quantified,  // args: value; `text` operator, `query`; `all`
  like,        // args: value, pattern [, escape]
  case_,       // args: [operand], when, then, ..., [else]
  cast,        // args: value [, style]; `type`, `try_`
  function,    // `parts`, args, `distinct`, `over`
  subquery,    // `query`
  collate,     // args: value; `text`
};

struct OrderItem {
  ExprPtr expr;
  bool descending = false;
};

struct Over {
  std::vector<ExprPtr> partition;
  std::vector<OrderItem> order;
  std::string frame;  // As written, upper case: ROWS BETWEEN ...
};

struct DataType {
  TypeInfo type;
  bool sysname = false;
  bool has_length = false;  // Written; a CAST to varchar without one means 30, a column 1.
};

struct Expr {
  ExprKind kind = ExprKind::null;
  TokenKind token_kind = TokenKind::end;
  bool negated = false;
  bool distinct = false;
  bool all = false;
  bool try_ = false;
  bool has_operand = false;  // case_
  bool has_else = false;     // case_
  bool has_style = false;    // cast written as CONVERT with a style
  bool is_convert = false;
  std::int32_t line = 1;
  std::string text;
  std::vector<std::string> parts;
  std::vector<ExprPtr> args;
  SelectPtr query;
  std::unique_ptr<Over> over;
  std::vector<OrderItem> within_group;
  std::optional<DataType> type;
};

}  // namespace tailrace::sim::tsql
