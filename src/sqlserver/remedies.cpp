// Statements of sys.sp_cdc_enable_table and sys.sp_cdc_disable_table.
//
// Source  cdc.md A2: at most two instances a table, names unique in the database and of at most 100 characters.
#include "sqlserver/remedies.h"

#include <fmt/format.h>

#include <algorithm>

#include "sqlserver/pattern.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

constexpr std::size_t most_instances = 2;
constexpr std::size_t most_instance_bytes = 90;  // Leaves room for the number.

bool is_taken(const Catalog& catalog, const std::string& name) {
  return std::any_of(catalog.tables.begin(), catalog.tables.end(), [&](const CatalogTable& table) {
    return std::any_of(table.instances.begin(), table.instances.end(), [&](const CatalogInstance& instance) {
      return same_name(instance.name, name, false);
    });
  });
}

std::string free_name(const CatalogTable& table, const Catalog& catalog) {
  std::string base = table.name.schema + "_" + table.name.name;
  if (base.size() > most_instance_bytes) {
    base.resize(most_instance_bytes);
    while (!base.empty() && (static_cast<unsigned char>(base.back()) & 0x80U) != 0)
      base.pop_back();  // No half of a character.
  }
  std::string name = base;
  for (int number = 2; is_taken(catalog, name); ++number)
    name = fmt::format("{}_{}", base, number);
  return name;
}

// The unique index by which a table without a primary key is captured.
std::string index_of(const CatalogTable& table) {
  const bool has_primary = std::any_of(table.unique_indexes.begin(), table.unique_indexes.end(),
                                       [](const CatalogIndex& index) { return index.primary; });
  if (has_primary || table.instances.empty() || table.instances.back().identity_columns.empty()) return {};
  for (const CatalogIndex& index : table.unique_indexes) {
    if (index.columns == table.instances.back().identity_columns)
      return fmt::format(", @index_name = {}", literal(index.name));
  }
  return {};
}

// The gating role of the table's newest instance.
std::string role_literal(const CatalogTable& table) {
  if (table.instances.empty() || table.instances.back().role.empty()) return "NULL";
  return literal(table.instances.back().role);
}

std::string source_of(const CatalogTable& table) {
  return fmt::format("@source_schema = {}, @source_name = {}", literal(table.name.schema),
                     literal(table.name.name));
}

}  // namespace

std::string disable(const CatalogTable& table, const CatalogInstance& instance) {
  return fmt::format("EXEC sys.sp_cdc_disable_table {}, @capture_instance = {};", source_of(table),
                     literal(instance.name));
}

std::string enable_again(const CatalogTable& table, const Catalog& catalog, const Again& again) {
  std::string out;
  if (table.instances.size() >= most_instances) {
    const CatalogInstance& oldest = table.instances.front();
    const CatalogInstance& gone = oldest.name == again.kept ? table.instances.back() : oldest;
    out = disable(table, gone) + " /* which no pipeline may read any more */ ";
  }
  return out + fmt::format("EXEC sys.sp_cdc_enable_table {}, @role_name = {}, @capture_instance = {}{}{};",
                           source_of(table), role_literal(table), literal(free_name(table, catalog)),
                           index_of(table), again.options);
}

std::string alter_uncaptured(const CatalogTable& table, const Catalog& catalog, const std::string& alter) {
  std::string out;
  for (const CatalogInstance& instance : table.instances)
    out += disable(table, instance) + " ";
  CatalogTable left = table;
  if (left.instances.size() > 1) left.instances.erase(left.instances.begin(), left.instances.end() - 1);
  return out + alter + " " + enable_again(left, catalog) +
         "   -- a pipeline that runs already must take the table again";
}

std::string alter_column(const CatalogTable& table, const CatalogColumn& column, std::string_view type,
                         bool nullable) {
  return fmt::format("ALTER TABLE {} ALTER COLUMN {} {}{} {};", quote(table.name), quote(column.name), type,
                     column.collation.empty() ? "" : " COLLATE " + column.collation,
                     nullable ? "NULL" : "NOT NULL");
}

}  // namespace tailrace::sqlserver
