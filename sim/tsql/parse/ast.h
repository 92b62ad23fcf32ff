// The syntax tree of a batch: what the parser hands to the binder.
//
// Shape    Plain structs, owned top down, in ast_*.h by subject. Names are kept as written; the binder folds their case.
#pragma once

#include <cstdint>
#include <variant>

#include "sim/tsql/parse/ast_control.h"
#include "sim/tsql/parse/ast_ddl.h"
#include "sim/tsql/parse/ast_dml.h"
#include "sim/tsql/parse/ast_query.h"

namespace tailrace::sim::tsql {

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
