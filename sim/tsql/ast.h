// The syntax tree of a batch: what the parser hands to the binder.
//
// Shape    Plain structs, owned top down. Names are kept as written; the binder folds their case. Literals of
//          INSERT ... VALUES stay text (`ValueCell`), as a thousand-row INSERT is mostly literals.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/storage/type.h"
#include "sim/tsql/lexer.h"

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

// --- DDL -------------------------------------------------------------------------------------------------

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

// --- Control and session -----------------------------------------------------------------------------------

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

struct Statement {
  std::int32_t line = 1;
  std::size_t begin = 0;  // Of its text in the batch.
  std::size_t end = 0;
  std::variant<Empty, SelectPtr, Insert, BulkInsert, Update, Delete, Merge, CreateTable, AlterTable,
               CreateIndex, DropIndex, DropObjects, TruncateTable, CreateDatabase, AlterDatabase,
               CreateSchema, CreatePrincipal, AlterPrincipal, PermissionChange, Declare, SetVariable,
               SetOption, If, While, BlockStatement, TryCatch, Break, Continue, Return, Throw, RaiseError,
               Print, WaitFor, Use, BeginTransaction, CommitTransaction, RollbackTransaction, SaveTransaction,
               Execute>
      body;
};

}  // namespace tailrace::sim::tsql
