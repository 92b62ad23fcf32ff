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
// Without any key: rows are loaded first (docs/rules.md, "Measured").
std::string create_table_sql(const TableSchema& table, const Settings& settings);
std::string primary_key_sql(const TableSchema& table, const RelationName& relation);

struct ConstraintSql {
  std::string name;      // In the target.
  std::string add;       // ALTER TABLE ... ADD CONSTRAINT ...
  std::string validate;  // Of a foreign key; else empty.
  std::string reason;    // Why it is not made; then `add` is empty.
};

// Unique constraints, and filtered unique indexes as exclusion constraints.
std::vector<ConstraintSql> unique_constraints_sql(const TableSchema& table, const Settings& settings);
// `parents` are the replicated tables.
std::vector<ConstraintSql> foreign_keys_sql(const TableSchema& table, const std::vector<SchemaPtr>& parents,
                                            const Settings& settings);

// Everything that the tables need, in an order that works (for `tailrace schema`).
std::string schema_sql(const std::vector<SchemaPtr>& tables, const Settings& settings);

}  // namespace tailrace::postgres
