// The parser: a batch's text to statements.
//
// Shape    parse_batch() reads a whole batch; nothing of it runs if any of it is not T-SQL. The tree borrows
//          literals of INSERT ... VALUES from the text, which must outlive it.
// Errors   StatementError with SQL Server's number (102, 105, 156, 2715 ...) and line.
// Source   Transact-SQL reference.
#pragma once

#include <string_view>

#include "sim/tsql/parse/ast.h"

namespace tailrace::sim::tsql {

StatementList parse_batch(std::string_view text, bool quoted_identifier = true);

// One scalar expression or predicate alone: defaults, checks and computed columns from the catalog.
ExprPtr parse_expression(std::string_view text);
ExprPtr parse_predicate(std::string_view text);

struct ParameterDeclaration {
  std::string name;
  DataType type;
  bool output = false;
};
// The definition list of sp_executesql: "@P1 int, @P2 nvarchar(10) OUTPUT".
std::vector<ParameterDeclaration> parse_parameters(std::string_view text);

// A name as procedures take it in a string: "dbo.t", "[a]b].[c]".
ObjectName parse_object_name(std::string_view text);

}  // namespace tailrace::sim::tsql
