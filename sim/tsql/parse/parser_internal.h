// The recursive-descent parser: token window and the productions, spread over parser_*.cpp by subject.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/tsql/errors.h"
#include "sim/tsql/parse/ast.h"
#include "sim/tsql/parse/lexer.h"

namespace tailrace::sim::tsql {

std::unique_ptr<Statement> with_line(std::int32_t line);  // A new one.

class Parser {
 public:
  Parser(std::string_view text, bool quoted_identifier);

  StatementList batch();
  ExprPtr whole_expression();
  ExprPtr whole_predicate();
  ObjectName whole_name();

  // Tokens.
  const Token& peek(std::size_t ahead = 0);
  Token take();
  bool at_word(std::string_view word, std::size_t ahead = 0);
  bool at_symbol(std::string_view symbol, std::size_t ahead = 0);
  bool accept_word(std::string_view word);
  bool accept_symbol(std::string_view symbol);
  void expect_word(std::string_view word);
  void expect_symbol(std::string_view symbol);
  [[noreturn]] void fail();
  bool at_end() { return peek().kind == TokenKind::end; }
  bool at_identifier(std::size_t ahead = 0);  // A name, or a word that is not reserved.
  std::string identifier();
  std::string any_word();  // Upper case; keywords too.
  ObjectName object_name();
  std::int32_t integer();
  std::int64_t signed_integer();
  std::string string_literal();

  // Expressions (parser_expression.cpp).
  ExprPtr expression();
  ExprPtr predicate();
  // `position`: of the column, parameter or variable that the type is for, from 1; 0 is CAST's.
  DataType data_type(std::size_t position = 0);
  std::vector<OrderItem> order_items();

  // Queries (parser_query.cpp).
  SelectPtr select_statement();
  SelectPtr query_expression();
  std::vector<CommonTable> common_tables();
  std::vector<std::unique_ptr<TableSource>> table_sources();
  std::unique_ptr<TableSource> table_source();
  SelectItem select_item();
  std::vector<std::string> table_hints();
  std::optional<Top> top_clause();
  void option_clause();

  // Statements.
  std::unique_ptr<Statement> statement();

 private:
  // One level of nesting, while it lives (191). What recursion reads, and what walks the tree afterwards, has the stack of
  // one thread.
  class Level {
   public:
    explicit Level(Parser& parser);
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level();

   private:
    Parser& parser_;
    int height_before_;
  };
  // A chain (1 + 1 + ...) is read in a loop and is a tree of as many levels all the same.
  void link();

  ExprPtr make(ExprKind kind);
  ExprPtr or_level();
  ExprPtr and_level();
  ExprPtr not_level();
  ExprPtr comparison();
  ExprPtr comparison_tail(ExprPtr left);
  ExprPtr in_tail(ExprPtr left, bool negated);
  ExprPtr additive();
  ExprPtr multiplicative();
  ExprPtr unary();
  ExprPtr primary();
  ExprPtr parenthesised();
  ExprPtr word_primary();
  ExprPtr case_expression();
  ExprPtr cast_call(bool try_cast);
  ExprPtr parse_call();
  ExprPtr convert_call(bool try_convert);
  ExprPtr function_call(std::vector<std::string> parts, std::int32_t line);
  std::unique_ptr<Over> over_clause();
  bool parenthesis_opens_query();

  SelectPtr query_term();
  std::unique_ptr<QueryBlock> query_primary();
  std::unique_ptr<QueryBlock> query_block();
  std::vector<std::vector<ExprPtr>> values_rows();
  std::unique_ptr<TableSource> joined_table();
  std::unique_ptr<TableSource> primary_table();
  void table_alias(TableSource& source);
  void order_and_offset(Select& select);

  std::unique_ptr<Statement> bare_statement();
  std::unique_ptr<Statement> wrap_with();
  Insert insert_statement(std::vector<CommonTable> ctes);
  BulkInsert bulk_insert_statement();
  void bulk_option(BulkInsert& node);
  void insert_values(Insert& insert);
  ValueCell value_cell();
  Update update_statement(std::vector<CommonTable> ctes);
  Delete delete_statement(std::vector<CommonTable> ctes);
  Merge merge_statement(std::vector<CommonTable> ctes);
  MergeClause merge_clause();
  DmlTarget dml_target();
  std::optional<OutputClause> output_clause();
  std::vector<SetItem> set_items();

  std::unique_ptr<Statement> create_statement();
  std::unique_ptr<Statement> alter_statement();
  std::unique_ptr<Statement> drop_statement();
  CreateTable create_table(ObjectName name);
  void table_elements(CreateTable& table);
  ColumnClause column_clause(std::size_t position);
  void column_options(ColumnClause& column);
  bool at_constraint();
  ConstraintClause constraint_clause(bool of_column);
  ReferenceClause reference_clause();
  IndexClause table_index();
  CreateIndex create_index(bool unique, std::optional<bool> clustered);
  std::vector<KeyColumn> key_columns();
  void index_options();
  AlterTable alter_table();
  AlterDatabase alter_database();
  CreatePrincipal create_principal(std::string kind);
  AlterPrincipal alter_principal(std::string kind);
  PermissionChange permission_statement(std::string action);
  std::string source_text(std::size_t begin) const;

  std::unique_ptr<Statement> begin_statement();
  std::unique_ptr<Statement> set_statement();
  std::unique_ptr<Statement> declare_statement();
  std::unique_ptr<Statement> execute_statement();
  StatementList block_until(std::string_view second_word);
  void execute_arguments(Execute& execute);
  std::string transaction_name();
  void skip_optional_parenthesised();

  std::string_view text_;
  Lexer lexer_;
  std::vector<Token> window_;
  std::size_t consumed_end_ = 0;    // One past the last consumed token.
  std::set<std::string> declared_;  // Variables, in upper case.
  int depth_ = 0;                   // Levels that are open.
  int height_ = 0;                  // Of the highest tree that was read inside of the innermost of them.
};

}  // namespace tailrace::sim::tsql
