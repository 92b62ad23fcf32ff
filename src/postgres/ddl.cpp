// DDL text.
#include "postgres/ddl.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "postgres/filter_sql.h"
#include "postgres/types.h"

namespace tailrace::postgres {
namespace {

std::string column_list(const TableSchema& table, const std::vector<std::size_t>& columns) {
  std::string out;
  for (const std::size_t column : columns)
    out += (out.empty() ? "" : ", ") + quote_name(table.columns[column].name);
  return out;
}

std::string name_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names)
    out += (out.empty() ? "" : ", ") + quote_name(name);
  return out;
}

// A value of the column's type that stands for NULL beside a term that says so (SQL Server's NULLs are equal).
std::string any_value(const PgType& type) {
  switch (type.oid) {
    case oid_bool: return "false";
    case oid_text:
    case oid_varchar:
    case oid_bpchar:
    case oid_bytea: return fmt::format("''::{}", PgType{type.oid, -1}.sql());
    case oid_date:
    case oid_timestamp:
    case oid_timestamptz: return fmt::format("'2000-01-01'::{}", PgType{type.oid, -1}.sql());
    case oid_time: return "'00:00'::time";
    case oid_uuid: return "'00000000-0000-0000-0000-000000000000'::uuid";
    default: return fmt::format("0::{}", PgType{type.oid, -1}.sql());
  }
}

std::string exclusion_terms(const TableSchema& table, const UniqueConstraint& constraint,
                            const Settings& settings) {
  std::string out;
  for (const std::size_t index : constraint.columns) {
    const Column& column = table.columns[index];
    const std::string name = quote_name(column.name);
    if (!out.empty()) out += ", ";
    if (!column.nullable) {
      out += name + " WITH =";
      continue;
    }
    const PgType type = created_type(column.type, settings);
    out += fmt::format("coalesce({}, {}) WITH =, ({} IS NULL) WITH =", name, any_value(type), name);
  }
  return out;
}

ConstraintSql unique_sql(const TableSchema& table, const UniqueConstraint& constraint,
                         const Settings& settings) {
  ConstraintSql made;
  made.name = constraint.name;
  made.relation = target_of(settings, table.name);
  for (const std::size_t column : constraint.columns) {
    if (!loses_digits(table.columns[column].type)) continue;
    made.reason = fmt::format("column {} loses its seventh digit, so two source values may become one",
                              table.columns[column].name);
    return made;
  }
  if (constraint.filter.empty()) {
    made.body = fmt::format("UNIQUE NULLS NOT DISTINCT ({}) DEFERRABLE INITIALLY DEFERRED",
                            column_list(table, constraint.columns));
    return made;
  }
  const std::optional<std::string> filter = postgres_filter(constraint.filter, table);
  if (!filter) {
    made.reason = "its filter has no translation: " + constraint.filter;
    return made;
  }
  made.body = fmt::format("EXCLUDE USING btree ({}) WHERE ({}) DEFERRABLE INITIALLY DEFERRED",
                          exclusion_terms(table, constraint, settings), *filter);
  return made;
}

// PostgreSQL wants an immediate unique constraint behind a foreign key: of ours only the primary key is one.
bool references_primary_key(const ForeignKey& foreign_key, const TableSchema& parent) {
  std::set<std::string> key;
  for (const std::size_t column : parent.key)
    key.insert(parent.columns[column].name);
  return key == std::set<std::string>(foreign_key.parent_columns.begin(), foreign_key.parent_columns.end());
}

ConstraintSql foreign_key_sql(const TableSchema& table, const ForeignKey& foreign_key,
                              const TableSchema* parent, const Settings& settings) {
  ConstraintSql made;
  made.name = foreign_key.name;
  made.relation = target_of(settings, table.name);
  if (!foreign_key.trusted) made.reason = "it is not trusted at the source";
  if (parent == nullptr) made.reason = "its parent " + foreign_key.parent.str() + " is not replicated";
  if (made.reason.empty() && !references_primary_key(foreign_key, *parent))
    made.reason =
        "it references a unique constraint other than the primary key of " + foreign_key.parent.str();
  if (!made.reason.empty()) return made;
  made.parent = target_of(settings, foreign_key.parent);
  made.body = fmt::format(
      "FOREIGN KEY ({}) REFERENCES {} ({})"
      " ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED NOT VALID",
      column_list(table, foreign_key.columns), made.parent->quoted(), name_list(foreign_key.parent_columns));
  made.validate = true;
  return made;
}

}  // namespace

std::string ConstraintSql::add_sql(const std::string& as) const {
  return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", relation.quoted(), quote_name(as), body);
}

std::string ConstraintSql::validate_sql(const std::string& as) const {
  return fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", relation.quoted(), quote_name(as));
}

// PostGIS's schema need not be on the search path.
std::string created_column_type(const ColumnType& source, const Settings& settings) {
  const PgType type = created_type(source, settings);
  const bool postgis = type.oid == oid_geometry || type.oid == oid_geography;
  return (postgis ? quote_name(settings.postgis_schema) + "." : "") + type.sql();
}

std::string create_schema_sql(const std::string& schema) {
  return "CREATE SCHEMA " + quote_name(schema);
}

std::string create_table_sql(const TableSchema& table, const Settings& settings) {
  std::string columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    columns += fmt::format("{}  {} {}{}", columns.empty() ? "" : ",\n", quote_name(column.name),
                           created_column_type(column.type, settings),
                           !column.nullable || table.is_key(i) ? " NOT NULL" : "");
  }
  return fmt::format("CREATE TABLE {} (\n{}\n) WITH (fillfactor = {})",
                     target_of(settings, table.name).quoted(), columns, settings.fillfactor);
}

std::string primary_key_sql(const TableSchema& table, const RelationName& relation) {
  return fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", relation.quoted(), column_list(table, table.key));
}

std::vector<ConstraintSql> unique_constraints_sql(const TableSchema& table, const Settings& settings) {
  std::vector<ConstraintSql> out;
  for (const UniqueConstraint& constraint : table.unique_constraints)
    out.push_back(unique_sql(table, constraint, settings));
  return out;
}

std::vector<ConstraintSql> foreign_keys_sql(const TableSchema& table, const std::vector<SchemaPtr>& parents,
                                            const Settings& settings) {
  std::vector<ConstraintSql> out;
  for (const ForeignKey& foreign_key : table.foreign_keys) {
    const auto parent = std::find_if(parents.begin(), parents.end(), [&](const SchemaPtr& candidate) {
      return candidate->name == foreign_key.parent;
    });
    out.push_back(
        foreign_key_sql(table, foreign_key, parent == parents.end() ? nullptr : parent->get(), settings));
  }
  return out;
}

}  // namespace tailrace::postgres
