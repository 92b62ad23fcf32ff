// The statements that make target tables and their constraints.
//
// Source  docs/types.md; docs/rules.md R9a.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/table_schema.h"
#include "postgres/names.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

std::string create_schema_sql(const std::string& schema);
// Of a column that is made.
std::string created_column_type(const ColumnType& source, const Settings& settings);
// Without any key: rows are loaded first (docs/rules.md, "Measured").
std::string create_table_sql(const TableSchema& table, const Settings& settings);
std::string primary_key_sql(const TableSchema& table, const RelationName& relation);

struct ConstraintSql {
  std::string name;                    // As at the source.
  RelationName relation;               // Of the target.
  std::optional<RelationName> parent;  // Of a foreign key: what it references in the target.
  std::string body;                    // What follows the name; empty: it is not made, for `reason`.
  bool validate = false;               // Made NOT VALID, to be validated in a step of its own.
  std::string reason;

  bool made() const { return reason.empty(); }
  // The target's name: the source's, or with the table's name before it. (SQL Server's index names need only be
  // unique within their table, PostgreSQL's within the schema.)
  std::string plain_name() const { return constraint_name(name); }
  std::string long_name() const { return constraint_name(relation.name + "_" + name); }
  std::string add_sql(const std::string& as) const;
  std::string validate_sql(const std::string& as) const;
};

// Unique constraints, and filtered unique indexes as exclusion constraints.
std::vector<ConstraintSql> unique_constraints_sql(const TableSchema& table, const Settings& settings);
// `parents` are the replicated tables.
std::vector<ConstraintSql> foreign_keys_sql(const TableSchema& table, const std::vector<SchemaPtr>& parents,
                                            const Settings& settings);

}  // namespace tailrace::postgres
