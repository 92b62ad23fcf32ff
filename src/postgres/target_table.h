// What a table of the target looks like now, and how that differs from what a source table needs.
//
// Shape    Reading is in target_facts.cpp, comparing in target_table.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/table_schema.h"
#include "postgres/connection.h"
#include "postgres/names.h"
#include "postgres/settings.h"
#include "postgres/types.h"

namespace tailrace::postgres {

struct TargetColumn {
  std::string name;
  PgType type;
  std::string type_sql;  // As the server writes it.
  bool not_null = false;
  bool generated = false;        // STORED: left out of column lists.
  bool identity_always = false;  // Takes OVERRIDING SYSTEM VALUE.
  bool deterministic = true;     // Of its collation.
  bool operator==(const TargetColumn&) const = default;
};

struct TargetTable {
  std::uint32_t oid = 0;  // 0: does not exist.
  char kind = 'r';        // pg_class.relkind.
  std::vector<TargetColumn> columns;
  std::vector<std::string> key;        // Columns of the primary key, in its order; empty: none.
  std::string key_name;                // Of its constraint.
  bool unlogged = false;               // Emptied by PostgreSQL after a crash of the server.
  bool has_default_partition = false;  // Or needs none, as it is partitioned by hash.
  std::vector<std::string>
      partition_key;  // Columns; empty entries are expressions. Of a partitioned table alone.
  bool exists() const { return oid != 0; }
  const TargetColumn* find(std::string_view name) const;
};

// The settings with what the database itself decides: PostGIS's schema.
Settings with_extensions(Connection& connection, Settings settings);

TargetTable read_target(Connection& connection, const RelationName& name);

// Asks for the columns of a relation, $1 is its oid, and for nothing else: what columns_of() takes. The last column says
// whether rows may come by COPY where they came by INSERT: COPY asks no rule, and refuses row security.
extern const char* const columns_sql;
std::vector<TargetColumn> columns_of(const Result& rows);
bool may_copy(const Result& rows);
bool has_rows(Connection& connection, const RelationName& name);

// What keeps a table from being replicated into a target, and the SQL that mends it.
struct Difference {
  std::string text;
  std::string remedy;
};

// None: fit.
std::vector<Difference> differences(const TableSchema& table, const RelationName& name,
                                    const TargetTable& target, const Settings& settings);

// Throws with all differences: config; of a table that was replicated already schema, for it or its source was altered.
void check_shape(const TableSchema& table, const RelationName& name, const TargetTable& target,
                 const Settings& settings, ErrorKind kind = ErrorKind::config);

// Throws config where a column of the table's key may be NULL, or loses what makes two keys two (R14).
void check_key_columns(const TableSchema& table);

// Something of the target that would change, hide or refuse replicated rows behind our back (R10a).
struct Meddler {
  std::string kind;  // trigger, rule, row_security, foreign_key.
  std::string name;
  std::string reason;
  std::string remedy;  // SQL.
};

// What is asked about a target before rows go there.
struct TargetFacts {
  TargetTable table;
  // Unique and exclusion indexes beside the primary key that are checked at once: their tables' changed rows are all
  // deleted before the first is inserted (R9c).
  std::vector<std::string> immediate_indexes;
  std::vector<Meddler> meddlers;
};
using TargetFactsByName = std::map<RelationName, TargetFacts>;

// A few statements for all of them together: an answer for each name. The catalog is what a start over a thousand tables
// costs, so nobody asks it in a loop over tables.
TargetFactsByName read_targets(Connection& connection, const std::vector<RelationName>& names);
// Tables to ask about at a time: bounds what the answers hold.
inline constexpr std::size_t targets_a_question = 200;

// Throws config with all of them.
void refuse_meddlers(const TableSchema& table, const RelationName& name, const TargetFacts& target);

}  // namespace tailrace::postgres
