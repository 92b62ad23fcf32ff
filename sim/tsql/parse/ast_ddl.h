// The syntax tree of DDL and of permissions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/tsql/parse/ast_expression.h"

namespace tailrace::sim::tsql {

struct ReferenceClause {
  ObjectName table;
  std::vector<std::string> columns;
  std::string on_delete = "NO_ACTION";  // NO_ACTION, CASCADE, SET_NULL, SET_DEFAULT
  std::string on_update = "NO_ACTION";
};

struct KeyColumn {
  std::string name;
  bool descending = false;
};

struct ConstraintClause {
  enum class Kind : std::uint8_t { primary_key, unique, foreign_key, check, default_ };
  Kind kind = Kind::check;
  std::string name;
  std::optional<bool> clustered;
  std::vector<KeyColumn> columns;
  ReferenceClause reference;
  std::string text;  // check, default: the expression as written
  ExprPtr expr;
  std::string for_column;  // ALTER TABLE ADD DEFAULT ... FOR column
  bool no_check = false;
};

struct ColumnClause {
  std::string name;
  std::int32_t line = 1;
  DataType type;
  std::optional<bool> nullable;
  bool identity = false;
  std::int64_t seed = 1;
  std::int64_t increment = 1;
  std::string collation;
  std::string computed;  // Text of the expression
  ExprPtr computed_expr;
  bool persisted = false;
  bool rowguidcol = false;
  bool sparse = false;
  std::vector<ConstraintClause> constraints;  // Of this column
};

struct IndexClause {
  std::string name;
  bool unique = false;
  std::optional<bool> clustered;
  std::vector<KeyColumn> columns;
  std::vector<std::string> included;
  std::string filter;
  ExprPtr filter_expr;
};

struct CreateTable {
  ObjectName name;
  std::vector<ColumnClause> columns;
  std::vector<ConstraintClause> constraints;
  std::vector<IndexClause> indexes;
};

struct AlterTable {
  enum class Action : std::uint8_t {
    add,
    drop_column,
    alter_column,
    drop_constraint,
    check,
    nocheck,
    switch_
  };
  ObjectName name;
  Action action = Action::add;
  std::vector<ColumnClause> columns;
  std::vector<ConstraintClause> constraints;
  std::vector<std::string> names;  // drop
  bool if_exists = false;
};

struct CreateIndex {
  ObjectName table;
  IndexClause index;
};
struct DropIndex {
  std::string name;
  ObjectName table;
  bool if_exists = false;
};
struct DropObjects {
  std::string kind;  // TABLE, VIEW, SCHEMA, DATABASE, LOGIN, USER, ROLE, PROCEDURE, FUNCTION
  std::vector<ObjectName> names;
  bool if_exists = false;
};
struct TruncateTable {
  ObjectName name;
};
struct CreateDatabase {
  std::string name;
  std::string collation;
};
struct AlterDatabase {
  std::string name;    // Empty: CURRENT
  std::string option;  // upper case
  std::string value;   // upper case
};
struct CreateSchema {
  std::string name;
  std::string owner;
};
struct CreatePrincipal {
  std::string kind;  // LOGIN, USER, ROLE, SERVER ROLE
  std::string name;
  std::string password;
  std::string for_login;
  std::string default_database;
  std::string default_schema;
};
struct AlterPrincipal {
  std::string kind;  // ROLE, SERVER ROLE, LOGIN, USER
  std::string name;
  std::string action;  // ADD, DROP, PASSWORD, ENABLE, DISABLE, DEFAULT_DATABASE
  std::string member;
};
struct PermissionChange {
  std::string action;                    // GRANT, DENY, REVOKE
  std::vector<std::string> permissions;  // upper case
  std::string class_;                    // OBJECT, SCHEMA, DATABASE, SERVER
  ObjectName object;
  std::vector<std::string> columns;
  std::vector<std::string> principals;
};

}  // namespace tailrace::sim::tsql
