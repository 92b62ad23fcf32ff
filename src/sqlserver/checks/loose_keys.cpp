// SQL Server takes 'abc' for 'ABC' where a collation ignores case, and for 'abc  ' always; PostgreSQL takes neither.
#include "sqlserver/checks/loose_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "sqlserver/selection.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver::checks {
namespace {

const CatalogColumn* column_named(const CatalogTable& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const CatalogColumn& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

// Collations of SQL Server that tell apart whatever differs in its code points end like this.
bool is_loose(const CatalogColumn& column) {
  return !column.collation.empty() && column.collation.find("_BIN") == std::string::npos;
}

const CatalogTable* selected_table(const Catalog& catalog, const Selection& selection,
                                   const TableName& name) {
  const bool is_selected =
      std::any_of(selection.tables.begin(), selection.tables.end(),
                  [&](const CapturedTable& table) { return table.schema->name == name; });
  if (!is_selected) return nullptr;
  const auto found = std::find_if(catalog.tables.begin(), catalog.tables.end(),
                                  [&](const CatalogTable& table) { return table.name == name; });
  return found == catalog.tables.end() ? nullptr : &*found;
}

// FROM child c JOIN parent p ON equal WHERE spelled differently.
std::string differing(const LooseForeignKey& key) {
  std::string equal;
  std::string different;
  for (std::size_t i = 0; i < key.key->columns.size(); ++i) {
    const CatalogColumn* const column = key.child->find_column(key.key->columns[i]);
    if (column == nullptr) continue;
    const std::string child = "c." + quote(column->name);
    const std::string parent = "p." + quote(key.key->parent_columns[i]);
    equal += fmt::format("{}{} = {}", equal.empty() ? "" : " AND ", child, parent);
    if (!is_loose(*column)) continue;
    // Both sides of a foreign key have one type and one collation: their bytes tell. (COLLATE would translate narrow text
    // into another code page, where different letters become one question mark.)
    different += fmt::format("{0}CONVERT(varbinary(8000), {1}) <> CONVERT(varbinary(8000), {2})",
                             different.empty() ? "" : " OR ", child, parent);
  }
  return fmt::format("FROM {} AS c JOIN {} AS p ON {} WHERE {}", quote(key.child->name),
                     quote(key.parent->name), equal, different);
}

}  // namespace

std::vector<LooseForeignKey> find_loose_keys(const Catalog& catalog, const Selection& selection) {
  std::vector<LooseForeignKey> out;
  for (const CapturedTable& captured : selection.tables) {
    const CatalogTable* const child = selected_table(catalog, selection, captured.schema->name);
    if (child == nullptr) continue;
    for (const CatalogForeignKey& key : child->foreign_keys) {
      if (!key.trusted) continue;  // Not made in the target.
      const CatalogTable* const parent = selected_table(catalog, selection, key.parent);
      const bool has_loose_column = std::any_of(key.columns.begin(), key.columns.end(), [&](std::int32_t id) {
        const CatalogColumn* const column = child->find_column(id);
        return column != nullptr && is_loose(*column);
      });
      const bool is_whole = parent != nullptr &&
                            std::all_of(key.parent_columns.begin(), key.parent_columns.end(),
                                        [&](const std::string& name) { return column_named(*parent, name); });
      if (has_loose_column && is_whole) out.push_back({child, parent, &key, {}});
    }
  }
  return out;
}

std::string find_differing(std::span<const LooseForeignKey* const> keys) {
  std::string out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    out += fmt::format("{}SELECT {} AS number WHERE EXISTS (SELECT 1 {})", i == 0 ? "" : " UNION ALL ", i,
                       differing(*keys[i]));
  }
  return out;
}

std::string respell(const LooseForeignKey& key) {
  std::string set;
  for (std::size_t i = 0; i < key.key->columns.size(); ++i) {
    const CatalogColumn* const column = key.child->find_column(key.key->columns[i]);
    if (column == nullptr || !is_loose(*column)) continue;
    set += fmt::format("{}c.{} = p.{}", set.empty() ? "" : ", ", quote(column->name),
                       quote(key.key->parent_columns[i]));
  }
  return fmt::format("UPDATE c SET {} {};", set, differing(key));
}

}  // namespace tailrace::sqlserver::checks
