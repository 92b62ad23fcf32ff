// One session of the engine: its variables, transaction, options, databases in use; and the statements it runs.
//
// Shape    SessionCore is the Session that the front sees, the environment of the binder and the host of functions.
//          Its members are spread over execute_*.cpp, procedures_*.cpp, session_*.cpp by subject.
// Errors   StatementError inside; to the sink as messages (run_list() and TRY ... CATCH decide what they end).
// Threads  Belongs to its connection's thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sim/faults/control.h"
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/rows/row_store.h"
#include "sim/tsql/session.h"
#include "sim/tsql/session/engine_state.h"
#include "sim/tsql/session/session_parts.h"

namespace tailrace::sim::tsql {

bool contains_query(const Expr& expr);  // A subquery, anywhere in it.

class RowWriter;

class SessionCore final : public Session, public BindEnvironment, public FunctionHost {
 public:
  SessionCore(EngineState& state, const sim::Login& login, const LoginDef& definition,
              const DatabasePtr& database);
  ~SessionCore() override;

  // Session.
  void batch(std::string_view sql_utf8, ResultSink& sink, std::stop_token stop) override;
  void rpc(const RpcCall& call, ResultSink& sink, std::stop_token stop) override;
  void begin_transaction(std::uint8_t isolation, ResultSink& sink) override;
  void commit_transaction(ResultSink& sink) override;
  void rollback_transaction(ResultSink& sink) override;
  void reset(ResultSink& sink) override;
  std::string database() const override { return current_->database->name; }

  // BindEnvironment.
  const std::string& bound_database() const override { return active_->database->name; }
  bool bound_here(std::string_view database, const ObjectName& name) override;
  bool local_bound_here(const TableDef& table) override;
  std::int32_t foreign_database_id(std::string_view database, const ObjectName& name) override;
  TablePtr copied_table(const ObjectName& name) override;
  TablePtr copied_local_table(const TablePtr& table) override;
  std::string copied_relation(const SystemRelation& relation, const ObjectName& name) override;
  const std::string& collation() const override { return current_->database->collation; }
  CollationKind names() const override { return current_->database->names; }
  DatabasePtr database_of(const ObjectName& name) override;
  Catalog& catalog() override { return active_->catalog; }
  Cdc& cdc() override { return active_->cdc; }
  const std::string& default_schema() const override { return default_schema_; }
  TablePtr local_table(std::string_view name) override;
  const TypeInfo* variable_type(std::string_view name) override;
  void check_right(sim::Permission permission, const TableDef& table) override;
  void check_system_right(const SystemRelation& relation) override;
  void check_msdb_right(const SystemRelation& relation);
  std::int32_t grantable_object(const ObjectName& name);
  void check_change_function_right(const ChangeFunction& function) override;

  // FunctionHost.
  std::optional<std::string> object_name(std::int64_t object_id,
                                         std::optional<std::int64_t> database_id) override;
  std::optional<std::string> object_schema_name(std::int64_t object_id,
                                                std::optional<std::int64_t> database_id) override;
  std::optional<std::int64_t> object_id(std::string_view name, std::optional<std::string> type) override;
  std::optional<std::string> schema_name(std::int64_t schema_id) override;
  std::optional<std::int64_t> schema_id(std::string_view name) override;
  std::optional<std::string> database_name(std::int64_t id) override;
  std::optional<std::int64_t> database_id(std::string_view name) override;
  std::optional<std::string> column_name(std::int64_t object_id, std::int64_t column_id) override;
  std::optional<std::int64_t> column_property(std::int64_t object_id, std::string_view column,
                                              std::string_view property) override;
  std::optional<std::int64_t> object_property(std::int64_t object_id, std::string_view property) override;
  std::optional<Value> server_property(std::string_view name) override;
  std::optional<Value> database_property(std::string_view database, std::string_view name) override;
  std::optional<Value> session_property(std::string_view name) override;
  std::optional<std::string> name_of_type(std::int64_t id) override;
  std::optional<std::int64_t> id_of_type(std::string_view name) override;
  std::optional<std::int64_t> column_length(std::string_view table, std::string_view column) override;
  std::optional<std::int64_t> has_database_access(std::string_view name) override;
  std::optional<std::string> index_column(std::string_view table, std::int64_t index_id,
                                          std::int64_t key_id) override;
  std::optional<std::int64_t> index_property(std::int64_t object_id, std::string_view index,
                                             std::string_view property) override;
  std::optional<std::int64_t> current_identity(std::string_view table) override;
  std::optional<std::int64_t> has_permission(std::optional<std::string> securable,
                                             std::string_view class_name,
                                             std::string_view permission) override;
  std::optional<std::int64_t> is_server_role_member(std::string_view role,
                                                    std::optional<std::string> login) override;
  std::optional<std::int64_t> is_role_member(std::string_view role, std::optional<std::string> user) override;
  std::optional<std::string> user_name(std::optional<std::int64_t> id) override;
  bool cdc_function(std::string_view name, std::span<const Cell> args, Value& out,
                    ConversionError& error) override;

 private:
  friend class RowWriter;

  template <typename Body>
  void request(std::string_view sql, ResultSink& sink, std::stop_token stop, Body body);
  void undo_cancelled();

  // --- Running (execute.cpp, execute_statement.cpp, execute_control.cpp, execute_message.cpp).
  void run_text(std::string_view text);
  std::shared_ptr<CachedBatch> parsed(std::string_view text);
  Flow run_list(const StatementList& list, bool top);
  Flow run(const Statement& statement);
  Flow run_in_reach(const Statement& statement);
  Flow run_try(const TryCatch& node);
  Flow run_while(const While& node);
  void wait_for(const WaitFor& node);
  [[noreturn]] void throw_error(const Throw& node, std::int32_t line);
  void raise_error(const RaiseError& node, std::int32_t line);
  void print(const Print& node, std::int32_t line);
  void report(StatementError error, std::int32_t line);
  // Sends what the error says and does what it does to the transaction; true if the batch ends.
  bool settle(StatementError error, std::int32_t line);
  void note_error(const ServerMessage& message);
  void done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed = false);
  void check_stop();

  bool disconnected(ResultSink& sink);
  void run_ordered(const StatementFault::OrderedBatch& order);

  // --- Databases and transactions (database_use.cpp, session_transactions.cpp).
  DatabaseUse& use(const DatabasePtr& database);
  std::optional<ObjectDef> object_of(std::int64_t object_id, std::optional<std::int64_t> database_id);

  // --- Statements over other databases (session_databases.cpp).
  // Where names may lead: the session's own database, another one, or several with copies.
  enum class Reach : std::uint8_t { own, named, several };
  struct StatementPlace {
    DatabaseUse* active = nullptr;
    Reach reach = Reach::own;
    std::size_t copies = 0;
  };
  StatementPlace enter_statement();
  void enter_named_database(const OtherDatabase& other);
  void enter_several_databases(const SeveralDatabases& several);
  void leave_statement(const StatementPlace& before);
  DatabaseUse& place_of(const ObjectName& name);
  TablePtr table_named(std::string_view text);  // As OBJECT_ID() reads a name; nullptr: none.
  void place_target(DatabaseUse& home);
  template <typename Body>
  auto at_place(DatabaseUse& place, Body body);
  TablePtr copy_table(DatabaseUse& to, const TableDef& table);
  void copy_rows(DatabaseUse& to, const std::string& rows, const std::string& stored_name,
                 const std::string& columns);
  void change_database(std::string_view name, bool tell);
  void begin(bool implicit);
  void commit();
  void rollback(const std::string& name, bool tell = true);
  void roll_back_all(bool tell);
  void begin_write_lazily(const std::string& savepoint);
  // Without a table no implicit transaction begins.
  void before_read(bool of_table = true);
  void ensure_implicit_transaction();
  // A statement that writes: begins, commits or keeps what `body` did, undoes it on an error.
  template <typename Body>
  void write_statement(Body body);
  void begin_write();
  void end_write(bool good);

  // --- Values at run time (session_values.cpp, session_variables.cpp, session_evaluate.cpp).
  Value session_value(const std::string& name);
  Value parameter_value(const std::string& name);
  void bind_parameters(sim::Statement& statement, const std::vector<std::string>& parameters,
                       const RowStore* = nullptr);
  Value evaluate(const Expr& expr, const TypeInfo* type = nullptr);
  bool test(const Expr& expr);
  void assign(const std::string& name, Value value);
  void assign_expression(const std::string& name, const std::string& op, const Expr& expr);
  void declare(const Declare& node);
  sim::Statement prepare(const std::string& sql);
  // A row; false at the end. Throws StatementError when a function failed.
  bool step(sim::Statement& statement);
  [[noreturn]] void raise_step_error();
  void set_statement_time();

  // --- Queries (execute_select.cpp).
  void run_select(const Select& select, const Statement* statement);
  std::shared_ptr<const Plan> plan_select(const Select& select, const Statement* statement);
  bool plan_is_current(const Plan& plan);
  void run_checks(const Plan& plan);
  void select_rows(const Plan& plan);
  void select_into_variables(const Select& select);
  void select_into_table(const Select& select);
  static ResultColumn result_column(const OutputColumn& column);
  template <typename Body>
  auto in_named_database(Body body);

  // --- DML (execute_target.cpp, execute_insert.cpp, execute_change.cpp, execute_merge.cpp).
  void run_insert(const Insert& insert);
  void insert_values(const Insert& insert, RowWriter& writer, const std::vector<const ColumnDef*>& columns,
                     const std::string& table_text);
  void insert_query(const Insert& insert, RowWriter& writer, const std::vector<const ColumnDef*>& columns,
                    const std::string& table_text);
  void insert_execute(const Insert& insert, const TablePtr& table);
  void change_table(bool local, const std::function<void()>& body);
  void send_output(const OutputClause& clause, const RowWriter& writer);
  void run_bulk_insert(const BulkInsert& node);  // execute_bulk.cpp
  void run_update(const Update& update);
  void run_delete(const Delete& node);
  void run_merge(const Merge& merge);
  struct ChangeSource;
  ChangeSource bind_change_source(Binder& binder, const DmlTarget& target,
                                  const std::vector<std::unique_ptr<TableSource>>& from,
                                  const std::vector<CommonTable>& ctes);
  Typed compound_assignment(Binder& binder, const SetItem& item, const ColumnDef* column,
                            const ChangeSource& source);
  TablePtr dml_table(const DmlTarget& target, std::string* alias,
                     const std::vector<std::unique_ptr<TableSource>>* from);
  void truncate(const TruncateTable& node);

  // --- DDL (execute_table.cpp and its neighbours, execute_security.cpp, execute_options.cpp).
  void create_table(const CreateTable& node);
  TablePtr create_local_table(const CreateTable& node);
  TableDef table_definition(const CreateTable& node, bool local);
  ColumnDef column_definition(const ColumnClause& clause, const std::string& table);
  void alter_table(const AlterTable& node);
  void add_column(const TablePtr& table, const ColumnClause& clause);
  void add_constraint(const TablePtr& table, const ConstraintClause& clause);
  void alter_column(const TablePtr& table, const ColumnClause& clause);
  void create_index(const CreateIndex& node);
  void drop_index(const DropIndex& node);
  void drop_objects(const DropObjects& node);
  void drop_table(const ObjectName& name, bool if_exists);
  void drop_local_table(const TablePtr& table);
  void create_database(const CreateDatabase& node);
  void alter_database(const AlterDatabase& node);
  void create_schema(const CreateSchema& node);
  void create_principal(const CreatePrincipal& node);
  void alter_principal(const AlterPrincipal& node);
  void change_permission(const PermissionChange& node);
  void set_option(const SetOption& node);
  void set_identity_insert(const SetOption& node, bool on);
  void require_owner(std::string_view what);
  void check(const Outcome& outcome);
  std::string stored_check(const TableDef& table, const CheckDef& item);
  std::string stored_predicate(const TableDef& table, const std::string& text);
  IndexDef index_definition(const IndexClause& clause, const TableDef& table);
  ForeignKeyDef foreign_key_definition(const ConstraintClause& clause, const TableDef& table,
                                       const std::string& column);
  void verify_foreign_key(const TableDef& table, const ForeignKeyDef& key);
  void verify_check(const TableDef& table, const CheckDef& check);
  std::string statement_text() const;  // Of the statement that runs, for CDC's history of DDL.
  const std::string* batch_text_ = nullptr;
  const Statement* current_statement_ = nullptr;

  // --- Procedures (procedures*.cpp).
  struct Argument {
    std::string name;
    bool output = false;
    bool is_default = false;
    Value value;
    std::string variable;  // Where an OUTPUT goes.
  };
  struct CallArguments {
    std::vector<Argument> items;
    std::string procedure;
    // By position and by name, as SQL Server binds them; names with @. nullptr: not given.
    Argument* find(std::size_t position, std::string_view name);
    std::optional<std::string> text(std::size_t position, std::string_view name);
    std::optional<std::int64_t> number(std::size_t position, std::string_view name);
    void known(std::initializer_list<std::string_view> names) const;  // 8145, 8144
  };
  std::int32_t call_procedure(const std::string& name, CallArguments& arguments);
  void execute(const Execute& node);
  std::int32_t execute_sql(CallArguments& arguments, std::size_t text_position);
  std::int32_t prepare_handle(CallArguments& arguments, bool execute_too);
  std::int32_t execute_handle(CallArguments& arguments);
  void run_parameterised(const std::string& text, const std::string& declarations,
                         std::span<Argument> values);
  std::int32_t cdc_procedure(const std::string& name, CallArguments& arguments);
  std::int32_t catalog_procedure(const std::string& name, CallArguments& arguments);
  std::int32_t administration_procedure(const std::string& name, CallArguments& arguments);
  std::vector<TablePtr> all_tables();
  CdcResult procedure_tables(CallArguments& arguments);
  CdcResult procedure_columns(CallArguments& arguments, bool version_100);
  CdcResult procedure_keys(CallArguments& arguments);
  CdcResult procedure_statistics(CallArguments& arguments);
  CdcResult procedure_special_columns(CallArguments& arguments);
  CdcResult procedure_foreign_keys(CallArguments& arguments);
  void require_qualifier(CallArguments& arguments, std::string_view parameter);
  std::int32_t rename(CallArguments& arguments);
  void send_result(const CdcResult& result);
  template <typename Body>
  std::int32_t cdc_write(Body body);

  EngineState& state_;
  sim::Login login_;
  LoginDef definition_;
  std::int32_t spid_;
  std::uint64_t session_number_;  // For Faults::disconnected().
  GateOwner gate_owner_;
  std::map<std::int32_t, std::unique_ptr<DatabaseUse>> uses_;
  DatabaseUse* current_ = nullptr;
  DatabaseUse* active_ = nullptr;  // Of the statement that runs.
  Reach reach_ = Reach::own;
  std::vector<std::int32_t> copies_;                   // Of the statements that run.
  std::map<std::int32_t, DatabaseUse*> local_places_;  // Where temporary tables are stored, by their ids.
  std::string default_schema_ = "dbo";

  Options options_;
  int tran_count_ = 0;
  bool doomed_ = false;
  std::uint64_t descriptor_ = 0;
  std::string transaction_name_;
  bool in_write_ = false;

  std::list<Frame> frames_;
  std::map<std::string, TablePtr, std::less<>> temporary_;
  std::int32_t next_local_id_ = 2'000'000'001;
  std::map<std::int32_t, std::int64_t> local_identity_;
  std::int32_t identity_insert_ = 0;  // Object id
  std::int32_t identity_insert_database_ = 0;

  ResultSink* sink_ = nullptr;
  std::stop_token stop_;
  std::int64_t row_count_ = 0;
  std::int32_t last_error_ = 0;
  std::optional<Value> scope_identity_;
  int try_depth_ = 0;
  int nesting_ = 0;
  std::optional<ServerMessage> caught_;
  std::int32_t return_status_ = 0;
  std::optional<std::uint64_t> reset_after_rows_;
  bool cut_ = false;  // The connection was reset by a fault.
  std::vector<std::vector<Value>>* insert_rows_ =
      nullptr;  // Where INSERT ... EXEC gathers a procedure's rows.

  std::list<std::shared_ptr<CachedBatch>> cache_;
  struct Handle {
    std::string text;
    std::string declarations;
  };
  std::map<std::int32_t, Handle> handles_;
  std::int32_t next_handle_ = 1;
};

}  // namespace tailrace::sim::tsql
