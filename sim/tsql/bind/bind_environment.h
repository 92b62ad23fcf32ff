// What a name means in the session: the binder's view of it, and how a statement finds the database that it is about.
#pragma once

#include <string>
#include <string_view>

#include "sim/catalog/catalog.h"
#include "sim/catalog/security.h"
#include "sim/catalog/server.h"
#include "sim/catalog/system_relations.h"
#include "sim/cdc/cdc.h"
#include "sim/tsql/parse/ast.h"

namespace tailrace::sim::tsql {

// What a name means in the session: the binder's view of it.
class BindEnvironment {
 public:
  virtual ~BindEnvironment() = default;
  virtual const std::string& bound_database() const = 0;
  // Whether the objects of a database (empty: the session's own) are those of catalog(). Where the statement is bound
  // without this being so it throws OtherDatabase or SeveralDatabases; false: the binder asks for copies.
  virtual bool bound_here(std::string_view database, const ObjectName& name) = 0;
  virtual bool local_bound_here(const TableDef& table) = 0;  // The same for local_table()'s.
  // A database's id, where a function of it must say which one is meant; 0: that of catalog().
  virtual std::int32_t foreign_database_id(std::string_view database, const ObjectName& name) = 0;
  // What another database has under a name, copied to where the statement runs; rights are looked at there.
  virtual TablePtr copied_table(const ObjectName& name) = 0;
  virtual TablePtr copied_local_table(const TablePtr& table) = 0;
  virtual std::string copied_relation(const SystemRelation& relation, const ObjectName& name) = 0;
  // Of the session's database: of literals and variables, of aliases.
  virtual const std::string& collation() const = 0;
  virtual CollationKind names() const = 0;
  virtual DatabasePtr database_of(const ObjectName& name) = 0;  // nullptr: there is none.
  virtual Catalog& catalog() = 0;
  virtual Cdc& cdc() = 0;
  virtual const std::string& default_schema() const = 0;
  // A temporary table (#t) or a table variable (@t); nullptr: none.
  virtual TablePtr local_table(std::string_view name) = 0;
  // nullptr: not declared.
  virtual const TypeInfo* variable_type(std::string_view name) = 0;
  // 229 and the like: throws StatementError.
  virtual void check_right(sim::Permission permission, const TableDef& table) = 0;
  virtual void check_system_right(const SystemRelation& relation) = 0;
  virtual void check_change_function_right(const ChangeFunction& function) = 0;
};

[[noreturn]] void invalid_object(const ObjectName& name);  // 208

// Thrown when a three-part name leads to another database than the bound one: the statement is bound again there.
struct OtherDatabase {
  std::string name;
  ObjectName object;
};

// Thrown when a statement that was bound in another database needs a second one: it is bound with copies.
struct SeveralDatabases {
  std::int32_t line = 0;
};

// The session values that stand behind names like @@ROWCOUNT, SUSER_SNAME() and ERROR_NUMBER().
struct SessionValueType {
  TypeInfo type;
  bool nullable = true;
};
const SessionValueType* find_session_value(
    std::string_view name);  // Upper case: "@@ROWCOUNT", "SCOPE_IDENTITY"

}  // namespace tailrace::sim::tsql
