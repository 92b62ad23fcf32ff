// The syntax tree of control of flow, variables, options, transactions and EXEC.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/tsql/parse/ast_ddl.h"

namespace tailrace::sim::tsql {

struct Declare {
  struct Item {
    std::string name;
    DataType type;
    ExprPtr value;
    std::unique_ptr<CreateTable> table;
  };
  std::vector<Item> items;
};
struct SetVariable {
  std::string name;
  std::string op = "=";
  ExprPtr value;
};
struct SetOption {
  std::vector<std::string> names;  // upper case
  std::string value;               // upper case, or the text of a literal
  ExprPtr expr;
  ObjectName table;  // IDENTITY_INSERT
};
struct If {
  ExprPtr condition;
  std::unique_ptr<Statement> then;
  std::unique_ptr<Statement> otherwise;
};
struct While {
  ExprPtr condition;
  std::unique_ptr<Statement> body;
};
struct BlockStatement {
  StatementList statements;
};
struct TryCatch {
  StatementList body;
  StatementList handler;
};
struct Break {};
struct Continue {};
struct Return {
  ExprPtr value;
};
struct Throw {
  ExprPtr number;
  ExprPtr message;
  ExprPtr state;
};
struct RaiseError {
  std::vector<ExprPtr> args;  // message, severity, state, arguments
  bool no_wait = false;
};
struct Print {
  ExprPtr value;
};
struct WaitFor {
  ExprPtr delay;
};
struct Use {
  std::string database;
};
struct BeginTransaction {
  std::string name;
};
struct CommitTransaction {};
struct RollbackTransaction {
  std::string name;
};
struct SaveTransaction {
  std::string name;
};
struct ExecuteArgument {
  std::string name;  // With its @, or empty.
  ExprPtr value;     // A literal, a variable, or DEFAULT.
  bool output = false;
};
struct Execute {
  ObjectName procedure;
  std::string return_variable;
  std::vector<ExecuteArgument> arguments;
  std::vector<ExprPtr> texts;  // EXEC('...' + @x)
};
struct Empty {};  // A lone semicolon, CHECKPOINT and the like.

}  // namespace tailrace::sim::tsql
