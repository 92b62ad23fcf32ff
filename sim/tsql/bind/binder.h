// The binder: names and types of a statement resolved, and the statement as SQLite's SQL.
//
// Shape    One pass: each expression becomes SQL text together with its SQL Server type. Tables get aliases t1, t2
//          ... that are unique in the statement, so outer references need no care. Variables become ?1, ?2 ...
//          (`parameters()` names them, session values such as @@ROWCOUNT among them).
// Errors   StatementError: 207, 208, 209, 4104, 8120, 206, 402, 195 ...; what is not known is refused.
// Threads  Belongs to the session's thread; made for one statement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/catalog/system_relations.h"
#include "sim/tsql/bind/bind_environment.h"
#include "sim/tsql/bind/bound.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/parse/ast.h"

namespace tailrace::sim::tsql {

class Binder {
 public:
  explicit Binder(BindEnvironment& environment) : environment_(environment) {}

  // --- Whole queries.
  BoundQuery query(const Select& select, bool top_level = false);

  // --- Pieces, for DML and DDL.
  Block& push_block();
  void pop_block();
  BoundFrom from(const std::vector<std::unique_ptr<TableSource>>& sources);
  std::string source(const TableSource& source);
  SourceTable& add_table(const TablePtr& table, std::string alias);
  std::string with_clause() const;  // "WITH ..." of the CTEs bound so far, or ""
  void common_tables(const std::vector<CommonTable>& tables);

  Typed expression(const Expr& expr);
  std::string predicate(const Expr& expr);
  // Brought to a type, as an assignment or a CAST does.
  Typed convert_to(Typed value, const TypeInfo& type, std::int32_t line = 0);
  Typed cast_to(Typed value, const TypeInfo& type, int style, bool try_cast, std::int32_t line);
  std::string collated(const Typed& value) const;  // With COLLATE where SQLite would not know.
  std::string ordered(const Typed& value) const;   // As a sort or group key.
  void require_comparable(const std::string& op, const Typed& left, const Typed& right,
                          std::int32_t line) const;
  void require_sortable(const Typed& value) const;
  void require_open(OperationBody body, const Typed& value) const;
  std::string row_count(const Expr& expr, const char* clause);

  bool same(std::string_view left, std::string_view right) const {  // Names in the database.
    return same_name(environment_.names(), left, right);
  }
  Block& block() { return *block_; }
  const std::vector<std::string>& parameters() const { return parameters_; }
  const std::vector<FunctionCheck>& checks() const { return checks_; }
  const std::vector<std::string>& counted_tables() const { return counted_; }
  std::string parameter(const std::string& name);
  std::string new_alias() { return "t" + std::to_string(++aliases_); }
  // Temporary tables, table variables or copies are part of what was bound.
  bool uses_local_tables() const { return local_tables_; }
  void assign_selected_variables(bool allowed) { allow_assignments_ = allowed; }
  // For temporary columns such as inserted.x and deleted.x.
  Typed column_value(const SourceTable& table, const ColumnDef& column);
  TablePtr find_table(const ObjectName& name, bool required = true);
  void require_database(const ObjectName& name);  // Where copies are no way.
  BindEnvironment& environment() { return environment_; }

 private:
  struct Cte {
    std::string name;
    std::string sqlite_name;
    std::vector<OutputColumn> columns;
    std::size_t weight = 1;  // Queries that each mention of it adds: SQLite writes it out every time.
  };
  struct BoundBlock {
    std::vector<OutputColumn> items;
    std::string from;
    std::string where;
    std::string group_by;
    std::string having;
    std::string order_by;
    std::string limit;
    bool distinct = false;
    std::vector<std::string> values;  // A VALUES or nested term: the whole SQL instead.
    std::string whole;
    bool single_row = false;
  };

  // Queries (binder_query.cpp).
  BoundBlock bind_block(const QueryBlock& block, const Select* order_owner);
  std::string assemble(const BoundBlock& block, const std::vector<TypeInfo>* types,
                       const std::vector<std::string>* collations);
  void select_items(const QueryBlock& block, BoundBlock& out);
  void expand_star(const Expr& star, std::vector<OutputColumn>& out);
  std::string order_clause(const Select& select, const QueryBlock& block, const BoundBlock& bound);
  std::string limit_clause(const Select& select, const QueryBlock* block);
  BoundQuery compound(const Select& select, bool top_level);
  void recursive_table(const CommonTable& table);
  void add_common_table(const CommonTable& table, const std::vector<OutputColumn>& columns,
                        const std::string& sqlite_name);

  // Sources (binder_source.cpp).
  std::string named_source(const TableSource& source);
  std::string function_source(const TableSource& source);
  std::string join_source(const TableSource& source);
  std::string apply_source(const TableSource& source);
  std::string derived_source(const BoundQuery& query, const TableSource& source);
  std::string values_source(const TableSource& source);
  std::string system_source(const SystemRelation& relation, const TableSource& source, bool here);
  void add_source_table(SourceTable table, std::int32_t line);
  void make_nullable(std::size_t begin, std::size_t end);

  // Expressions (binder_expression.cpp, binder_operands.cpp, binder_arithmetic.cpp, binder_predicate.cpp).
  Typed inner_expression(const Expr& expr);
  Typed literal(const Expr& expr);
  Typed column(const Expr& expr);
  Typed variable(const Expr& expr);
  Typed system_variable(const Expr& expr);
  Typed binary(const Expr& expr);
  Typed arithmetic(char op, Typed left, Typed right, std::int32_t line);
  Typed concatenation(Typed left, Typed right, std::int32_t line);
  Typed unary(const Expr& expr);
  Typed case_expression(const Expr& expr);
  Typed cast_expression(const Expr& expr);
  Typed scalar_subquery(const Expr& expr);
  Typed function(const Expr& expr);
  Typed aggregate(const Expr& expr, const std::string& name);
  Typed window_function(const Expr& expr, const std::string& name);
  std::string over_clause(const Over& over);
  std::string comparison(const std::string& op, Typed left, Typed right, std::int32_t line);
  std::string like(const Expr& expr);
  std::string in_list(const Expr& expr);
  std::string in_query(const Expr& expr);
  std::string resolve_collation(const Typed& left, const Typed& right, std::int32_t line) const;
  void unify(std::vector<Typed*> values, std::int32_t line);

 public:
  // Building blocks of functions (binder_functions*.cpp).
  Typed call(OperationBody body, std::vector<Typed> args, const TypeInfo& result, std::string text = {},
             int style = no_style, bool strict = true, bool is_volatile = false);
  Typed text_argument(const Expr& expr);
  Typed as_text(Typed value);
  Typed null_value(const TypeInfo& type);
  Typed constant_value(const Value& value);
  Typed session_value(const std::string& name);
  void arguments(const Expr& expr, std::size_t low, std::size_t high) const;  // 174, 189

 private:
  BindEnvironment& environment_;
  Block* block_ = nullptr;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::string> parameters_;
  std::vector<FunctionCheck> checks_;
  std::vector<std::string> counted_;
  std::vector<Cte> ctes_;
  std::size_t written_out_ = 0;  // The weight of all mentions of CTEs so far.
  std::vector<std::string> cte_sql_;
  bool recursive_ = false;
  bool local_tables_ = false;
  bool allow_assignments_ = false;
  int aliases_ = 0;
};

bool contains_aggregate(const Expr& expr);

}  // namespace tailrace::sim::tsql
