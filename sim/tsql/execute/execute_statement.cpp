// One statement: its kind chosen, the smallest ones done at once.
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

template <typename... Visitors>
struct Visit : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Visit(Visitors...) -> Visit<Visitors...>;

}  // namespace

Flow SessionCore::run(const Statement& statement) {
  set_statement_time();
  current_statement_ = &statement;
  Flow flow = Flow::next;
  // Statements that set @@ERROR to 0 by having worked; control of flow leaves it.
  const auto worked = [&] { last_error_ = 0; };
  std::visit(Visit{
                 [&](const Empty&) {},
                 [&](const SelectPtr& node) {
                   run_select(*node, &statement);
                   worked();
                 },
                 [&](const Insert& node) {
                   run_insert(node);
                   worked();
                 },
                 [&](const BulkInsert& node) {
                   run_bulk_insert(node);
                   worked();
                 },
                 [&](const Update& node) {
                   run_update(node);
                   worked();
                 },
                 [&](const Delete& node) {
                   run_delete(node);
                   worked();
                 },
                 [&](const Merge& node) {
                   run_merge(node);
                   worked();
                 },
                 [&](const CreateTable& node) {
                   create_table(node);
                   worked();
                 },
                 [&](const AlterTable& node) {
                   alter_table(node);
                   worked();
                 },
                 [&](const CreateIndex& node) {
                   create_index(node);
                   worked();
                 },
                 [&](const DropIndex& node) {
                   drop_index(node);
                   worked();
                 },
                 [&](const DropObjects& node) {
                   drop_objects(node);
                   worked();
                 },
                 [&](const TruncateTable& node) {
                   truncate(node);
                   worked();
                 },
                 [&](const CreateDatabase& node) {
                   create_database(node);
                   worked();
                 },
                 [&](const AlterDatabase& node) {
                   alter_database(node);
                   worked();
                 },
                 [&](const CreateSchema& node) {
                   create_schema(node);
                   worked();
                 },
                 [&](const CreatePrincipal& node) {
                   create_principal(node);
                   worked();
                 },
                 [&](const AlterPrincipal& node) {
                   alter_principal(node);
                   worked();
                 },
                 [&](const PermissionChange& node) {
                   change_permission(node);
                   worked();
                 },
                 [&](const Declare& node) { declare(node); },
                 [&](const SetVariable& node) {
                   assign_expression(node.name, node.op, *node.value);
                   row_count_ = 1;
                   worked();
                 },
                 [&](const SetOption& node) { set_option(node); },
                 [&](const If& node) {
                   if (test(*node.condition))
                     flow = run(*node.then);
                   else if (node.otherwise)
                     flow = run(*node.otherwise);
                 },
                 [&](const While& node) { flow = run_while(node); },
                 [&](const BlockStatement& node) { flow = run_list(node.statements, false); },
                 [&](const TryCatch& node) { flow = run_try(node); },
                 [&](const Break&) { flow = Flow::break_; },
                 [&](const Continue&) { flow = Flow::continue_; },
                 [&](const Return& node) {
                   const TypeInfo type = int_type();
                   return_status_ =
                       node.value ? static_cast<std::int32_t>(evaluate(*node.value, &type).number) : 0;
                   flow = Flow::return_;
                 },
                 [&](const Throw& node) { throw_error(node, statement.line); },
                 [&](const RaiseError& node) { raise_error(node, statement.line); },
                 [&](const Print& node) { print(node, statement.line); },
                 [&](const WaitFor& node) { wait_for(node); },
                 [&](const Use& node) { change_database(node.database, true); },
                 [&](const BeginTransaction& node) {
                   if (tran_count_ == 0) transaction_name_ = node.name;
                   ensure_implicit_transaction();
                   begin(false);
                   worked();
                 },
                 [&](const CommitTransaction&) {
                   commit();
                   worked();
                 },
                 [&](const RollbackTransaction& node) {
                   rollback(node.name);
                   worked();
                 },
                 [&](const SaveTransaction& node) {
                   if (tran_count_ == 0)
                     raise(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.",
                           statement.line);
                   begin_write_lazily(node.name);
                   worked();
                 },
                 [&](const Execute& node) { execute(node); },
             },
             statement.body);
  return flow;
}

}  // namespace tailrace::sim::tsql
