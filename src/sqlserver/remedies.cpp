// Statements of sys.sp_cdc_enable_table and sys.sp_cdc_disable_table.
//
// Source  cdc.md A2: at most two instances a table, names unique in the database and of at most 100 characters.
#include "sqlserver/remedies.h"

#include <fmt/format.h>

#include <algorithm>

#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

constexpr std::size_t most_instances = 2;
constexpr std::size_t most_instance_bytes = 90;  // Leaves room for the number.

bool is_taken(const Catalog& catalog, const std::string& name) {
  return std::any_of(catalog.tables.begin(), catalog.tables.end(), [&](const CatalogTable& table) {
    return std::any_of(table.instances.begin(), table.instances.end(),
                       [&](const CatalogInstance& instance) { return instance.name == name; });
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

}  // namespace

std::string role_literal(const CatalogTable& table, const std::string& instance) {
  for (auto at = table.instances.rbegin(); at != table.instances.rend(); ++at) {
    if (!instance.empty() && at->name != instance) continue;
    return at->role.empty() ? "NULL" : literal(at->role);
  }
  return "NULL";
}

std::string enable_again(const CatalogTable& table, const Catalog& catalog) {
  const std::string source = fmt::format("@source_schema = {}, @source_name = {}", literal(table.name.schema),
                                         literal(table.name.name));
  std::string out;
  if (table.instances.size() >= most_instances) {
    out = fmt::format("EXEC sys.sp_cdc_disable_table {}, @capture_instance = {}; ", source,
                      literal(table.instances.front().name));
  }
  return out + fmt::format("EXEC sys.sp_cdc_enable_table {}, @role_name = {}, @capture_instance = {}{};",
                           source, role_literal(table), literal(free_name(table, catalog)), index_of(table));
}

}  // namespace tailrace::sqlserver
