// The system views that can be queried, each under the name of the SQLite view (or table) that answers for it.
//
// Shape    sys.tables is the SQLite view sys_tables, INFORMATION_SCHEMA.COLUMNS information_schema_columns,
//          msdb.dbo.cdc_jobs msdb_cdc_jobs; columns under SQL Server's names. What is not listed is not
//          known: the engine refuses it (208). The tables of schema cdc are ordinary tables of the catalog,
//          not listed here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/storage/collation.h"
#include "sim/storage/type.h"

namespace tailrace::sim {

struct SystemColumn {
  std::string_view name;
  TypeInfo type;
  bool nullable = true;
};

// Which database's rows a view shows does not depend on the session's database.
enum class SystemScope { database, server };

// What a caller needs beyond being a user of the database.
// msdb_select: SELECT on that very table of msdb, which nobody but a sysadmin has of himself.
enum class SystemRight { none, view_database_state, view_server_state, msdb_select };

struct SystemRelation {
  std::string_view database;  // Empty: in every database. "msdb": only there.
  std::string_view schema;    // sys, INFORMATION_SCHEMA, dbo
  std::string_view name;
  std::string_view stored_name;
  SystemScope scope = SystemScope::database;
  SystemRight right = SystemRight::none;
  std::vector<SystemColumn> columns;
};

// By name, compared as the database compares its own; `database` is the one that the name says or the session's.
// nullptr: not known.
const SystemRelation* find_system_relation(std::string_view database, std::string_view schema,
                                           std::string_view name,
                                           CollationKind names = CollationKind::ignore_case);
std::span<const SystemRelation> system_relations();
// The id under which rights on a table of msdb are kept; nothing for views, on which there are none to grant.
std::optional<std::int32_t> grantable_id(const SystemRelation& relation);

}  // namespace tailrace::sim
